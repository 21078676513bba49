/** One instance: where it is, what it waits for, what failed, what was before, and what can be done about it. */
import '@mantine/core/styles/InlineInput.css'
import '@mantine/core/styles/Switch.css'
import '@mantine/core/styles/Tabs.css'
import './status.css'
import { ActionIcon, Alert, Anchor, Badge, Button, Code, CopyButton, Group, Paper, Switch, Tabs, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconArrowUp, IconCheck, IconCopy, IconLock, IconPlayerPause, IconPlayerPlay, IconRefresh, IconTrash, IconUserCheck, IconVariable, IconX } from '@tabler/icons-react'
import { getRouteApi, Link } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { PHONE } from '../../app/layout'
import { useOffer } from '../../app/offers'
import { TABS, type Tab } from '../../app/router'
import { toast } from '../../app/toast'
import { NO_MARKS } from '../../diagram/marks'
import { stepName, typeInWords } from '../../diagram/words'
import { ActButton } from '../../parts/ActButton'
import { Ago, useNow } from '../../parts/Ago'
import { Failure } from '../../parts/Failure'
import { Page } from '../../parts/Page'
import { StateBadge } from '../../parts/StateBadge'
import { Tree } from '../../parts/Tree'
import { Waiting } from '../../parts/Waiting'
import { Hint } from '../../parts/Hint'
import { t } from '../../texts'
import { moment, span } from '../../texts/format'
import type { Action } from './Act'
import { Replay } from './Replay'
import { useSplit } from './split'
import { useStatus, type Status as Data } from './useStatus'

const Diagram = lazy(() => import('../../diagram/Diagram'))
const Tokens = lazy(async () => ({ default: (await import('./panels')).Tokens }))
const Subprocesses = lazy(async () => ({ default: (await import('./panels')).Subprocesses }))
const Exceptions = lazy(async () => ({ default: (await import('./panels')).Exceptions }))
const Waits = lazy(async () => ({ default: (await import('./panels')).Waits }))
const Audit = lazy(() => import('./Audit'))
const Act = lazy(() => import('./Act'))
const route = getRouteApi('/instances/$id')
const texts = t.status

export function Status() {
  const { id } = route.useParams()
  const { at } = route.useSearch()
  const data = useStatus(id, at)
  if (data.live.error && data.live.data === undefined)
    return (
      <Page title={texts.instance} crumbs={[{ label: texts.crumbs, to: '/instances' }]}>
        <Failure error={data.live.error} retry={() => void data.live.refetch()} />
      </Page>
    )
  if (data.live.data === undefined)
    return (
      <Page title={texts.instance} crumbs={[{ label: texts.crumbs, to: '/instances' }]}>
        <Waiting rows={8} />
      </Page>
    )
  return <Loaded key={id} data={data} instance={data.live.data} />
}

