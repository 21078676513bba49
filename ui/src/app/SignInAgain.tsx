/** The session is over: the page stays below, as it is, with what was typed. */
import { Anchor, Modal, Stack, Text } from '@mantine/core'
import { LoginForm } from '../pages/login/LoginForm'
import { t } from '../texts'
import { useMe } from './session'

export default function SignInAgain() {
  const me = useMe()
  return (
    <Modal opened onClose={() => undefined} withCloseButton={false} closeOnEscape={false} closeOnClickOutside={false} title={t.login.again} centered zIndex={1000}>
      <Stack>
        <Text size="sm">{t.login.over(me.name)}</Text>
        <LoginForm name={me.name} />
        <Anchor size="sm" href="/" onClick={(event) => { event.preventDefault(); location.assign('/') }}>
          {t.login.somebodyElse}
        </Anchor>
      </Stack>
    </Modal>
  )
}
