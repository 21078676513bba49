import { expect, test } from 'vitest'
import { fieldsOf } from './schema'

const schema = {
  type: 'object',
  required: ['client'],
  properties: {
    client: { type: 'object', required: ['iban'], properties: { iban: { type: 'string', sensitive: true, description: 'Account' } } },
    amount: { type: ['number', 'null'] },
    lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string', enum: ['a', 'b'] } } } },
    anything: true,
  },
}

test('fields with their types, at any depth', () => {
  const [client, amount, lines, anything] = fieldsOf(schema)
  expect(client).toMatchObject({ name: 'client', types: ['object'], needed: true, sensitive: false })
  expect(client!.fields[0]).toMatchObject({ name: 'iban', needed: true, sensitive: true, description: 'Account' })
  expect(amount).toMatchObject({ types: ['number', 'null'], needed: false })
  expect(lines).toMatchObject({ types: ['array'], of: ['object'], fields: [{ name: 'sku', choices: ['a', 'b'] }] })
  expect(anything).toMatchObject({ types: [], fields: [] })
})

test('what is no schema has no fields', () => {
  expect([fieldsOf(null), fieldsOf(true), fieldsOf({ properties: [] })]).toEqual([[], [], []])
})
