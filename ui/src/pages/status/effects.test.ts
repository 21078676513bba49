import { expect, test } from 'vitest'
import type { InstanceView as Instance, PreviewView } from '../../api/types'
import { differences, effects, meanwhile, patchAt } from './effects'

const before = { id: '1', tokens: [{ id: '1', currentNodeId: 'make' }], waits: [{ id: '9', kind: 'job', node: 'make', retries: 0 }] } as unknown as Instance
const name = (node: string) => ({ make: 'Produce card', sign: 'Sign contract' })[node] ?? node
const preview = (given: object) => ({ instance: { ...before, waits: [] }, events: [], eventsMore: 0, ended: [], endedMore: 0, ...given }) as unknown as PreviewView
const event = (event: string, data: object) => ({ event, data: { instance: '1', ...data } })

test('a retry of a job', () => {
  const found = effects(preview({ events: [event('exception', { change: 'resolved', node: 'make' })], instance: { ...before, waits: [{ id: '9', kind: 'job', node: 'make', retries: 1 }] } }), before, name)
  expect(found.effects.map((each) => each.text)).toEqual(['The exception at Produce card is resolved.', 'A worker gets the work of Produce card again.'])
})

test('a retry that fails again says so', () => {
  const found = effects(preview({ events: [event('exception', { change: 'raised', node: 'make', message: 'No condition is true.' })] }), before, name)
  expect(found.effects).toEqual([{ text: 'It fails again at Produce card: No condition is true.', tone: 'bad' }])
})

test('what ends with an instance', () => {
  const ended = [{ kind: 'task', node: 'sign', name: 'Sign contract', instance: '1' }, { kind: 'child', node: 'ship', name: 'Ship parcel', instance: '1' }]
  const found = effects(preview({ events: [event('status', { status: 'TERMINATED' })], ended }), before, name)
  expect(found.effects.map((each) => each.text)).toEqual(['The instance becomes: terminated.', 'The task Sign contract is taken back.', 'The subprocess Ship parcel is ended.'])
})

test('differences go down to the values', () => {
  expect(differences({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: 1, c: 3 }, d: [1], e: null })).toEqual([
    { path: 'a.c', before: 2, after: 3 },
    { path: 'e', before: undefined, after: null },
  ])
})

test('a patch at a path', () => {
  expect(patchAt(['client', 'name'], 'Ana')).toEqual({ client: { name: 'Ana' } })
})

test('what others changed meanwhile matters where one changes it too', () => {
  const base = { amount: 1, client: { name: 'Ana', age: 30 }, comment: '' }
  const now = { amount: 2, client: { name: 'Ana', age: 31 }, comment: 'x' }
  expect(meanwhile(base, now, { amount: 3 })).toEqual([{ path: 'amount', before: 1, after: 2 }])
  expect(meanwhile(base, now, { client: { name: 'Eva' } })).toEqual([])
  expect(meanwhile(base, now, { client: null })).toEqual([{ path: 'client.age', before: 30, after: 31 }])
  expect(meanwhile(base, base, { amount: 3 })).toEqual([])
})
