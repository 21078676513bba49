import { expect, test } from 'vitest'
import { fieldOf, itemOf, propertiesOf, rootField, type Schema } from './field'

const field = (schema: Schema, root: Schema = schema) => fieldOf(schema, { root, seen: [] }, 'monthlyIncome')

test.each<[Schema, string]>([
  [{ type: 'string' }, 'text'],
  [{ type: 'string', maxLength: 500 }, 'longText'],
  [{ type: 'string', 'x-ui': 'textarea' }, 'longText'],
  [{ type: 'number' }, 'number'],
  [{ type: 'integer' }, 'integer'],
  [{ type: 'boolean' }, 'boolean'],
  [{ type: 'boolean', const: true }, 'confirm'],
  [{ const: 'EUR' }, 'constant'],
  [{ enum: ['a', 'b'] }, 'choice'],
  [{ oneOf: [{ const: 1, title: 'One' }, { const: 2 }] }, 'choice'],
  [{ type: 'object', properties: { a: {} } }, 'object'],
  [{ properties: { a: {} } }, 'object'],
  [{ type: 'object' }, 'json'],
  [{ type: 'array', items: { type: 'string' } }, 'list'],
  [{ type: 'array', items: { type: 'object', properties: { a: {} } } }, 'list'],
  [{ type: 'array', uniqueItems: true, items: { enum: ['a', 'b'] } }, 'choices'],
  [{ type: 'array', items: { type: 'array', items: { type: 'string' } } }, 'json'],
  [{ type: 'array' }, 'json'],
  [{ type: ['string', 'number'] }, 'json'],
  [{}, 'json'],
])('%j is a field of the kind %s', (schema, kind) => {
  expect(field(schema).kind).toBe(kind)
})

test.each([['email', 'email'], ['uri', 'url'], ['date', 'date'], ['date-time', 'datetime-local'], ['time', 'time'], ['iban', 'text']])('a text of the format %s is typed as %s', (format, input) => {
  expect(field({ type: 'string', format }).input).toBe(input)
})

test.each<Schema>([
  { type: ['string', 'null'] },
  { anyOf: [{ type: 'string' }, { type: 'null' }] },
  { oneOf: [{ type: 'null' }, { type: 'string' }] },
])('what may be nothing is a field all the same: %j', (schema) => {
  expect(field(schema)).toMatchObject({ kind: 'text', nullable: true })
})

test('a choice that may be nothing does not offer it', () => {
  expect(field({ enum: ['a', null] })).toMatchObject({ kind: 'choice', nullable: true, options: [{ value: 'a', label: 'A' }] })
})

test('titles come from the schema, else from the name', () => {
  expect(field({ title: 'Income' }).title).toBe('Income')
  expect(field({}).title).toBe('Monthly income')
})

test('labels of a choice', () => {
  expect(field({ enum: ['yes', 'no'], 'x-ui-labels': { yes: 'I agree' } }).options.map(({ label }) => label)).toEqual(['I agree', 'No'])
  expect(field({ enum: ['a', 'b'], 'x-ui-labels': ['First', 'Second'] }).options.map(({ label }) => label)).toEqual(['First', 'Second'])
  expect(field({ enum: ['EUR', 'approve_all', 'As it is', 7] }).options.map(({ label }) => label)).toEqual(['EUR', 'Approve all', 'As it is', '7'])
})

test('references are followed, and what stands beside them wins', () => {
  const root = { $defs: { money: { type: 'number', title: 'Money', minimum: 0 } } }
  expect(field({ $ref: '#/$defs/money', title: 'Fee' }, root)).toMatchObject({ kind: 'number', title: 'Fee', schema: { minimum: 0 } })
  expect(field({ allOf: [{ $ref: '#/$defs/money' }], description: 'Each month' }, root)).toMatchObject({ kind: 'number', description: 'Each month' })
  expect(field({ anyOf: [{ $ref: '#/$defs/money' }, { type: 'null' }] }, root)).toMatchObject({ kind: 'number', nullable: true })
})

test('a reference that leads to itself, or nowhere, is written as JSON', () => {
  const root: Schema = { type: 'object', properties: { name: { type: 'string' }, child: { $ref: '#/$defs/person' } }, $defs: { person: { type: 'object', properties: { name: { type: 'string' }, child: { $ref: '#/$defs/person' } } } } }
  const child = Object.fromEntries(propertiesOf(rootField(root))).child!
  expect(child.kind).toBe('object')
  expect(Object.fromEntries(propertiesOf(child)).child!.kind).toBe('json')
  expect(field({ $ref: '#/$defs/none' }).kind).toBe('json')
  expect(field({ $ref: 'https://example.com/person' }).kind).toBe('json')
})

test('what is in a list', () => {
  expect(itemOf(field({ type: 'array', items: { type: 'integer', title: 'Child' } }))).toMatchObject({ kind: 'integer', title: 'Child' })
})