function Loaded({ data, instance }: { data: Data; instance: NonNullable<Data['live']['data']> }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const phone = useMediaQuery(PHONE) ?? false
  const [action, setAction] = useState<Action | null>(null)
  const [finished, setFinished] = useState(false)
  const { area, style, grip } = useSplit()
  const tabs = useRef<HTMLDivElement>(null)
  const { nodes, past } = data
  const shown = data.shown ?? instance
  const nameOf = (node: string) => (nodes.has(node) ? stepName(nodes.get(node)!) : node)
  const put = (changes: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...changes }), replace: true })
  const select = (node: string | undefined) => put({ node })
  const open = shown.exceptions
  const tab: Tab = search.tab ?? (open.length ? 'exceptions' : 'variables')
  useEffect(() => {
    const chosen = tabs.current?.querySelectorAll<HTMLElement>('[role=tab]')[TABS.indexOf(tab)]
    // where there is no room for all of them; only this way, since the page itself shall not move
    if (chosen) tabs.current!.scrollLeft = chosen.offsetLeft - (tabs.current!.clientWidth - chosen.offsetWidth) / 2
  }, [tab])
  const title = shown.processTitle || shown.processDefinitionName
  const reference = instance.businessKey ?? title
  const retry = () => setAction({ operation: 'RETRY', exceptions: instance.exceptions })
  const may = instance.allowed
  useOffer(() => [
    ...(may.retry === true ? [{ id: 'retry', label: texts.actions.retry, run: retry }] : []),
    ...(may.setVariables === true ? [{ id: 'variables', label: texts.actions.variables, run: () => setAction({ operation: 'SET_VARIABLES' }) }] : []),
    ...(may.hold === true ? [{ id: 'hold', label: texts.actions.hold, run: () => setAction({ operation: 'HOLD' }) }] : []),
    ...(may.unhold === true ? [{ id: 'unhold', label: texts.actions.unhold, run: () => setAction({ operation: 'UNHOLD' }) }] : []),
    ...(may.terminate === true ? [{ id: 'terminate', label: texts.actions.terminate, run: () => setAction({ operation: 'TERMINATE' }) }] : []),
  ])
  const panel = { instance: shown, node: search.node, select, nameOf, past }
  const counts: Partial<Record<Tab, number>> = { tokens: shown.tokens.length, exceptions: open.length, waits: shown.waits.length, subprocesses: shown.subProcesses.length }

  return (
    <Page
      fill={!phone}
      title={reference}
      crumbs={[
        { label: texts.crumbs, to: '/instances' },
        { label: `${title} ${t.app.version(instance.version)}`, to: `/definitions/${encodeURIComponent(instance.processDefinitionName)}?v=${instance.version}` },
      ]}
      facts={<Facts instance={instance} shown={shown} />}
      actions={<Actions instance={instance} past={past} act={setAction} retry={retry} />}
      bar={past ? <Alert color="yellow" variant="light" radius={0} py={6}>{texts.replay.bar(moment(data.entries.data?.[search.at! - 1]?.at ?? shown.dateStarted))}</Alert> : <Turn data={data} />}
    >
      <div className="status" ref={area} style={style}>
        <div className="status-diagram">
          {data.xml.error ? (
            <Failure error={data.xml.error} retry={() => void data.xml.refetch()} />
          ) : data.xml.data !== undefined ? (
            <Suspense fallback={<Waiting rows={1} height={200} />}>
              <Diagram xml={data.xml.data} label={t.diagram.label(title)} marks={data.marks ?? NO_MARKS} selected={search.node} onSelect={select} list={search.view === 'list'} onList={(list) => put({ view: list ? 'list' : undefined })} />
            </Suspense>
          ) : (
            <Waiting rows={1} height={200} />
          )}
        </div>
        <div className="status-grip" {...grip} aria-label={texts.resize} />
        <div className="status-below">
          <Replay entries={data.entries.data ?? []} last={instance.seq} at={past ? search.at : undefined} go={(at) => put({ at })} />
          <Tabs value={tab} onChange={(value) => put({ tab: (value as Tab | null) ?? undefined })} keepMounted={false} className="status-tabs">
            <Tabs.List ref={tabs} aria-label={texts.tabs.label} className="status-tablist">
              {TABS.map((each) => (
                <Tabs.Tab key={each} value={each} rightSection={counts[each] ? <Badge size="xs" circle={counts[each]! < 10} color={each === 'exceptions' ? 'red' : 'gray'} variant={each === 'exceptions' ? 'filled' : 'light'} className="tabular">{counts[each]}</Badge> : undefined}>
                  {texts.tabs[each]}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            {search.node !== undefined && <StepCard data={data} node={search.node} nameOf={nameOf} select={select} />}
            {data.before.error && past ? (
              <Failure error={data.before.error} retry={() => void data.before.refetch()} />
            ) : (
              <Suspense>
                <Tabs.Panel value="variables" className="status-panel">
                  <Tree data={shown.variables} edit={past || may.setVariables !== true ? undefined : (path) => setAction({ operation: 'SET_VARIABLES', path })} />
                </Tabs.Panel>
                <Tabs.Panel value="tokens" className="status-panel">
                  {!past && <Switch size="xs" mb="xs" label={texts.tokens.finished} checked={finished} onChange={(event) => setFinished(event.currentTarget.checked)} />}
                  <Tokens {...panel} finished={finished} />
                </Tabs.Panel>
                <Tabs.Panel value="subprocesses" className="status-panel"><Subprocesses {...panel} /></Tabs.Panel>
                <Tabs.Panel value="exceptions" className="status-panel"><Exceptions {...panel} act={setAction} /></Tabs.Panel>
                <Tabs.Panel value="waits" className="status-panel"><Waits {...panel} tasks={data.tasks} /></Tabs.Panel>
                <Tabs.Panel value="audit" className="status-panel"><Audit id={instance.id} last={instance.seq} see={(position) => put({ at: position })} /></Tabs.Panel>
              </Suspense>
            )}
          </Tabs>
        </div>
      </div>
      <Suspense>{action && <Act key={JSON.stringify(action)} action={action} instance={instance} nameOf={nameOf} close={() => setAction(null)} next={setAction} done={data.refresh} />}</Suspense>
    </Page>
  )
}

function Facts({ instance, shown }: { instance: NonNullable<Data['live']['data']>; shown: NonNullable<Data['shown']> }) {
  const now = useNow()
  const started = new Date(instance.dateStarted).getTime()
  return (
    <>
      <StateBadge state={shown.state} exceptions={shown.exceptions.length} />
      <Group gap={2} wrap="nowrap">
        <Hint label={instance.id}>
          <Code>…{instance.id.slice(-6)}</Code>
        </Hint>
        <CopyButton value={instance.id}>
          {({ copied, copy }) => (
            <ActionIcon size={24} variant="subtle" color="gray" aria-label={copied ? texts.copied : texts.copyId} onClick={copy}>
              {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            </ActionIcon>
          )}
        </CopyButton>
      </Group>
      <Text size="xs" c="dimmed">
        <Ago at={instance.dateStarted} /> · {texts.started(instance.startedBy)} ·{' '}
        {instance.dateEnded === null ? texts.running(span(now - started)) : texts.took(span(new Date(instance.dateEnded).getTime() - started))}
        {instance.parent !== null && (
          <>
            {' · '}
            <Anchor component={Link} to={`/instances/${instance.parent}`} size="xs">
              <IconArrowUp size={11} aria-hidden /> {texts.parent}
            </Anchor>
          </>
        )}
      </Text>
    </>
  )
}

function Actions({ instance, past, act, retry }: { instance: NonNullable<Data['live']['data']>; past: boolean; act: (action: Action) => void; retry: () => void }) {
  if (past || instance.dateEnded !== null) return null
  const may = instance.allowed
  const held = instance.state === 'ON_HOLD'
  const count = instance.exceptions.length
  return (
    <>
      {count > 0 && (
        <ActButton size="xs" allowed={may.retry} leftSection={<IconRefresh size={14} aria-hidden />} onClick={retry}>
          {count > 1 ? texts.actions.retryAll(count) : texts.actions.retry}
        </ActButton>
      )}
      <ActButton size="xs" variant="default" allowed={may.setVariables} leftSection={<IconVariable size={14} aria-hidden />} onClick={() => act({ operation: 'SET_VARIABLES' })}>
        {texts.actions.variables}
      </ActButton>
      <ActButton size="xs" variant="default" allowed={held ? may.unhold : may.hold} leftSection={held ? <IconPlayerPlay size={14} aria-hidden /> : <IconPlayerPause size={14} aria-hidden />} onClick={() => act({ operation: held ? 'UNHOLD' : 'HOLD' })}>
        {held ? texts.actions.unhold : texts.actions.hold}
      </ActButton>
      <ActButton size="xs" variant="default" allowed={may.terminate} leftSection={<IconTrash size={14} aria-hidden />} onClick={() => act({ operation: 'TERMINATE' })}>
        {texts.actions.terminate}
      </ActButton>
      {instance.parent !== null && (
        <ActButton size="xs" variant="default" allowed={may.dismiss} onClick={() => act({ operation: 'DISMISS' })}>
          {texts.actions.dismiss}
        </ActButton>
      )}
    </>
  )
}

/** Whose turn it is: a way to one's own task, or why one can only look. */
function Turn({ data }: { data: Data }) {
  const mine = data.tasks.find((task) => task.allowed.complete === true || task.allowed.claim === true)
  const locked = useRef(false)
  const waits = (data.live.data?.waits ?? []).some((wait) => wait.kind === 'task')
  const turn = mine !== undefined ? 'mine' : waits ? 'others' : 'nobody'
  const { tasksKnown } = data
  useEffect(() => {
    if (!tasksKnown) return
    if (turn === 'mine' && locked.current) toast({ color: 'indigo', message: texts.turn.returned })
    if (turn !== 'nobody') locked.current = turn === 'others'
  }, [turn, tasksKnown])
  if (mine !== undefined)
    return (
      <Alert color="indigo" variant="light" radius={0} py={6} icon={<IconUserCheck />} data-turn="mine">
        <Group gap="sm">
          <span>{texts.turn.mine(mine.name)}</span>
          <Button component={Link} to={`/tasks/${mine.id}`} size="compact-sm">
            {texts.turn.open}
          </Button>
        </Group>
      </Alert>
    )
  const others = (data.live.data?.waits ?? []).filter((wait) => wait.kind === 'task') as { node: string }[]
  if (others.length === 0 || data.live.data?.allowed.setVariables === true) return null
  const lane = data.detail.data?.lanes.find((each) => each.id === data.nodes.get(others[0]!.node)?.lane)?.name
  return (
    <Alert color="gray" variant="light" radius={0} py={6} icon={<IconLock />} data-turn="locked">
      {lane ? texts.turn.locked(lane) : texts.turn.lockedNoLane}
    </Alert>
  )
}

function StepCard({ data, node, nameOf, select }: { data: Data; node: string; nameOf: (node: string) => string; select: (node: string | undefined) => void }) {
  const found = data.nodes.get(node)
  const task = data.tasks.find((each) => each.node === node)
  const lane = data.detail.data?.lanes.find((each) => each.id === found?.lane)
  const child = data.shown?.waits.find((wait) => wait.kind === 'child' && wait.node === node)
  return (
    <Paper withBorder p="xs" mx="md" mt="xs" radius="md" className="step-card" role="region" aria-label={nameOf(node)}>
      <Group justify="space-between" wrap="nowrap" align="start">
        <div>
          <Text size="sm" fw={600}>{nameOf(node)}</Text>
          <Text size="xs" c="dimmed">
            {[found && typeInWords(found.type), lane && texts.step.lane(lane.name), texts.step.visits(data.path.visits.get(node) ?? 0)].filter(Boolean).join(' · ')}
          </Text>
          {found?.description && <Text size="xs" mt={4} lineClamp={3}>{found.description}</Text>}
        </div>
        <Group gap="xs" wrap="nowrap">
          {task && (
            <Anchor component={Link} to={`/tasks/${task.id}`} size="sm">
              {texts.step.open}
            </Anchor>
          )}
          {child && (
            <Anchor component={Link} to={`/instances/${String(child.id)}`} size="sm">
              {texts.step.child}
            </Anchor>
          )}
          <Badge variant="light" tt="none" visibleFrom="sm">{texts.only(nameOf(node))}</Badge>
          <Hint label={texts.showAll}>
            <ActionIcon size={26} variant="subtle" color="gray" aria-label={texts.step.close} onClick={() => select(undefined)}>
              <IconX size={16} />
            </ActionIcon>
          </Hint>
        </Group>
      </Group>
    </Paper>
  )
}

