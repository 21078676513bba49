import { expect, test } from 'vitest'
import type { HistoryView, InstanceView } from '../api/types'
import { marksOf, pathTo } from './marks'

const entry = (position: number, ...events: unknown[][]) => ({ position, at: '', actor: '', command: '', reason: '', events }) as HistoryView
const texts = { waiting: String, failed: String, held: String, visited: String, cancelled: 'cancelled' }
const token = (id: string, node: string, parent: string | null = null) => ({ id, parentTokenId: parent, currentNodeId: node })
const instance = (given: Partial<Record<'tokens' | 'exceptions' | 'state', unknown>>) => ({ state: 'STARTED', tokens: [], exceptions: [], ...given }) as unknown as InstanceView
const types = new Map([['start', 'startEvent'], ['fork', 'parallelGateway'], ['pack', 'userTask'], ['bill', 'serviceTask'], ['sub', 'subProcess'], ['end', 'endEvent']])

const FORKED = [
  entry(1, ['token-created', 1, null, 0, 'start'], ['token-advanced', 1, 'f1', 'fork'], ['token-created', 2, 1, 0, 'pack', 'f2'], ['token-created', 3, 1, 0, 'bill', 'f3']),
  entry(2, ['token-advanced', 2, 'f4', 'end'], ['token-ended', 2, 'INACTIVE']),
]

test('visits and flows are counted up to a position', () => {
  const path = pathTo(FORKED, 1)
  expect(Object.fromEntries(path.visits)).toEqual({ start: 1, fork: 1, pack: 1, bill: 1 })
  expect(Object.fromEntries(path.flows)).toEqual({ f1: 1, f2: 1, f3: 1 })
  expect(pathTo(FORKED).visits.get('end')).toBe(1)
})

test('what is waited for, what failed, what is done', () => {
  const state = instance({ tokens: [token('1', 'fork'), token('2', 'pack', '1'), token('3', 'bill', '1')], exceptions: [{ tokenId: '3', resolved: null }] })
  const { nodes } = marksOf(state, pathTo(FORKED, 1), types, texts)
  expect(nodes.fork?.state).toBe('visited')
  expect(nodes.pack).toEqual({ state: 'waiting', badges: [{ kind: 'waiting', text: '● 1', title: '1' }] })
  expect(nodes.bill).toEqual({ state: 'failed', badges: [{ kind: 'failed', text: '! 1', title: '1' }] })
})

test('an activity with something inside is waited for, without a count of its own', () => {
  const state = instance({ tokens: [token('1', 'sub'), token('2', 'pack', '1')] })
  const { nodes } = marksOf(state, pathTo([entry(1, ['token-created', 1, null, 0, 'sub'], ['token-created', 2, 1, 1, 'pack'])]), types, texts)
  expect(nodes.sub).toEqual({ state: 'waiting', badges: [] })
})

test('a loop is counted, a multi-instance by its items', () => {
  const loop = pathTo([entry(1, ['token-created', 1, null, 0, 'pack'], ['token-advanced', 1, 'f', 'bill'], ['token-advanced', 1, 'b', 'pack'])])
  expect(loop.visits.get('pack')).toBe(2)
  const items = pathTo([entry(1, ['token-created', 1, null, 0, 'pack'], ['token-created', 2, 1, 0, 'pack', null, false, 0], ['token-created', 3, 1, 0, 'pack', null, false, 1], ['token-created', 4, 1, 0, 'pack', null, false, 2])])
  expect(items.visits.get('pack')).toBe(3)
})

test('what was interrupted is not done', () => {
  const path = pathTo([entry(1, ['token-created', 1, null, 0, 'pack']), entry(2, ['token-advanced', 1, null, 'timer'], ['token-advanced', 1, 'f', 'end'])])
  const { nodes } = marksOf(instance({ tokens: [] }), path, types, texts)
  expect(nodes.pack?.state).toBe('cancelled')
  expect(nodes.end?.state).toBe('visited')
})

test('on hold everything that waits is held', () => {
  const { nodes } = marksOf(instance({ state: 'ON_HOLD', tokens: [token('1', 'pack')] }), pathTo([entry(1, ['token-created', 1, null, 0, 'pack'])]), types, texts)
  expect(nodes.pack?.state).toBe('held')
})
