/** One's own request: how far it is, with whom, and what one can do about it. */
import { Alert, Button, Container, Group, Stack, Text, Title } from '@mantine/core'
import { IconCheck, IconHandClick, IconInfoCircle, IconPlayerPause } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { ProgressView, TaskView as Task } from '../../api/types'
import { progress, published, tasks } from '../../api/queries'
import { useFollow, useRefresher } from '../../live'
import { Failure } from '../../parts/Failure'
import { Page } from '../../parts/Page'
import { RequestState } from '../../parts/StateBadge'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { moment } from '../../texts/format'
import './requests.css'
import { Steps } from './Steps'
import { isOpen } from './where'
import { Withdraw } from './Withdraw'

const CRUMBS = [{ label: t.requests.title, to: '/requests' }]

export function Request() {
  const { id } = useParams({ from: '/requests/$id' })
  return <OneRequest key={id} id={id} />
}

function OneRequest({ id }: { id: string }) {
  const refresher = useRefresher()
  const query = useQuery(progress(id))
  const open = tasks({ instance: id, scope: 'all' })
  const { data: taskPages } = useInfiniteQuery(open)
  useFollow({ instance: id }, query.data?.seq, () => {
    refresher.refresh(progress(id).queryKey)
    refresher.refresh(open.queryKey)
  })
  if (query.isError && query.data === undefined)
    return (
      <Page title={t.requests.title} crumbs={CRUMBS}>
        <Failure error={query.error} retry={() => void query.refetch()} />
      </Page>
    )
  if (query.data === undefined)
    return (
      <Page title={t.requests.title} crumbs={CRUMBS}>
        <Waiting rows={4} height={56} />
      </Page>
    )
  const turns = taskPages?.pages.flatMap((page) => page.items).filter((task) => task.allowed.complete === true) ?? []
  return <Shown id={id} progress={query.data} turns={turns} />
}

function Shown({ id, progress, turns }: { id: string; progress: ProgressView; turns: Task[] }) {
  const stuck = progress.stages.some((stage) => stage.state === 'failed')
  return (
    <Page
      title={progress.processTitle}
      crumbs={CRUMBS}
      facts={
        <>
          {progress.businessKey && <Text c="dimmed">{progress.businessKey}</Text>}
          <RequestState state={progress.state} stuck={stuck} size="md" />
        </>
      }
      actions={
        <>
          {progress.allowed.terminate === true && <Withdraw id={id} />}
          <Another id={id} name={progress.processDefinitionName} />
        </>
      }
    >
      <Container size={720} m={0} px={{ base: 16, xs: 20 }} pb="xl">
        <Stack gap="lg">
          <Text size="sm" c="dimmed">{t.requests.started(moment(progress.dateStarted))}</Text>
          <Note progress={progress} />
          {isOpen(progress.state) && progress.state !== 'ON_HOLD' && turns.length > 0 && <Turn turns={turns} />}
          <section aria-labelledby="how-far">
            <Title order={2} id="how-far" mb="md">{t.requests.progress}</Title>
            <Steps progress={progress} mine={new Set(turns.map((task) => task.name))} />
          </section>
        </Stack>
      </Container>
    </Page>
  )
}

/** What it means that it ended, or does not go on. */
function Note({ progress }: { progress: ProgressView }) {
  if (progress.state === 'ON_HOLD')
    return <Alert color="yellow" variant="light" icon={<IconPlayerPause aria-hidden />} role="status">{t.requests.pausedNote}</Alert>
  if (isOpen(progress.state)) return null
  const when = moment(progress.dateEnded ?? progress.dateStarted)
  const { end } = t.requests
  const [color, icon, words] =
    progress.state === 'FINISHED' ? (['green', <IconCheck key="i" aria-hidden />, end.finished(when)] as const)
    : progress.state === 'FAILED' ? (['red', <IconInfoCircle key="i" aria-hidden />, end.failed(when)] as const)
    : progress.state === 'EXPIRED' ? (['gray', <IconInfoCircle key="i" aria-hidden />, end.expired(when)] as const)
    : (['gray', <IconInfoCircle key="i" aria-hidden />, end.other(when)] as const)
  return <Alert color={color} variant="light" icon={icon} role="status">{words}</Alert>
}

function Turn({ turns }: { turns: Task[] }) {
  return (
    <Alert color="indigo" variant="light" icon={<IconHandClick aria-hidden />} title={t.requests.turn} role="status">
      <Stack gap="sm" align="start">
        <Text size="sm">{t.requests.turnHint}</Text>
        <Group gap="sm">
          {turns.map((task) => (
            <Button key={task.id} renderRoot={(props) => <Link {...props} to="/tasks/$id" params={{ id: task.id }} />}>
              {task.name}
            </Button>
          ))}
        </Group>
      </Stack>
    </Alert>
  )
}

/** Only where the process can still be started by the reader. */
function Another({ id, name }: { id: string; name: string }) {
  const { data: offered } = useQuery(published)
  const process = offered?.find((each) => each.name === name && each.allowed.start === true)
  if (process === undefined) return null
  return (
    <Button variant="default" renderRoot={(props) => <Link {...props} to="/start/$name" params={{ name: process.name }} search={{ from: id }} />}>
      {t.requests.another}
    </Button>
  )
}
