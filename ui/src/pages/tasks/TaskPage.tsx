/** One task: what is to be done, and the form to do it with. */
import './tasks.css'
import { Alert, Anchor, Button, Group, Kbd, Stack, Text, Title, VisuallyHidden } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconAlertTriangle, IconFileText, IconInfoCircle, IconLock, IconMapPin } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useEffectEvent, useRef, useState, type ReactNode } from 'react'
import { call, path } from '../../api/client'
import type { FieldError, InstanceView, TaskFormView as TaskForm, TaskView as Task } from '../../api/types'
import { same } from '../../api/json'
import { asProblem, type Problem } from '../../api/problem'
import { progress as progressQuery, taskForm, type Page as ListPage, type TaskScope } from '../../api/queries'
import { PHONE } from '../../app/layout'
import { useOffer } from '../../app/offers'
import { useMe } from '../../app/session'
import { toast } from '../../app/toast'
import { SchemaForm, type SchemaFormHandle } from '../../forms/SchemaForm'
import { overlay } from '../../forms/values'
import { useFollow, useRefresher } from '../../live'
import { ActButton } from '../../parts/ActButton'
import { useNow } from '../../parts/Ago'
import { Failure } from '../../parts/Failure'
import { Page } from '../../parts/Page'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { moment, span } from '../../texts/format'
import { useTaskActs } from './acts'
import { Context } from './Context'
import { useDraft, useDraftState, type Draft } from './draft'
import { Due } from './parts'
import { PlainForm } from './PlainForm'
import { Stages } from './Stages'

const Assign = lazy(() => import('./Assign'))

const FORM = 'task-form'
const NONE: FieldError[] = []

export function TaskPage() {
  const { id } = useParams({ from: '/tasks/$id' })
  return <Loaded key={id} id={id} />
}

function Loaded({ id }: { id: string }) {
  const query = useQuery(taskForm(id))
  if (query.data) return <Work form={query.data} problem={query.error ? asProblem(query.error) : null} />
  if (query.isError)
    return (
      <Page title={t.tasks.gone} crumbs={[{ label: t.tasks.title, to: '/tasks' }]}>
        <Failure error={query.error} retry={() => void query.refetch()} />
      </Page>
    )
  return <Waiting rows={7} height={52} />
}

/** Why nothing more can be done here. */
type Over = { text: string; final: boolean }

