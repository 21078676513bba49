/** Tasks: mine, free to take, all that one may see. */
import './tasks.css'
import { Badge, Button, CloseButton, NativeSelect, SegmentedControl, Table, Text, TextInput } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconBolt, IconChecklist, IconSearch, IconSearchOff } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState, type ReactNode } from 'react'
import type { TaskView as Task } from '../../api/types'
import { taskCount, tasks, type TaskScope } from '../../api/queries'
import { PHONE } from '../../app/layout'
import { SCOPES } from '../../app/router'
import { useMe } from '../../app/session'
import { useFollow, useRefresher } from '../../live'
import { ActButton } from '../../parts/ActButton'
import { Ago } from '../../parts/Ago'
import { useCalm } from '../../parts/calm'
import { Empty } from '../../parts/Empty'
import { Failure } from '../../parts/Failure'
import { Fresh } from '../../parts/Fresh'
import { More } from '../../parts/More'
import { Page } from '../../parts/Page'
import { useTyped } from '../../parts/typed'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { moment } from '../../texts/format'
import { useTaskActs } from './acts'
import { counted, goneWords, priority, type Fate } from './looks'
import { Due, Priority, Who } from './parts'

const Assign = lazy(() => import('./Assign'))

type Search = { scope?: TaskScope; sort?: 'due' | 'newest'; q?: string }

export function Tasks() {
  const search: Search = useSearch({ from: '/tasks' })
  const { scope = 'mine', sort = 'due', q } = search
  const navigate = useNavigate()
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false }) ?? false
  const mine = useQuery(taskCount('mine'))
  const free = useQuery(taskCount('free'))
  const go = (changed: Search) => {
    const next = { ...search, ...changed }
    void navigate({ to: '/tasks', search: { scope: next.scope === 'mine' ? undefined : next.scope, sort: next.sort === 'due' ? undefined : next.sort, q: next.q || undefined }, replace: true })
  }

  return (
    <Page
      title={t.tasks.title}
      bar={
        <div className="tasks-bar">
          <SegmentedControl
            aria-label={t.tasks.scope} value={scope} onChange={(value) => go({ scope: SCOPES.find((each) => each === value) ?? 'mine' })} size={phone ? 'sm' : 'xs'} fullWidth={phone} w={phone ? '100%' : undefined}
            data={[{ value: 'mine', label: t.tasks.mine(counted(mine.data)) }, { value: 'free', label: t.tasks.free(counted(free.data)) }, { value: 'all', label: t.tasks.all }]}
          />
          <SearchField key={scope} q={q} find={(found) => go({ q: found })} />
          <NativeSelect aria-label={t.tasks.sort} size="xs" value={sort} onChange={(event) => go({ sort: event.currentTarget.value === 'newest' ? 'newest' : 'due' })} data={[{ value: 'due', label: t.tasks.sortDue }, { value: 'newest', label: t.tasks.sortNewest }]} />
        </div>
      }
    >
      <List key={`${scope} ${sort} ${q ?? ''}`} scope={scope} sort={sort} q={q} phone={phone} free={counted(free.data)} go={go} />
    </Page>
  )
}

function SearchField({ q = '', find }: { q: string | undefined; find: (q: string | undefined) => void }) {
  const [text, type] = useTyped(q, find)
  return (
    <TextInput
      className="tasks-search" type="search" size="xs" aria-label={t.tasks.search} placeholder={t.tasks.searchPlaceholder} value={text} leftSection={<IconSearch size={15} aria-hidden />}
      rightSection={text === '' ? null : <CloseButton size="sm" aria-label={t.tasks.clearSearch} onClick={() => type('')} />}
      onChange={(event) => type(event.currentTarget.value)}
    />
  )
}

type ListProps = { scope: TaskScope; sort: 'due' | 'newest'; q: string | undefined; phone: boolean; free: string; go: (changed: Search) => void }

