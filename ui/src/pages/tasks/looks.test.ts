import { expect, test } from 'vitest'
import { counted, goneWords, priority, urgency } from './looks'

const now = new Date('2026-11-28T12:00:00Z').getTime()

test.each([['2026-11-28T11:59:00Z', 'overdue'], ['2026-11-29T11:00:00Z', 'soon'], ['2026-11-30T12:00:00Z', 'later']])('%s is %s', (due, expected) => {
  expect(urgency(due, now)).toBe(expected)
})

test('priorities in words', () => {
  expect([100, 70, 69, 50, 31, 30, 0].map((value) => priority(value).level)).toEqual(['high', 'high', 'normal', 'normal', 'normal', 'low', 'low'])
})

test('why a task went', () => {
  expect(goneWords({ change: 'assigned', assignee: 'mihai' }, 'ana')).toBe('Taken by mihai')
  expect(goneWords({ change: 'completed', assignee: 'mihai' }, 'ana')).toBe('Done')
  expect(goneWords({ change: 'cancelled', assignee: null }, 'ana')).toBe('No longer needed')
  expect(goneWords({ change: 'assigned', assignee: null }, 'ana')).toBe('Given back')
  expect(goneWords(undefined, 'ana')).toBe('Not in this list any more')
})

test('counts', () => {
  expect([undefined, { count: 3, more: false }, { count: 100, more: true }].map(counted)).toEqual(['', '3', '100+'])
})