function Work({ form, problem }: { form: TaskForm; problem: Problem | null }) {
  const { task, source, schema } = form
  const me = useMe()
  const client = useQueryClient()
  const navigate = useNavigate()
  const refresher = useRefresher()
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false }) ?? false
  const progress = useQuery(progressQuery(task.instance))
  const draft = useDraft(task.id, form.draftDate)
  const handle = useRef<SchemaFormHandle>(null)
  const [begun, setBegun] = useState({ data: form.data, draft: form.draft, draftDate: form.draftDate, schema, count: 0 })
  const [dirty, setDirty] = useState(false)
  const [heard, setHeard] = useState<Over | null>(null)
  const [could, setCould] = useState(task.allowed.complete === true)
  const [assigning, setAssigning] = useState(false)
  const leaving = useRef(false)

  // what was read anew is shown, unless somebody has typed over what was there
  if (!dirty && (!same(begun.data, form.data) || !same(begun.schema, schema))) setBegun({ data: form.data, draft: form.draft, draftDate: form.draftDate, schema, count: begun.count + 1 })
  const mayComplete = task.allowed.complete === true
  if (mayComplete && !could) setCould(true)

  useFollow({ instance: task.instance, kinds: ['task', 'access', 'status'] }, task.seq, ({ event, data }) => {
    if (leaving.current) return
    if (event === 'task' && data.task === task.id) {
      if (data.change === 'completed') setHeard({ text: t.tasks.page.completedElsewhere, final: true })
      else if (data.change === 'cancelled') setHeard({ text: t.tasks.page.cancelled, final: true })
      else refresher.refresh(['task', task.id])
    } else if (event === 'access') refresher.refresh(['task', task.id])
    else if (event === 'status' && data.instance === task.instance) {
      const status = String(data.status)
      if (status === 'ON_HOLD') setHeard((known) => (known?.final ? known : { text: t.tasks.page.held, final: false }))
      else if (status === 'STARTED') setHeard((known) => (known?.final ? known : null))
      else if (status !== 'CREATED') setHeard((known) => known ?? { text: t.tasks.page.ended(t.app.status[status] ?? status), final: true })
      if (status === 'ON_HOLD' || status === 'STARTED') refresher.refresh(['task', task.id])
    }
    refresher.refresh(['instance', task.instance, 'progress'])
  })

  const over: Over | null =
    heard ??
    (problem?.status === 404 ? { text: t.tasks.page.endedElsewhere, final: true } : null) ??
    (could && !mayComplete && task.assignee !== null && task.assignee !== me.name ? { text: t.tasks.page.reassigned(task.assignee), final: false } : null)
  const live = mayComplete && over === null
  const final = over?.final === true
  useEffect(() => {
    if (final) void draft.stop() // there is nothing any more that a draft could be of
  }, [final, draft])

  const finished = async (next: Task | undefined) => {
    void client.invalidateQueries({ queryKey: ['tasks'] })
    void client.invalidateQueries({ queryKey: ['instance', task.instance] })
    void client.invalidateQueries({ queryKey: ['instances'] })
    if (next) {
      toast({ color: 'green', message: t.tasks.page.doneNext(next.name) })
      await navigate({ to: '/tasks/$id', params: { id: next.id }, replace: true })
    } else {
      const to = task.startedBy === me.name ? `/requests/${task.instance}` : me.allowed.monitor === true ? `/instances/${task.instance}` : null
      const hide: () => void = toast({ color: 'green', title: t.tasks.page.done, message: <DoneNote name={task.name} to={to} hide={() => hide()} /> })
      await navigate({ to: '/tasks' })
    }
    client.removeQueries({ queryKey: ['task', task.id] })
  }

  const acts = useTaskActs()
  const [problems, setProblems] = useState<FieldError[]>(NONE)
  const complete = useMutation({
    onMutate: () => setProblems(NONE),
    mutationFn: async (variables: Record<string, unknown>) => {
      leaving.current = true
      await draft.stop()
      const ended = await call<InstanceView>('POST', path`/api/tasks/${task.id}/complete`, { body: { variables } })
      return { ended, next: await nextTask(task.instance) }
    },
    onSuccess: ({ next }) => finished(next),
    onError: (error, variables) => {
      leaving.current = false
      const refused = asProblem(error)
      setProblems(problemsOf(refused))
      if (refused.status === 404) setHeard({ text: t.tasks.page.endedElsewhere, final: true })
      else draft.resume(variables)
      if (refused.status === 409 || refused.status === 403) refresher.refresh(['task', task.id])
    },
  })
  const refusal = complete.isError ? asProblem(complete.error) : null
  const discard = useMutation({
    mutationFn: async () => {
      await draft.stop()
      await call('DELETE', path`/api/tasks/${task.id}/draft`)
    },
    onSuccess: () => {
      client.setQueryData(taskForm(task.id).queryKey, (known) => known && { ...known, draft: null, draftDate: null })
      draft.reset()
      setDirty(false)
      setBegun({ data: form.data, draft: null, draftDate: null, schema, count: begun.count + 1 })
      toast({ message: t.tasks.page.discarded })
    },
    onError: (error) => {
      draft.resume(handle.current?.values() ?? {})
      toast({ color: 'red', title: t.tasks.page.draftFailed, message: asProblem(error).detail || t.app.failure.offline })
    },
  })

  const saveDraft = async () => {
    if (!live) return
    if (!draft.open && draft.current.state === 'none') draft.change(handle.current?.values() ?? {})
    await draft.save()
    const { state, problem: failed } = draft.current
    if (state === 'failed' && failed) toast({ color: 'red', title: t.tasks.page.draftFailed, message: failed.detail || t.app.failure.offline })
  }
  const press = useEffectEvent((event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return
    if (event.key.toLowerCase() === 's') {
      event.preventDefault()
      void saveDraft()
    } else if (event.key === 'Enter' && live && !(event.target instanceof HTMLElement && event.target.closest('form, [role=dialog]'))) {
      event.preventDefault()
      submitForm()
    }
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => press(event)
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [])
  useOffer(() => [
    ...(live ? [{ id: 'complete', label: t.tasks.page.complete, run: submitForm }, { id: 'draft', label: t.tasks.page.saveDraft, run: () => void saveDraft() }] : []),
    ...(task.allowed.claim === true ? [{ id: 'claim', label: t.tasks.claim, run: () => acts.claim.mutate(task) }] : []),
    ...(task.allowed.release === true ? [{ id: 'release', label: t.tasks.release, run: () => acts.release.mutate(task) }] : []),
    ...(task.allowed.assign === true ? [{ id: 'assign', label: t.tasks.assign, run: () => setAssigning(true) }] : []),
  ])

  const change = (values: Record<string, unknown>) => {
    setDirty(true)
    draft.change(values)
  }
  const where = me.allowed.monitor === true ? `/instances/${task.instance}` : task.startedBy === me.name ? `/requests/${task.instance}` : null
  const buttons = (
    <div className="task-acts">
      <ActButton allowed={over ? plain(over.text) : task.allowed.complete} type="submit" loading={complete.isPending} aria-keyshortcuts="Control+Enter">
        {t.tasks.page.complete}
      </ActButton>
      {live && <Text span size="xs" c="dimmed" visibleFrom="md"><Kbd size="xs">{t.tasks.page.completeHint}</Kbd></Text>}
      {live && <Button variant="default" onClick={() => void saveDraft()} aria-keyshortcuts="Control+S">{t.tasks.page.saveDraft}</Button>}
      {!over?.final && (
        <>
          {task.assignee === me.name
            ? <ActButton allowed={task.allowed.release} variant="default" loading={acts.release.isPending} onClick={() => acts.release.mutate(task)}>{t.tasks.release}</ActButton>
            : mayComplete && <ActButton allowed={task.allowed.claim} variant="default" loading={acts.claim.isPending} onClick={() => acts.claim.mutate(task)}>{t.tasks.claim}</ActButton>}
          <ActButton allowed={task.allowed.assign} variant="subtle" onClick={() => setAssigning(true)}>{t.tasks.assign}</ActButton>
        </>
      )}
    </div>
  )
  const common = { id: FORM, readOnly: !live, handle, onChange: change, onSubmit: (values: Record<string, unknown>) => complete.mutate(values), children: buttons }
  return (
    <Page
      title={task.name}
      crumbs={[{ label: t.tasks.title, to: '/tasks' }]}
      facts={
        <Group gap="xs 14px" fz="sm" c="dimmed">
          <span>{[task.processTitle || task.processDefinitionName, task.businessKey, task.lane].filter(Boolean).join(' · ')}</span>
          {task.due && <Due at={task.due} label />}
        </Group>
      }
      actions={
        <>
          {live && <DraftNote draft={draft} />}
          {where && (
            <Anchor component={Link} to={where} size="sm" className="task-where">
              <IconMapPin size={16} aria-hidden />
              {t.tasks.page.where}
            </Anchor>
          )}
        </>
      }
      bar={progress.data && <Stages stages={progress.data.stages} phone={phone} />}
    >
      <div className="task">
        <div className="task-work">
          {over && <OverNote over={over} typed={dirty || begun.draft !== null} copy={() => handle.current?.values() ?? {}} />}
          {!over && !mayComplete && <Locked task={task} claim={() => acts.claim.mutate(task)} busy={acts.claim.isPending} />}
          {refusal && refusal.status !== 404 && problems.length === 0 && <Refused problem={refusal} />}
          {problem && problem.status !== 404 && <Failure error={problem} />}
          {form.instructions.trim() !== '' && (
            <section className="task-panel" aria-labelledby="task-instructions">
              <Title order={2} id="task-instructions" mb="xs">{t.tasks.page.instructions}</Title>
              <div className="task-instructions">{form.instructions.trim()}</div>
            </section>
          )}
          <section className="task-panel" aria-label={t.tasks.page.form}>
            <VisuallyHidden component="h2">{t.tasks.page.form}</VisuallyHidden>
            <Stack gap="md">
              {source === 'dataModel' && <Alert variant="default" icon={<IconInfoCircle aria-hidden />}>{t.tasks.page.dataModel}</Alert>}
              {begun.draft !== null && live && (
                <Alert variant="light" color="blue" icon={<IconFileText aria-hidden />} py="xs">
                  <Group justify="space-between" gap="xs">
                    <Text size="sm">{t.tasks.page.draftFrom(moment(begun.draftDate ?? task.dateCreated))}</Text>
                    <Button size="compact-sm" variant="default" loading={discard.isPending} onClick={() => discard.mutate()}>{t.tasks.page.discard}</Button>
                  </Group>
                </Alert>
              )}
              {begun.schema === null
                ? <PlainForm key={begun.count} initial={begun.draft ?? {}} {...common} />
                : <SchemaForm key={begun.count} schema={begun.schema} initial={begun.draft === null ? begun.data : overlay(begun.data, begun.draft)} problems={problems} {...common} />}
            </Stack>
          </section>
        </div>
        <Context form={form} me={me.name} />
      </div>
      <Suspense>{assigning && <Assign task={task} close={() => setAssigning(false)} />}</Suspense>
    </Page>
  )
}