function List({ scope, sort, q, phone, free, go }: ListProps) {
  const me = useMe()
  const refresher = useRefresher()
  const query = useInfiniteQuery(tasks({ scope, sort, q }))
  const calm = useCalm(query.data?.pages, `${scope} ${sort} ${q ?? ''}`)
  const [fates, setFates] = useState<ReadonlyMap<string, Fate>>(new Map())
  const [mine, setMine] = useState<ReadonlyMap<string, Task>>(new Map()) // what came of what one did oneself
  const [assigned, setAssigned] = useState<Task | null>(null)

  useFollow(scope === 'all' ? { kinds: ['task'] } : { tasks: 'mine' }, query.data?.pages[0]?.lastEventId, ({ data }) => {
    if (typeof data.task !== 'string') return
    const heard = data.task
    setFates((known) => new Map(known).set(heard, { change: String(data.change), assignee: typeof data.assignee === 'string' ? data.assignee : null }))
    setMine((known) => without(known, heard, (task) => task.assignee === data.assignee))
    refresher.refresh(['tasks'])
  })

  const acts = useTaskActs({
    became: (task) => setMine((known) => new Map(known).set(task.id, task)),
    failed: (task, fate) => {
      setMine((known) => without(known, task.id))
      if (fate) setFates((known) => new Map(known).set(task.id, fate))
    },
  })

  if (query.isError && !query.data) return <Failure error={query.error} retry={() => void query.refetch()} />
  if (calm === undefined) return <Waiting rows={8} height={phone ? 120 : 44} />
  if (calm.rows.length === 0) return <Nothing scope={scope} q={q} free={free} go={go} />

  const act = (run: (task: Task) => void) => (task: Task) => {
    calm.tidy()
    run(task)
  }
  const rows = calm.rows.map(({ item, gone }) => {
    const own = mine.get(item.id)
    const fate = fates.get(item.id)
    const task = own ? { ...item, ...own } : gone && fate ? { ...item, assignee: fate.assignee } : item
    return {
      task,
      gone: gone && own?.assignee !== me.name ? goneWords(own ? { change: 'assigned', assignee: own.assignee } : fate, me.name) : null,
      me: me.name,
      claim: act((each) => acts.claim.mutate(each)),
      release: act((each) => acts.release.mutate(each)),
      assign: act(setAssigned),
    }
  })
  return (
    <>
      {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
      <Fresh count={calm.fresh} show={calm.show} label={t.tasks.fresh} />
      {phone ? (
        <ul className="task-cards" aria-label={t.tasks.list}>
          {rows.map((row) => <CardRow key={row.task.id} {...row} />)}
        </ul>
      ) : (
        <div className="scroll-x">
          <Table className="rows tasks-table" verticalSpacing="xs" highlightOnHover highlightOnHoverColor="color-mix(in srgb, var(--mantine-color-indigo-5) 4%, transparent)" aria-label={t.tasks.list}>
            <Table.Thead>
              <Table.Tr>
                {(['task', 'process', 'stage', 'lane', 'assignee', 'due', 'priority', 'waiting'] as const).map((column) => <Table.Th key={column} scope="col">{t.tasks.column[column]}</Table.Th>)}
                <Table.Th scope="col"><span className="unseen">{t.tasks.column.actions}</span></Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{rows.map((row) => <TableRow key={row.task.id} {...row} />)}</Table.Tbody>
          </Table>
        </div>
      )}
      <More query={query} />
      <Suspense>{assigned && <Assign task={assigned} close={() => setAssigned(null)} became={(task) => setMine((known) => new Map(known).set(task.id, task))} />}</Suspense>
    </>
  )
}

/** What is known without what is known of one task, unless it is to be kept. */
function without(known: ReadonlyMap<string, Task>, id: string, keep: (task: Task) => boolean = () => false): ReadonlyMap<string, Task> {
  const task = known.get(id)
  if (task === undefined || keep(task)) return known
  const next = new Map(known)
  next.delete(id)
  return next
}

function Nothing({ scope, q, free, go }: Pick<ListProps, 'scope' | 'q' | 'free' | 'go'>) {
  if (q !== undefined)
    return (
      <Empty icon={<IconSearchOff size={28} aria-hidden />} title={t.tasks.emptySearch} action={<Button variant="default" onClick={() => go({ q: '' })}>{t.app.clearFilters}</Button>}>
        {t.tasks.emptySearchHint(q)}
      </Empty>
    )
  const start = <Button component={Link} to="/start" variant="default" leftSection={<IconBolt size={16} aria-hidden />}>{t.tasks.startSomething}</Button>
  if (scope === 'mine' && free !== '' && free !== '0')
    return (
      <Empty icon={<IconChecklist size={28} aria-hidden />} title={t.tasks.emptyMineFree(free)} action={<Button onClick={() => go({ scope: 'free' })}>{t.tasks.showFree}</Button>}>
        {t.tasks.emptyMineHint}
      </Empty>
    )
  const [title, hint] = scope === 'mine' ? [t.tasks.emptyMine, t.tasks.emptyMineHint] : scope === 'free' ? [t.tasks.emptyFree, t.tasks.emptyFreeHint] : [t.tasks.emptyAll, t.tasks.emptyAllHint]
  return <Empty icon={<IconChecklist size={28} aria-hidden />} title={title} action={start}>{hint}</Empty>
}

type RowProps = { task: Task; gone: string | null; me: string; claim: (task: Task) => void; release: (task: Task) => void; assign: (task: Task) => void }

/** Whether a task changed while it was shown. */
function useChanged(task: Task): true | undefined {
  const now = JSON.stringify([task.name, task.assignee, task.due, task.priority])
  const [first] = useState(now)
  return now === first ? undefined : true
}

/** The line below the name: what people know the case by. */
function reference(task: Task): string {
  return task.businessKey ?? t.tasks.started(moment(task.dateStarted ?? task.dateCreated), task.startedBy ?? null)
}

function TaskLink({ task, gone }: { task: Task; gone: boolean }) {
  if (gone) return <Text span inherit className="tasks-link">{task.name}</Text>
  return <Link to="/tasks/$id" params={{ id: task.id }} className="link tasks-link">{task.name}</Link>
}

function TableRow(props: RowProps) {
  const { task, gone, me } = props
  return (
    <Table.Tr data-gone={gone !== null || undefined} data-changed={useChanged(task)}>
      <Table.Td>
        <TaskLink task={task} gone={gone !== null} />
        <Text size="xs" c="dimmed">{reference(task)}</Text>
      </Table.Td>
      <Table.Td>{task.processTitle || task.processDefinitionName}</Table.Td>
      <Table.Td>{task.stage && <Badge variant="default" tt="none" fw={500}>{task.stage}</Badge>}</Table.Td>
      <Table.Td>{task.lane ?? t.app.none}</Table.Td>
      <Table.Td><Who name={task.assignee} me={me} /></Table.Td>
      <Table.Td>{task.due ? <Due at={task.due} /> : <Text span inherit c="dimmed">{t.app.none}</Text>}</Table.Td>
      <Table.Td><Priority value={task.priority} /></Table.Td>
      <Table.Td><Ago at={task.dateCreated} as="age" /></Table.Td>
      <Table.Td className="tasks-acts"><Acts {...props} /></Table.Td>
    </Table.Tr>
  )
}

function CardRow(props: RowProps) {
  const { task, gone, me } = props
  return (
    <li className="task-card" data-gone={gone !== null || undefined} data-changed={useChanged(task)}>
      <div>
        <TaskLink task={task} gone={gone !== null} />
        <Text size="sm" c="dimmed">{[task.processTitle || task.processDefinitionName, reference(task)].join(' · ')}</Text>
      </div>
      <div className="task-card-facts">
        {task.stage && <Badge variant="default" tt="none" fw={500}>{task.stage}</Badge>}
        {task.lane && <span>{task.lane}</span>}
        <Who name={task.assignee} me={me} />
        {task.due && <Due at={task.due} label />}
        {priority(task.priority).level !== 'normal' && <span>{t.tasks.priorityOf(priority(task.priority).word)}</span>}
        <Text span inherit c="dimmed">{t.tasks.waitingFor} <Ago at={task.dateCreated} as="age" /></Text>
      </div>
      <div className="task-card-acts"><Acts {...props} /></div>
    </li>
  )
}

/** What can be done; the focus stays here when one thing takes the place of another. */
function Acts({ task, gone, me, claim, release, assign }: RowProps) {
  const place = useRef<HTMLSpanElement>(null)
  const mine = task.assignee === me
  const before = useRef<boolean | null>(null) // whose it was when something was asked for
  useEffect(() => {
    if (before.current === null || before.current === mine) return
    before.current = null
    if (document.activeElement === document.body) place.current?.parentElement?.querySelector<HTMLElement>('a, button')?.focus()
  })
  if (gone !== null) return <Text size="sm" fw={500} role="status">{gone}</Text>
  const first: ReactNode = mine ? (
    <Button component={Link} to={`/tasks/${task.id}`} size="xs" variant="light" aria-label={t.tasks.openTask(task.name)}>{t.tasks.open}</Button>
  ) : (
    <ActButton allowed={task.allowed.claim} size="xs" variant="light" onClick={() => { before.current = mine; claim(task) }}>{t.tasks.claim}</ActButton>
  )
  return (
    <>
      <span ref={place} hidden />
      {first}{' '}
      {task.assignee !== null && <><ActButton allowed={task.allowed.release} size="xs" variant="subtle" onClick={() => { before.current = mine; release(task) }}>{t.tasks.release}</ActButton>{' '}</>}
      <ActButton allowed={task.allowed.assign} size="xs" variant="subtle" onClick={() => assign(task)}>{t.tasks.assign}</ActButton>
    </>
  )
}
