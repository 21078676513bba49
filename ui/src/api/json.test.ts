import { expect, test } from 'vitest'
import { isObject, mergePatch, parse, same } from './json'

test('numbers that a double holds are numbers', () => {
  expect(parse('{"a": 1, "b": -2.50, "c": 1e3, "d": 100000000000000000000}')).toEqual({ a: 1, b: -2.5, c: 1000, d: 1e20 })
})

const modern = 'rawJSON' in JSON

test.runIf(modern)('numbers that it does not hold keep their digits', () => {
  const text = '{"id":12345678901234567890,"rate":0.1234567890123456789}'
  expect(JSON.stringify(parse(text))).toBe(text)
})

test('what is the same', () => {
  expect(same({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toBe(true)
  expect(same({ a: 1 }, { a: 1, b: undefined })).toBe(false)
  expect(same([1, 2], [2, 1])).toBe(false)
  expect(same(null, {})).toBe(false)
})

test('a merge patch has what changed, and null for what went', () => {
  const before = { keep: 1, gone: 2, client: { name: 'Ana', iban: '***' }, list: [1, 2] }
  const after = { keep: 1, client: { name: 'Bo', iban: '***' }, list: [1, 2, 3], more: true }
  expect(mergePatch(before, after)).toEqual({ gone: null, client: { name: 'Bo' }, list: [1, 2, 3], more: true })
})

test('only objects are objects', () => {
  expect([{}, [], null, 'x', 1].map(isObject)).toEqual([true, false, false, false, false])
})
