import { expect, test } from 'vitest'
import { settle } from './calm'

const page = (...ids: string[]) => ({ items: ids.map((id) => ({ id })) })
const ids = (shown: { items: Map<string, unknown> }) => [...shown.items.keys()]

test('what comes in does not move what is read', () => {
  const first = settle(null, [page('3', '2', '1')], 'mine')
  const second = settle(first, [page('4', '3', '1')], 'mine')
  expect(second).toBe(first)
  expect(ids(second)).toEqual(['3', '2', '1'])
})

test('a part more is shown at the end', () => {
  const first = settle(null, [page('5', '4')], 'mine')
  const second = settle(first, [page('6', '5'), page('4', '3')], 'mine')
  expect(ids(second)).toEqual(['5', '4', '3'])
})

test('another list is another list', () => {
  const first = settle(null, [page('2', '1')], 'mine')
  expect(ids(settle(first, [page('9')], 'free'))).toEqual(['9'])
})

test('an empty list fills at once, and an empty one stays the same', () => {
  const empty = settle(null, [page()], 'mine')
  expect(settle(empty, [page()], 'mine')).toBe(empty)
  expect(ids(settle(empty, [page('1')], 'mine'))).toEqual(['1'])
})