function submitForm(): void {
  const form = document.getElementById(FORM)
  if (form instanceof HTMLFormElement) form.requestSubmit()
}

/** What the server found wrong with what was sent, as places in the form. */
function problemsOf(problem: Problem): FieldError[] {
  return problem.errors.filter(({ pointer }) => pointer === '/variables' || pointer.startsWith('/variables/')).map(({ pointer, message }) => ({ pointer: pointer.slice('/variables'.length), message }))
}

/** A reason goes into a sentence: without its full stop. */
function plain(sentence: string): string {
  return sentence.replace(/\.$/, '')
}

/** The task of the same case that one can go on with. */
async function nextTask(instance: string): Promise<Task | undefined> {
  try {
    for (const scope of ['mine', 'all'] satisfies TaskScope[]) {
      const page = await call<ListPage<Task>>('GET', '/api/tasks', { query: { scope, instance } })
      const found = page.items.find((each) => each.allowed.complete === true)
      if (found) return found
    }
  } catch {
    return undefined // the task is done: that the next one was not found is no reason to say otherwise
  }
  return undefined
}

function DoneNote({ name, to, hide }: { name: string; to: string | null; hide: () => void }) {
  return <>{name}{to && <> · <Anchor component={Link} to={to} size="sm" underline="always" onClick={hide}>{t.tasks.page.follow}</Anchor></>}</>
}

