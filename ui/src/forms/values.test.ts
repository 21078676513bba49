import { expect, test } from 'vitest'
import { rootField, type Schema } from './field'
import { begin, checkable, clean, isMasked, localText, MASK, newItem, numberText, overlay, staying, toInstant, toJson, toNumber, toTime, Unread, unread, valueAt, withValue } from './values'

const object = (properties: Schema, more: Schema = {}) => rootField({ type: 'object', properties, ...more })
const person = object({
  name: { type: 'string' },
  client: { type: 'object', properties: { iban: { type: 'string' }, income: { type: 'number', default: 100 } } },
})

test('a form begins with what is known, else with what the schema says', () => {
  expect(begin(person, { name: 'Ana', other: 1, client: { iban: MASK } })).toEqual({ name: 'Ana', client: { iban: MASK, income: 100 } })
  expect(begin(object({ agreed: { const: true }, currency: { const: 'EUR' } }), {})).toEqual({ currency: 'EUR' })
})

test('nothing stays nothing where it may be', () => {
  expect(begin(object({ a: { type: ['string', 'null'] }, b: { type: 'string' } }), { a: null, b: null })).toEqual({ a: null })
})

test('values at places', () => {
  const value = { list: [{ a: 1 }, { a: 2 }], 'x/y': { z: 3 } }
  expect(valueAt(value, '/list/1/a')).toBe(2)
  expect(valueAt(value, '/x~1y/z')).toBe(3)
  expect(valueAt(value, '/none/at/all')).toBeUndefined()
  expect(withValue(value, '/list/0/a', 9)).toEqual({ list: [{ a: 9 }, { a: 2 }], 'x/y': { z: 3 } })
  expect(withValue(value, '/x~1y/z', undefined)).toEqual({ list: value.list, 'x/y': {} })
  expect(withValue({}, '/a/b', 1)).toEqual({ a: { b: 1 } })
  expect(withValue({ a: 1 }, '', { b: 2 })).toEqual({ b: 2 })
})

test('empty texts, masks that nobody touched and empty objects are not sent', () => {
  expect(clean(person, { name: '', client: {} }, {})).toEqual({})
  expect(clean(person, { name: 'Ana', client: { iban: MASK, income: 5 } }, { client: { iban: MASK } })).toEqual({ name: 'Ana', client: { income: 5 } })
  expect(clean(person, { client: { iban: 'RO1' } }, { client: { iban: MASK } })).toEqual({ client: { iban: 'RO1' } })
  expect(clean(person, { client: {} }, { client: {} })).toEqual({ client: {} })
})

test('what was there and was cleared is said', () => {
  const field = object({ note: { type: 'string' }, maybe: { type: ['number', 'null'] }, amount: { type: 'number' }, code: { type: 'string', pattern: '^A' } })
  expect(clean(field, {}, { note: 'old', maybe: 1, amount: 2, code: 'A1' })).toEqual({ note: '', maybe: null })
  expect(clean(object({ note: { type: 'string' } }, { required: ['note'] }), {}, { note: 'old' })).toEqual({})
})

test('nothing is sent where it is needed and may be nothing', () => {
  expect(clean(object({ end: { type: ['string', 'null'] } }, { required: ['end'] }), {}, {})).toEqual({ end: null })
})

test('false and zero are answers', () => {
  expect(clean(object({ a: { type: 'boolean' }, b: { type: 'integer' } }), { a: false, b: 0 }, {})).toEqual({ a: false, b: 0 })
})

test('what cannot be changed is sent only if it comes from the schema', () => {
  const field = object({ a: { type: 'string', readOnly: true, default: 'x' }, b: { type: 'string' } })
  expect(clean(field, begin(field, { a: 'y', b: 'z' }), { a: 'y', b: 'z' })).toEqual({ b: 'z' })
  expect(clean(field, begin(field, { b: 'z' }), { b: 'z' })).toEqual({ a: 'x', b: 'z' })
})

test('lists', () => {
  const field = object({ tags: { type: 'array', items: { type: 'string' } }, people: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } } })
  expect(clean(field, { tags: ['a', undefined], people: [{}, { name: 'Ana' }] }, {})).toEqual({ tags: ['a', null], people: [{}, { name: 'Ana' }] })
  expect(clean(field, { tags: [] }, {})).toEqual({})
  expect(clean(field, { tags: [] }, { tags: ['a'] })).toEqual({ tags: [] })
  expect(clean(field, { tags: [MASK] }, { tags: [MASK] })).toEqual({})
  expect(newItem(rootField({ type: 'array', items: { type: 'object', properties: { n: { type: 'integer', default: 1 } } } }))).toEqual({ n: 1 })
})

test('a list with something that is not shown', () => {
  expect([[MASK], [{ a: MASK }], [{ a: 1 }], MASK, 'x'].map(isMasked)).toEqual([true, true, false, true, false])
})

test('what is checked has what stays, and numbers', () => {
  const before = { name: 'Ana', client: { iban: MASK } }
  const typed = { name: 'Bo', client: { iban: MASK, income: 1 } }
  const kept = staying(person, typed, before)
  expect(kept).toEqual({ client: { iban: MASK } })
  expect(checkable(clean(person, typed, before), kept)).toEqual({ name: 'Bo', client: { iban: MASK, income: 1 } })
})

const modern = 'rawJSON' in JSON

test('numbers as they are typed', () => {
  expect(toNumber('')).toBeUndefined()
  expect(toNumber('12.50')).toBe(12.5)
  expect(toNumber('007')).toBe(7)
  expect(toNumber('.5')).toBe(0.5)
  expect(toNumber('5.')).toBe(5)
  expect(toNumber('-')).toBeInstanceOf(Unread)
  expect(numberText(toNumber('-'))).toBe('-')
})

test.runIf(modern)('digits that a double does not hold are kept', () => {
  const value = toNumber('12345678901234567.89')
  expect(JSON.stringify({ value })).toBe('{"value":12345678901234567.89}')
  expect(numberText(value)).toBe('12345678901234567.89')
  expect(checkable({ value }, undefined)).toEqual({ value: Number('12345678901234567.89') })
})

test('JSON as it is typed', () => {
  expect(toJson(' ')).toBeUndefined()
  expect(toJson('{"a": [1]}')).toEqual({ a: [1] })
  expect(toJson('{"a"')).toEqual(new Unread('{"a"'))
  expect(unread({ a: [1, new Unread('x')] }).map(({ pointer }) => pointer)).toEqual(['/a/1'])
  expect(clean(object({ a: {} }), { a: new Unread('{') }, {})).toEqual({})
})

test('moments are typed as here and sent as everywhere', () => {
  const instant = toInstant('2026-11-28T14:05')
  expect(instant).toMatch(/^2026-11-2\dT\d\d:\d\d:00Z$/)
  expect(localText(instant)).toBe('2026-11-28T14:05')
  expect(toInstant('')).toBeUndefined()
  expect(localText(undefined)).toBe('')
})

test('times of a day', () => {
  expect(toTime('14:05')).toBe('14:05:00Z')
  expect(toTime('')).toBeUndefined()
})

test('a draft over the data', () => {
  expect(overlay({ a: 1, client: { name: 'Ana', iban: MASK }, list: [1, 2] }, { client: { name: 'Bo' }, list: [3] })).toEqual({ a: 1, client: { name: 'Bo', iban: MASK }, list: [3] })
})
