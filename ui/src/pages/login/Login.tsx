import { Center, Paper, Stack, Text, Title } from '@mantine/core'
import { useEffect } from 'react'
import { Mark } from '../../parts/Mark'
import { t } from '../../texts'
import { LoginForm } from './LoginForm'

export function Login() {
  useEffect(() => {
    document.title = `${t.login.title} · ${t.app.name}`
  }, [])
  return (
    <Center component="main" mih="100dvh" p="md" className="login">
      <Paper withBorder shadow="sm" radius="lg" p={{ base: 'lg', xs: 'xl' }} w="100%" maw={400}>
        <Stack gap="lg">
          <Stack gap="xs" align="center">
            <Mark size={44} />
            <Title order={1} fz="xl">
              {t.app.name}
            </Title>
          </Stack>
          <LoginForm />
          <Text size="xs" c="dimmed" ta="center">
            {t.login.forgotten}
          </Text>
        </Stack>
      </Paper>
    </Center>
  )
}
