/** A preview in words: what an operation would do to the steps that people know. */
import type { InstanceView as Instance, PreviewView } from '../../api/types'
import { isObject, same } from '../../api/json'
import { t } from '../../texts'

export type Effect = { text: string; tone: 'good' | 'bad' | 'plain' }

const SHOWN = 12

/** `nameOf`: what a step is called. `before`: the instance as it is. */
export function effects(preview: PreviewView, before: Instance, nameOf: (node: string) => string): { effects: Effect[]; more: number } {
  const found: Effect[] = []
  const texts = t.status.act
  const here = (data: Record<string, unknown>) => data.instance === before.id
  const say = (text: string, tone: Effect['tone'] = 'plain') => {
    if (!found.some((effect) => effect.text === text)) found.push({ text, tone })
  }
  const moves: string[] = []
  for (const { event, data } of preview.events) {
    const node = here(data) ? nameOf(String(data.node)) : String(data.node)
    if (event === 'status') {
      const state = t.app.status[String(data.status)] ?? String(data.status)
      say(here(data) ? texts.becomes(state) : texts.childBecomes(String(data.processDefinitionName), state))
    } else if (event === 'exception') {
      if (data.change === 'resolved') say(texts.resolved(node), 'good')
      else say(texts.raised(node, String(data.message)), 'bad')
    } else if (event === 'task' && data.change === 'created') say(texts.offered(String(data.name), (data.lane as string | null) ?? null))
    else if (event === 'progress' && here(data) && data.state === 'ACTIVE' && !before.tokens.some((token) => token.id === data.token && token.currentNodeId === data.node)) moves.push(node)
  }
  if (moves.length) say(texts.moves([...new Set(moves)].join(', ')), 'good')
  for (const wait of preview.instance.waits as { id: string | null; kind: string; node: string; retries?: number }[]) {
    const was = (before.waits as { id: string | null; kind: string; retries?: number }[]).find((each) => each.id === wait.id && each.kind === wait.kind)
    if (wait.kind === 'job' && was !== undefined && (wait.retries ?? 0) > (was.retries ?? 0)) say(texts.again(nameOf(wait.node)), 'good')
  }
  for (const { kind, name } of preview.ended) say(texts.ends[kind as keyof typeof texts.ends](name))
  return { effects: found.slice(0, SHOWN), more: Math.max(0, found.length - SHOWN) + preview.eventsMore + preview.endedMore }
}

export type Difference = { path: string; before: unknown; after: unknown }

/** What changes, value by value. Undefined: it is not there. */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (same(before, after)) return []
  if (isObject(before) && isObject(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => differences(before[key], after[key], path ? `${path}.${key}` : key))
  return [{ path, before, after }]
}

/** The merge patch that sets one value. */
export function patchAt(path: readonly string[], value: unknown): Record<string, unknown> {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>
}

/** The data with a merge patch applied (RFC 7396). */
export function merged(before: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> {
  const after = { ...before }
  for (const [key, value] of Object.entries(patch)) {
    const old = after[key]
    if (value === null) delete after[key]
    else after[key] = isObject(value) ? merged(isObject(old) ? old : {}, value) : value
  }
  return after
}

const inside = (path: string, of: string): boolean => path === of || path.startsWith(`${of}.`)

/** What somebody else has changed, since one began, of that which one is about to change. */
export function meanwhile(base: Record<string, unknown>, now: Record<string, unknown>, patch: Record<string, unknown>): Difference[] {
  const mine = differences(base, merged(base, patch)).map((each) => each.path)
  return differences(base, now).filter((theirs) => mine.some((path) => inside(path, theirs.path) || inside(theirs.path, path)))
}
