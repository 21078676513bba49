/** Doing something to an instance: first what it would do, worked out by the server; then why; then it is done. */
import '@mantine/core/styles/InlineInput.css'
import '@mantine/core/styles/CheckboxIndicator.css'
import '@mantine/core/styles/Checkbox.css'
import { Alert, Button, Checkbox, Code, Group, List, Loader, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconAlertTriangle, IconArrowRight } from '@tabler/icons-react'
import { useMutation, useQueries } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { call, path } from '../../api/client'
import type { ExceptionView, InstanceView as Instance, PreviewView } from '../../api/types'
import { isObject, mergePatch, parse } from '../../api/json'
import { asProblem } from '../../api/problem'
import { toast } from '../../app/toast'
import { useFocusBack } from '../../parts/focusBack'
import { t } from '../../texts'
import { differences, effects, patchAt } from './effects'

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
  const start = action.operation === 'SET_VARIABLES' ? valueAt(instance.variables, action.path ?? []) : undefined
  const [text, setText] = useState(() => JSON.stringify(start, null, 2) ?? '')
  const [settled] = useDebouncedValue(text, 300)
  const edited = operation === 'SET_VARIABLES' ? read(settled, action as Extract<Action, { operation: 'SET_VARIABLES' }>, instance) : null
  const requests: Request[] =
    action.operation === 'RETRY' ? [...chosen].map((token) => ({ operation, token }))
    : action.operation === 'SET_VARIABLES' ? (edited?.patch && Object.keys(edited.patch).length ? [{ operation, variables: edited.patch }] : [])
    : [{ operation }]
  const previews = useQueries({
    queries: requests.map((request) => ({
      queryKey: ['preview', instance.id, instance.seq, request],
      queryFn: ({ signal }: { signal: AbortSignal }) => call<PreviewView>('POST', path`/api/instances/${instance.id}/preview`, { body: request, signal }),
      staleTime: Infinity,
    })),
  })
  const write = useMutation({
    mutationFn: async () => {
      for (const request of requests) await send(instance.id, request, reason.trim())
    },
    onSuccess: () => {
      toast({ color: 'green', message: texts.done[operation] })
      done()
      if (action.operation === 'SET_VARIABLES' && action.thenRetry) next({ operation: 'RETRY', exceptions: [action.thenRetry] })
      else close()
    },
  })
  const refused = previews.find((preview) => preview.error !== null)?.error ?? write.error
  const waiting = previews.some((preview) => preview.isPending)
  const ready = requests.length > 0 && !waiting && refused === null && text === settled
  const missing = UNDOABLE.has(operation) && operation !== 'SET_VARIABLES' && reason.trim() === ''
  const form = useId()

  return (
    <Modal opened onClose={close} title={texts.titles[operation]} size="lg" closeButtonProps={{ 'aria-label': t.app.close }}>
      <form
        id={form}
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
            <Alert color="red" variant="light" role="alert" title={texts.refused} icon={<IconAlertTriangle />}>
              {asProblem(refused).detail || asProblem(refused).title}
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
          <Code>{each.before === undefined ? texts.added : JSON.stringify(each.before)}</Code>
          <IconArrowRight size={14} aria-label={texts.to} />
          <Code>{each.after === undefined ? texts.removed : JSON.stringify(each.after)}</Code>
        </div>
      ))}
    </div>
  )
}

function valueAt(data: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), data)
}

/** The data with a merge patch applied (RFC 7396). */
function merged(before: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> {
  const after = { ...before }
  for (const [key, value] of Object.entries(patch)) {
    const old = after[key]
    if (value === null) delete after[key]
    else after[key] = isObject(value) ? merged(isObject(old) ? old : {}, value) : value
  }
  return after
}

/** What was typed, as a merge patch: what is not changed (masked values, for one) is not sent. */
function read(text: string, action: Extract<Action, { operation: 'SET_VARIABLES' }>, instance: Instance): { patch: Record<string, unknown>; error?: string } {
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    return { patch: {}, error: texts.wrongJson(error instanceof Error ? error.message : '') }
  }
  if (action.path === undefined) return isObject(value) ? { patch: mergePatch(instance.variables, value) } : { patch: {}, error: texts.notAnObject }
  const before = valueAt(instance.variables, action.path)
  if (isObject(before) && isObject(value)) {
    const patch = mergePatch(before, value)
    return { patch: Object.keys(patch).length ? patchAt(action.path, patch) : {} }
  }
  return { patch: differences(before, value).length ? patchAt(action.path, value) : {} }
}

async function send(instance: string, { operation, token, variables }: Request, reason: string): Promise<void> {
  if (operation === 'RETRY') await call('POST', path`/api/instances/${instance}/tokens/${token ?? ''}/retry`, { body: { reason } })
  else if (operation === 'SET_VARIABLES') await call('PATCH', path`/api/instances/${instance}/variables`, { body: variables, query: { reason } })
  else await call('POST', path`/api/instances/${instance}/operations`, { body: { operationType: operation, reason } })
}
