import '@mantine/core/styles/PasswordInput.css'
import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useRef, useState, type FormEvent } from 'react'
import { asProblem, type Problem } from '../../api/problem'
import { logIn } from '../../app/session'
import { t } from '../../texts'

/** `name`: who has to log in; anybody may where it is left out. */
export function LoginForm({ name }: { name?: string }) {
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const password = useRef<HTMLInputElement>(null)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    setBusy(true)
    setProblem(null)
    try {
      await logIn(name ?? String(given.get('username')).trim(), String(given.get('password')))
    } catch (error) {
      setProblem(asProblem(error))
      setBusy(false)
      password.current?.select()
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        {problem && (
          <Alert color="red" variant="light" role="alert">
            {problem.status === 401 ? t.login.wrong : problem.status === 429 ? t.login.wait(problem.retryAfter ?? 1) : problem.status === 0 ? t.login.unreachable : problem.detail || problem.title}
          </Alert>
        )}
        <TextInput label={t.login.name} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required withAsterisk={false} data-autofocus={name === undefined || undefined} autoFocus={name === undefined} defaultValue={name} readOnly={name !== undefined} />
        <PasswordInput ref={password} label={t.login.password} name="password" autoComplete="current-password" required withAsterisk={false} data-autofocus={name !== undefined || undefined} autoFocus={name !== undefined} visibilityToggleButtonProps={{ 'aria-label': t.app.show }} />
        <Button type="submit" loading={busy} fullWidth>
          {t.login.submit}
        </Button>
      </Stack>
    </form>
  )
}
