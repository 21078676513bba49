/** What went wrong, in the panel where it did, with what can be done about it. */
import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCloudOff, IconLock, IconSearchOff } from '@tabler/icons-react'
import { asProblem } from '../api/problem'
import { t } from '../texts'

export function Failure({ error, retry, title = t.app.failure.title }: { error: unknown; retry?: () => void; title?: string }) {
  const problem = asProblem(error)
  const [icon, heading, words] =
    problem.status === 404 ? [<IconSearchOff key="i" />, t.app.failure.notFound, t.app.failure.notFoundHint]
    : problem.status === 403 ? [<IconLock key="i" />, t.app.failure.forbidden, problem.detail]
    : problem.status === 0 ? [<IconCloudOff key="i" />, title, t.app.failure.offline]
    : problem.passing ? [<IconAlertTriangle key="i" />, title, problem.detail || t.app.failure.busy]
    : problem.status === -1 ? [<IconAlertTriangle key="i" />, title, t.app.failure.unknown]
    : [<IconAlertTriangle key="i" />, title, problem.detail || problem.title]
  const gone = problem.status === 404 || problem.status === 403
  return (
    <Alert color={gone ? 'gray' : 'red'} variant="light" icon={icon} title={heading} role="alert" m="md">
      <Stack gap="xs" align="start">
        <Text size="sm">{words}</Text>
        {problem.status === -1 && <Code>{problem.detail}</Code>}
        {problem.requestId && !gone && (
          <Text size="xs" c="dimmed">
            {t.app.failure.request} <Code>{problem.requestId}</Code>
          </Text>
        )}
        {retry && (
          <Group>
            <Button size="xs" variant="default" onClick={retry}>
              {t.app.failure.again}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  )
}
