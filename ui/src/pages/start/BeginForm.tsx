/** The form with which a process is started, once: a repetition after an answer that was lost starts nothing again. */
import { Alert, Anchor, Button, Group, List, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useLocation, useNavigate } from '@tanstack/react-router'
import { useId, useMemo, useRef, useState } from 'react'
import { call, idempotencyKey, path } from '../../api/client'
import type { InstanceView as Instance, StartView as Start, TaskView as Task } from '../../api/types'
import { asProblem } from '../../api/problem'
import { progress, type Page } from '../../api/queries'
import { toast } from '../../app/toast'
import { SchemaForm, type SchemaFormHandle } from '../../forms/SchemaForm'
import { t } from '../../texts'
import { atSteps, isOpen, withWhom } from '../requests/where'
import { cut, fromAddress, over } from './prefill'
import { refusalOf } from './refusal'

type Values = Record<string, unknown>

type Props = {
  name: string
  start: Start
  /** What was sent or kept before. */
  earlier: Values
  stages: string[]
  /** Another version is published by now. */
  replaced: boolean
  showNew: (typed: Values) => void
}

export function BeginForm({ name, start, earlier, stages, replaced, showNew }: Props) {
  const id = useId()
  const query = useLocation({ select: (location) => location.searchStr })
  const { schema } = start
  const [initial] = useState<Values>(() => (schema === null ? {} : over(cut(earlier, schema), fromAddress(query, schema))))
  const [reference, setReference] = useState(() => (typeof earlier.businessKey === 'string' ? earlier.businessKey : ''))
  const [opened] = useState(reference !== '')
  const handle = useRef<SchemaFormHandle>(null)
  const attempt = useAttempt()
  const begin = useBegin(name, start, attempt)
  const refusal = useMemo(() => (begin.error === null ? null : refusalOf(begin.error, schema)), [begin.error, schema])

  const submit = (values: Values) => {
    if (attempt.take()) begin.mutate({ values, reference: reference.trim() })
  }
  const rest = (
    <Stack gap="md">
      <details className="more-fields" open={opened}>
        <summary>{t.start.form.more}</summary>
        <TextInput label={t.start.form.reference} description={t.start.form.referenceHelp} value={reference} maxLength={200} autoComplete="off"
          onChange={(event) => { setReference(event.currentTarget.value); attempt.changed() }} />
      </details>
      <Group gap="sm">
        <Button type="submit" size="md" loading={begin.isPending}>{t.start.form.submit}</Button>
        <Button component={Link} to="/start" size="md" variant="subtle" color="gray">{t.app.cancel}</Button>
      </Group>
    </Stack>
  )
  return (
    <>
      {replaced && (
        <Alert color="yellow" variant="light" icon={<IconInfoCircle aria-hidden />} role="status" mb="md">
          <Group justify="space-between" gap="sm">
            <Text size="sm">{t.start.form.replaced}</Text>
            <Button size="xs" variant="default" onClick={() => showNew({ ...handle.current?.values(), businessKey: reference })}>{t.start.form.showNew}</Button>
          </Group>
        </Alert>
      )}
      {refusal !== null && (refusal.fields.length === 0 || refusal.elsewhere.length > 0) && (
        <Alert color={refusal.passing ? 'yellow' : 'red'} variant="light" icon={<IconAlertTriangle aria-hidden />} title={refusal.passing ? undefined : refusal.title} role="alert" mb="md">
          {refusal.passing && <Text size="sm">{refusal.title}</Text>}
          {refusal.detail && <Text size="sm">{refusal.detail}</Text>}
          {refusal.elsewhere.length > 0 && <List size="sm">{refusal.elsewhere.map((each) => <List.Item key={each}>{each}</List.Item>)}</List>}
          {refusal.requests && <Anchor component={Link} to="/requests" size="sm">{t.start.allMine}</Anchor>}
        </Alert>
      )}
      {schema === null ? (
        <form id={id} onSubmit={(event) => { event.preventDefault(); submit({}) }}>
          <Text mb="md">{t.start.form.confirm}</Text>
          {rest}
        </form>
      ) : (
        <SchemaForm id={id} schema={schema} initial={initial} handle={handle} problems={refusal?.fields} onChange={attempt.changed} onSubmit={submit}>
          {rest}
        </SchemaForm>
      )}
      {stages.length > 0 && (
        <section aria-labelledby={`${id}next`}>
          <Title order={2} size="h3" id={`${id}next`} mt="xl" mb="xs">{t.start.form.next}</Title>
          <ol className="next-steps">{stages.map((stage) => <li key={stage}>{stage}</li>)}</ol>
        </section>
      )}
    </>
  )
}

type Attempt = { key: () => string; take: () => boolean; over: (refused: boolean) => void; changed: () => void }

/** One start at a time, under one key until it was refused and something is changed. */
function useAttempt(): Attempt {
  const key = useRef('')
  const running = useRef(false)
  const refused = useRef(false)
  return {
    key: () => (key.current ||= idempotencyKey()),
    take: () => {
      if (running.current) return false
      running.current = true
      return true
    },
    over: (wasRefused) => {
      running.current = false
      refused.current = wasRefused
    },
    changed: () => {
      if (!refused.current) return
      refused.current = false
      key.current = ''
    },
  }
}

function useBegin(name: string, start: Start, attempt: Attempt) {
  const client = useQueryClient()
  const navigate = useNavigate()

  const goOn = async (begun: Instance) => {
    for (const queryKey of [['instances'], ['tasks']]) void client.invalidateQueries({ queryKey })
    try {
      const found = await call<Page<Task>>('GET', '/api/tasks', { query: { instance: begun.id, scope: 'all', limit: 50 } })
      const mine = found.items.find((task) => task.allowed.complete === true)
      if (mine !== undefined) {
        toast({ color: 'green', title: t.start.form.started, message: t.start.form.firstStep })
        return await navigate({ to: '/tasks/$id', params: { id: mine.id }, replace: true })
      }
      const now = await client.fetchQuery(progress(begun.id))
      const lanes = withWhom(now)
      const steps = atSteps(now)
      const words = !isOpen(now.state) ? t.start.form.ended : lanes.length ? t.start.form.nowWith(lanes) : steps.length ? t.start.form.nowAt(steps) : t.start.form.onItsWay
      toast({ color: 'green', title: t.start.form.started, message: words })
    } catch {
      // it is started all the same; where it is, its page will say
      toast({ color: 'green', title: t.start.form.started, message: t.start.form.onItsWay })
    }
    await navigate({ to: '/requests/$id', params: { id: begun.id }, replace: true })
  }

  return useMutation({
    mutationFn: ({ values, reference }: { values: Values; reference: string }) =>
      call<Instance>('POST', path`/api/process/${name}/start`, {
        body: { ...values, ...(start.condition === null ? {} : { startCondition: start.condition }), ...(reference === '' ? {} : { businessKey: reference }) },
        headers: { 'idempotency-key': attempt.key() },
      }),
    onSuccess: goOn,
    onError: (error) => {
      const problem = asProblem(error)
      attempt.over(problem.status > 0 && !problem.passing)
    },
  })
}
