import { expect, test } from 'vitest'
import { asked, midnight, reference, states } from './search'

test('days begin and end where the clock on the wall says', () => {
  expect(midnight('2026-03-05')).toBe(new Date(2026, 2, 5).toISOString())
  expect(midnight('2026-12-31', 1)).toBe(new Date(2027, 0, 1).toISOString())
  expect([midnight(undefined), midnight('yesterday'), midnight('2026-3-5')]).toEqual([undefined, undefined, undefined])
})

test('exceptions are asked for beside the states', () => {
  expect(asked({ status: 'STARTED,exceptions,ON_HOLD' })).toMatchObject({ status: 'STARTED,ON_HOLD', exceptions: true })
  expect(asked({ status: 'exceptions' })).toMatchObject({ status: undefined, exceptions: true })
  expect(asked({})).toMatchObject({ status: undefined, exceptions: undefined })
})

test('what is no state is left alone', () => {
  expect(states({ status: 'STARTED,BROKEN,' })).toEqual(['STARTED'])
})

test('a step belongs to a process', () => {
  expect(asked({ node: 'review' }).node).toBeUndefined()
  expect(asked({ node: 'review', definition: 'loan' }).node).toBe('review')
})

test('an instance without a key is called by the end of its id', () => {
  expect(reference({ businessKey: 'LN-2031', id: '7301' })).toEqual({ key: 'LN-2031' })
  expect(reference({ businessKey: null, id: '730112345678' })).toEqual({ end: '345678' })
})