function DraftNote({ draft }: { draft: Draft }) {
  const { state, at } = useDraftState(draft)
  const now = useNow()
  let words: ReactNode = null
  if (state === 'saving') words = t.tasks.page.saving
  else if (state === 'failed') words = t.tasks.page.notSaved
  else if (at !== null) {
    const since = new Date(at).getTime()
    words = now - since < 5_000 ? t.tasks.page.saved : t.tasks.page.savedAgo(span(now - since))
  }
  if (words === null) return null
  return <Text size="sm" c={state === 'failed' ? 'red' : 'dimmed'} role={state === 'failed' ? 'alert' : undefined} className="tabular">{words}</Text>
}

function OverNote({ over, typed, copy }: { over: Over; typed: boolean; copy: () => Record<string, unknown> }) {
  const write = async () => {
    try {
      await navigator.clipboard.writeText(JSON.stringify(copy(), null, 2))
      toast({ message: t.app.copied })
    } catch {
      toast({ color: 'red', message: t.tasks.page.copyFailed }) // no clipboard on plain http of another machine
    }
  }
  return (
    <Alert color="yellow" variant="light" icon={<IconAlertTriangle aria-hidden />} title={over.text} role="alert">
      <Group gap="sm">
        <Text size="sm">{typed ? t.tasks.page.typedKept : over.final ? null : t.tasks.page.returns}</Text>
        {typed && <Button size="compact-sm" variant="default" onClick={() => void write()}>{t.tasks.page.copyTyped}</Button>}
        {over.final && <Button component={Link} to="/tasks" size="compact-sm" variant="default">{t.tasks.page.backToTasks}</Button>}
      </Group>
    </Alert>
  )
}

/** It is there to look at: who can act, and whether that can be oneself. */
function Locked({ task, claim, busy }: { task: Task; claim: () => void; busy: boolean }) {
  const reason = typeof task.allowed.complete === 'string' ? task.allowed.complete : ''
  if (task.allowed.claim === true)
    return (
      <Alert color="blue" variant="light" icon={<IconLock aria-hidden />}>
        <Group justify="space-between" gap="sm">
          <Text size="sm">{task.assignee === null ? t.tasks.page.claimFirst : t.tasks.page.takenTitle(task.assignee)}</Text>
          <Button size="sm" loading={busy} onClick={claim}>{t.tasks.page.claimAndEdit}</Button>
        </Group>
      </Alert>
    )
  return (
    <Alert variant="default" icon={<IconLock aria-hidden />} title={task.assignee !== null ? t.tasks.page.takenTitle(task.assignee) : task.lane ? t.tasks.page.belongs(task.lane) : t.tasks.page.look}>
      <Text size="sm">{reason && t.tasks.page.reason(reason)} {t.tasks.page.returns}</Text>
    </Alert>
  )
}

function Refused({ problem }: { problem: Problem }) {
  const words = problem.status === 0 ? t.app.failure.offline : problem.detail || problem.title
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={t.tasks.page.completeFailed} role="alert">
      <Text size="sm">{words} {problem.status === 0 ? null : t.tasks.page.keptAll}</Text>
    </Alert>
  )
}
