import { expect, test } from 'vitest'
import { checkerOf, keywordValue, mistakes } from './check'
import { rootField, type Schema } from './field'
import { checkable, clean, staying, Unread } from './values'

async function wrong(schema: Schema, typed: unknown, before: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const field = rootField(schema)
  return Object.fromEntries(mistakes(field, await checkerOf(schema), checkable(clean(field, typed, before) ?? {}, staying(field, typed, before)), typed))
}

const form: Schema = {
  type: 'object',
  properties: {
    client: { $ref: '#/$defs/client' },
    approved: { type: 'boolean' },
    signed: { type: 'boolean', const: true },
    colour: { enum: ['red', 'green'] },
  },
  required: ['approved', 'signed', 'colour', 'client'],
  $defs: { client: { type: 'object', properties: { name: { type: 'string', minLength: 1 }, iban: { type: 'string', pattern: '^[A-Z]{2}', examples: ['RO49'] } }, required: ['name', 'iban'] } },
}

test('what is missing is said at each field, in its words', async () => {
  expect(await wrong(form, {})).toEqual({
    '/approved': 'Choose yes or no',
    '/signed': 'Tick this to go on',
    '/colour': 'Choose one',
    '/client/name': 'This is needed',
    '/client/iban': 'This is needed',
  })
})

test('what does not fit is said through references', async () => {
  expect(await wrong(form, { approved: false, signed: true, colour: 'red', client: { name: 'Ana', iban: '12' } })).toEqual({ '/client/iban': 'This is not written as it should be, for example RO49' })
})

test('mistakes come in the order of the form', async () => {
  const field = rootField(form)
  const found = mistakes(field, await checkerOf(form), { client: {} }, {})
  expect([...found.keys()]).toEqual(['/client/name', '/client/iban', '/approved', '/signed', '/colour'])
})

test('a mask that nobody touched fits', async () => {
  expect(await wrong(form, { approved: true, signed: true, colour: 'red', client: { name: 'Ana', iban: '***' } }, { client: { iban: '***' } })).toEqual({})
})

test.each<[Schema, unknown, string]>([
  [{ type: 'number', minimum: 3 }, 2, 'Enter 3 or more'],
  [{ type: 'number', maximum: 3 }, 4, 'Enter 3 or less'],
  [{ type: 'number', exclusiveMinimum: 0 }, 0, 'Enter more than 0'],
  [{ type: 'number', exclusiveMaximum: 10 }, 10, 'Enter less than 10'],
  [{ type: 'number', multipleOf: 0.5 }, 0.7, 'Enter a multiple of 0.5'],
  [{ type: 'integer' }, 1.5, 'Enter a whole number'],
  [{ type: 'number' }, new Unread('-'), 'Enter a number'],
  [{ type: 'string', minLength: 3 }, 'ab', 'Enter at least 3 characters'],
  [{ type: 'string', maxLength: 1 }, 'ab', 'Enter at most 1 character'],
  [{ type: 'string', format: 'email' }, 'ab', 'Enter an address such as ana@example.com'],
  [{ type: 'string', format: 'uri' }, 'ab', 'Enter an address such as https://example.com'],
  [{ type: 'string', format: 'date' }, '2026-13-01', 'Enter a date'],
  [{ type: 'string', format: 'ipv4' }, 'x', 'This is not a valid ipv4'],
  [{ enum: ['a'] }, 'b', 'Choose one of the answers'],
  [{ const: 'a' }, 'b', 'This has to be a'],
  [{ anyOf: [{ type: 'string', minLength: 2 }, { type: 'null' }] }, 'a', 'Enter at least 2 characters'],
  [{ type: 'array', items: { type: 'string' }, minItems: 2 }, ['a'], 'Add at least 2 entries'],
  [{ type: 'array', items: { type: 'string' }, maxItems: 1 }, ['a', 'b'], 'At most 1 entry is possible'],
  [{ type: 'array', items: { type: 'string' }, uniqueItems: true }, ['a', 'a'], 'The same entry is there twice'],
  [{}, new Unread('{'), 'This is not JSON: look for a missing quote, comma or bracket'],
  [{ not: {} }, 1, 'This does not fit what is asked for'],
])('%j refuses %j: %s', async (schema, value, message) => {
  expect(await wrong({ type: 'object', properties: { x: schema } }, { x: value })).toEqual({ '/x': message })
})

test('a row that is empty is missing', async () => {
  expect(await wrong({ type: 'object', properties: { tags: { type: 'array', items: { type: 'string' } } } }, { tags: ['a', undefined] })).toEqual({ '/tags/1': 'This is needed' })
})

test('conditions of the schema are checked too', async () => {
  const schema = JSON.parse('{"type": "object", "properties": {"other": {"type": "boolean"}, "which": {"type": "string"}}, "if": {"properties": {"other": {"const": true}}, "required": ["other"]}, "then": {"required": ["which"]}}') as Schema
  expect(await wrong(schema, { other: true })).toEqual({ '/which': 'This is needed' })
  expect(await wrong(schema, { other: false })).toEqual({})
})

test('keywords are found through references', () => {
  expect(keywordValue(form, '#/properties/client/$ref/properties/name/minLength')).toBe(1)
})
