/** Doing something to an instance: first what it would do, worked out by the server; then why; then it is done. */
import '@mantine/core/styles/InlineInput.css'
import '@mantine/core/styles/CheckboxIndicator.css'
import '@mantine/core/styles/Checkbox.css'
import { Alert, Button, Checkbox, Code, Group, List, Loader, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconAlertTriangle, IconArrowRight } from '@tabler/icons-react'
import { keepPreviousData, useMutation, useQueries } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { call, path } from '../../api/client'
import type { ExceptionView, InstanceView as Instance, PreviewView } from '../../api/types'
import { isObject, mergePatch, parse } from '../../api/json'
import { asProblem, type Problem } from '../../api/problem'
import { toast } from '../../app/toast'
import { useFocusBack } from '../../parts/focusBack'
import { t } from '../../texts'
import { differences, effects, meanwhile, merged, patchAt } from './effects'

export type Action =
  | { operation: 'HOLD' | 'UNHOLD' | 'TERMINATE' | 'DISMISS' }
  | { operation: 'RETRY'; exceptions: ExceptionView[] }
  | { operation: 'SET_VARIABLES'; path?: string[]; thenRetry?: ExceptionView }

type Request = { operation: Action['operation']; token?: string; variables?: Record<string, unknown> }

type Props = { action: Action; instance: Instance; nameOf: (node: string) => string; close: () => void; next: (action: Action) => void; done: () => void }

const UNDOABLE = new Set<Action['operation']>(['TERMINATE', 'DISMISS', 'SET_VARIABLES'])
const texts = t.status.act

