import { expect, test } from 'vitest'
import { freshOf } from './fresh'

const old = { dateDeployed: '2026-11-28T09:00:00.000001Z' }
const one = { dateDeployed: '2026-11-28T12:00:00.000100Z' }
const other = { dateDeployed: '2026-11-28T12:00:00.000150Z' }

test('what was made now is new, what was there before is not', () => {
  expect([...freshOf([old, one, other], true)]).toEqual([one, other])
  expect(freshOf([old, one], false).size).toBe(0)
  expect(freshOf([], true).size).toBe(0)
})
