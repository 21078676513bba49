/** What a diagram shows of a running process: for each step how it is, for each flow how often it was taken. */
import type { HistoryView, InstanceView } from '../api/types'

export type NodeState = 'visited' | 'waiting' | 'failed' | 'held' | 'cancelled' | 'problem' | 'warning'
export type Badge = { kind: NodeState; text: string; title: string }
export type NodeMark = { state?: NodeState; badges?: Badge[] }
export type Marks = { nodes: Record<string, NodeMark>; flows: Record<string, number> }

export const NO_MARKS: Marks = { nodes: {}, flows: {} }

/** Where tokens have been: folded from the events of history that say so (`PATH_KINDS`). */
export type Path = {
  visits: Map<string, number>
  flows: Map<string, number>
  /** Steps whose last token was taken away from them before it was done. */
  cancelled: Set<string>
}

type Fact = readonly unknown[]

/** The path up to a position of history, that included. */
export function pathTo(entries: readonly HistoryView[], position = Infinity): Path {
  const path: Path = { visits: new Map(), flows: new Map(), cancelled: new Set() }
  const places = new Map<number, string>()
  for (const entry of entries) {
    if (entry.position > position) break
    for (const event of entry.events) follow(path, places, event as Fact)
  }
  return path
}

const INACTIVE = 'INACTIVE'

function follow(path: Path, places: Map<number, string>, event: Fact): void {
  switch (event[0]) {
    case 'token-created': {
      const [, token, , , node, flow, , item] = event as [string, number, unknown, unknown, string, string | null, unknown, number | null | undefined]
      places.set(token, node)
      if (flow) count(path.flows, flow)
      if (item === null || item === undefined) arrive(path, node)
      else if (item > 0) count(path.visits, node) // the first item is the visit of the activity itself
      break
    }
    case 'token-advanced': {
      const [, token, flow, node] = event as [string, number, string | null, string]
      const before = places.get(token)
      places.set(token, node)
      if (flow) count(path.flows, flow)
      else if (before !== undefined && before !== node) path.cancelled.add(before) // an event took it off its activity
      if (flow || before !== node) arrive(path, node)
      break
    }
    case 'join-fired': {
      const [, node, , , survivor] = event as [string, string, unknown, unknown, number]
      places.set(survivor, node)
      break
    }
    case 'token-ended': {
      const [, token, state] = event as [string, number, string | undefined]
      const node = places.get(token)
      if (node !== undefined && state !== undefined && state !== INACTIVE) path.cancelled.add(node)
      places.delete(token)
      break
    }
  }
}

function arrive(path: Path, node: string): void {
  count(path.visits, node)
  path.cancelled.delete(node)
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}

export type MarkTexts = {
  waiting: (count: number) => string
  failed: (count: number) => string
  held: (count: number) => string
  visited: (count: number) => string
  cancelled: string
}

/** Elements that are not counted: a sign on each of them would only be noise. */
const QUIET = /Gateway$|^startEvent$/

/** The marks of an instance as it is (or was), after the path that led there. `types`: of each step the name of its element in BPMN. */
export function marksOf(instance: InstanceView, path: Path, types: ReadonlyMap<string, string>, texts: MarkTexts): Marks {
  const nodes: Record<string, NodeMark> = {}
  const parents = new Set(instance.tokens.map((token) => token.parentTokenId))
  const failing = new Set(instance.exceptions.filter((each) => each.resolved === null).map((each) => each.tokenId))
  const current = new Map<string, { waiting: number; failed: number; inside: boolean }>()
  for (const token of instance.tokens) {
    const leaf = !parents.has(token.id)
    // a token that was split stays on its gateway, which is done; one on an activity waits for what is inside
    if (!leaf && QUIET.test(types.get(token.currentNodeId) ?? '')) continue
    const here = current.get(token.currentNodeId) ?? { waiting: 0, failed: 0, inside: false }
    current.set(token.currentNodeId, here)
    if (failing.has(token.id)) here.failed += 1
    else if (leaf) here.waiting += 1
    else here.inside = true
  }
  for (const [node, visits] of path.visits) {
    if (current.has(node)) continue
    const gone = path.cancelled.has(node)
    const type = types.get(node) ?? ''
    const badges: Badge[] = []
    if (gone) badges.push({ kind: 'cancelled', text: '⊘', title: texts.cancelled })
    else if (!QUIET.test(type)) badges.push({ kind: 'visited', text: visits > 1 ? `✓ ×${visits}` : '✓', title: texts.visited(visits) })
    nodes[node] = { state: gone ? 'cancelled' : 'visited', badges }
  }
  const held = instance.state === 'ON_HOLD'
  for (const [node, here] of current) {
    const badges: Badge[] = []
    if (here.failed) badges.push({ kind: 'failed', text: `! ${here.failed}`, title: texts.failed(here.failed) })
    if (here.waiting) badges.push(held ? { kind: 'held', text: `⏸ ${here.waiting}`, title: texts.held(here.waiting) } : { kind: 'waiting', text: `● ${here.waiting}`, title: texts.waiting(here.waiting) })
    nodes[node] = { state: here.failed ? 'failed' : held ? 'held' : 'waiting', badges }
  }
  return { nodes, flows: Object.fromEntries(path.flows) }
}