export default function Act({ action, instance, nameOf, close, next, done }: Props) {
  useFocusBack()
  const { operation } = action
  const [reason, setReason] = useState('')
  const [asked, setAsked] = useState(false)
  const [chosen, setChosen] = useState(() => new Set(action.operation === 'RETRY' ? action.exceptions.map((each) => each.tokenId) : []))
  const [base, setBase] = useState(instance.variables) // what was there when one began: only what one changes in it is sent
  const place = action.operation === 'SET_VARIABLES' ? (action.path ?? []) : []
  const start = valueAt(base, place)
  const [text, setText] = useState(() => shown(start))
  const [settled] = useDebouncedValue(text, 300)
  const edited = action.operation === 'SET_VARIABLES' ? read(settled, action.path, base) : null
  const theirs = edited?.patch ? meanwhile(base, instance.variables, edited.patch) : []
  const requests: Request[] =
    action.operation === 'RETRY' ? [...chosen].map((token) => ({ operation, token }))
    : action.operation === 'SET_VARIABLES' ? (edited?.patch && Object.keys(edited.patch).length ? [{ operation, variables: edited.patch }] : [])
    : [{ operation }]
  const write = useMutation({
    mutationFn: async () => {
      const stuck = new Set<string>()
      for (const request of requests) {
        const after = await send(instance.id, request, reason.trim())
        if (operation === 'RETRY' && after.exceptions.some((each) => each.tokenId === request.token)) stuck.add(after.id)
      }
      return stuck.size > 0
    },
    onSuccess: (again) => {
      toast(again ? { color: 'red', message: texts.failedAgain } : { color: 'green', message: texts.done[operation] })
      done()
      if (action.operation === 'SET_VARIABLES' && action.thenRetry) next({ operation: 'RETRY', exceptions: [action.thenRetry] })
      else close()
    },
  })
  const previews = useQueries({
    queries: requests.map((request) => ({
      queryKey: ['preview', instance.id, instance.seq, request],
      queryFn: ({ signal }: { signal: AbortSignal }) => call<PreviewView>('POST', path`/api/instances/${instance.id}/preview`, { body: request, signal }),
      enabled: !write.isPending && !write.isSuccess, // what is being done is not what would be done
      staleTime: Infinity,
      placeholderData: keepPreviousData, // while it is worked out again because something happened
    })),
  })
  const impossible = previews.find((preview) => preview.error !== null)?.error ?? null
  const refused = impossible ?? write.error // what was lost on the way can be sent again
  const waiting = previews.some((preview) => preview.isPending)
  const ready = requests.length > 0 && !waiting && !previews.some((preview) => preview.isPlaceholderData) && impossible === null && text === settled
  const missing = UNDOABLE.has(operation) && operation !== 'SET_VARIABLES' && reason.trim() === ''
  const form = useId()

  return (
    <Modal opened onClose={close} title={texts.titles[operation]} size="lg" closeButtonProps={{ 'aria-label': t.app.close }}>
      <form
        id={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          setAsked(true)
          if (ready && !missing && !write.isPending) write.mutate()
        }}
      >
        <Stack>
          {action.operation === 'RETRY' && action.exceptions.length > 1 && (
            <Checkbox.Group label={texts.which} value={[...chosen]} onChange={(tokens) => setChosen(new Set(tokens))}>
              <Stack gap={6} mt={6}>
                {action.exceptions.map((each) => (
                  <Checkbox key={each.id} value={each.tokenId} label={`${nameOf(each.node)}: ${each.message}`} />
                ))}
              </Stack>
            </Checkbox.Group>
          )}
          {action.operation === 'SET_VARIABLES' && (
            <Textarea
              label={action.path ? `${action.path.join('.')} · ${texts.value}` : texts.values}
              description={action.path ? texts.valueHelp : undefined}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              error={edited?.error}
              autosize
              minRows={action.path && !isObject(start) ? 1 : 8}
              maxRows={18}
              spellCheck={false}
              data-autofocus
              classNames={{ input: 'mono' }}
            />
          )}
          {theirs.length > 0 && (
            <Alert color="yellow" variant="light" role="alert" title={texts.meanwhile} icon={<IconAlertTriangle />}>
              {theirs.map((each) => (
                <Text key={each.path} size="sm" className="mono">{each.path}: {inWords(each.before, texts.added)} → {inWords(each.after, texts.removed)}</Text>
              ))}
              <Text size="sm" mt={4}>{texts.meanwhileHelp}</Text>
              <Button mt="xs" size="compact-sm" variant="default" onClick={() => { setBase(instance.variables); setText(shown(valueAt(instance.variables, place))) }}>
                {texts.takeTheirs}
              </Button>
            </Alert>
          )}
          {edited && !edited.error && <Changes before={instance.variables} patch={edited.patch} />}
          {requests.length > 0 && (
            <section aria-labelledby={`${form}-effect`}>
              <Text fw={600} size="sm" id={`${form}-effect`} mb={4}>
                {texts.effect}
              </Text>
              <div role="status">
                {waiting ? (
                  <Group gap="xs">
                    <Loader size="xs" />
                    <Text size="sm">{texts.working}</Text>
                  </Group>
                ) : (
                  <Effects previews={previews.flatMap((preview) => preview.data ?? [])} instance={instance} nameOf={nameOf} />
                )}
              </div>
            </section>
          )}
          {refused !== null && (
            <Alert color="red" variant="light" role="alert" title={asProblem(refused).passing ? texts.notDone : texts.refused} icon={<IconAlertTriangle />}>
              {why(asProblem(refused))}
            </Alert>
          )}
          <Textarea
            label={texts.reason}
            description={texts.reasonHelp}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            required={UNDOABLE.has(operation) && operation !== 'SET_VARIABLES'}
            error={asked && missing ? texts.reasonMissing : undefined}
            autosize
            minRows={2}
            maxLength={500}
          />
          <Group justify="end">
            <Button variant="default" onClick={close}>
              {t.app.cancel}
            </Button>
            <Button type="submit" color={operation === 'TERMINATE' || operation === 'DISMISS' ? 'red' : undefined} loading={write.isPending} disabled={!ready}>
              {texts.confirm[operation]}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function Effects({ previews, instance, nameOf }: { previews: PreviewView[]; instance: Instance; nameOf: (node: string) => string }) {
  const found = previews.map((preview) => effects(preview, instance, nameOf))
  const lines = found.flatMap((each) => each.effects)
  const more = found.reduce((sum, each) => sum + each.more, 0)
  if (lines.length === 0) return <Text size="sm" c="dimmed">{texts.nothing}</Text>
  return (
    <List size="sm" spacing={4} icon={<IconArrowRight size={14} aria-hidden />} className="effects">
      {lines.map((line) => (
        <List.Item key={line.text} data-tone={line.tone} icon={line.tone === 'bad' ? <IconAlertTriangle size={14} aria-hidden color="var(--pn-failed)" /> : undefined}>
          {line.text}
        </List.Item>
      ))}
      {more > 0 && <List.Item>{texts.more(more)}</List.Item>}
    </List>
  )
}

function Changes({ before, patch }: { before: Record<string, unknown>; patch: Record<string, unknown> }) {
  const after = merged(before, patch)
  const found = differences(before, after)
  if (found.length === 0) return <Text size="sm" c="dimmed">{texts.unchanged}</Text>
  return (
    <div className="changes">
      {found.map((each) => (
        <div key={each.path} className="change">
          <Text size="sm" className="mono" fw={600}>{each.path}</Text>
          <Code>{inWords(each.before, texts.added)}</Code>
          <IconArrowRight size={14} aria-label={texts.to} />
          <Code>{inWords(each.after, texts.removed)}</Code>
        </div>
      ))}
    </div>
  )
}

const inWords = (value: unknown, missing: string): string => (value === undefined ? missing : JSON.stringify(value))
const shown = (value: unknown): string => JSON.stringify(value, null, 2) ?? ''
const why = (problem: Problem): string => (problem.status === 0 ? t.app.failure.offline : problem.detail || (problem.passing ? t.app.failure.busy : problem.title))

function valueAt(data: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), data)
}

/** What was typed, as a merge patch: what is not changed (masked values, for one) is not sent. */
function read(text: string, place: string[] | undefined, base: Record<string, unknown>): { patch: Record<string, unknown>; error?: string } {
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    return { patch: {}, error: texts.wrongJson(error instanceof Error ? error.message : '') }
  }
  if (place === undefined) return isObject(value) ? { patch: mergePatch(base, value) } : { patch: {}, error: texts.notAnObject }
  const before = valueAt(base, place)
  if (isObject(before) && isObject(value)) {
    const patch = mergePatch(before, value)
    return { patch: Object.keys(patch).length ? patchAt(place, patch) : {} }
  }
  return { patch: differences(before, value).length ? patchAt(place, value) : {} }
}

async function send(instance: string, { operation, token, variables }: Request, reason: string): Promise<Instance> {
  if (operation === 'RETRY') return await call('POST', path`/api/instances/${instance}/tokens/${token ?? ''}/retry`, { body: { reason } })
  if (operation === 'SET_VARIABLES') return await call('PATCH', path`/api/instances/${instance}/variables`, { body: variables, query: { reason } })
  return await call('POST', path`/api/instances/${instance}/operations`, { body: { operationType: operation, reason } })
}
