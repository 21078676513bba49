import { expect, test } from 'vitest'
import { cut, fromAddress, hasField, over } from './prefill'

const schema = {
  type: 'object',
  properties: {
    client: { $ref: '#/$defs/client' },
    amount: { type: 'number' },
    count: { type: ['integer', 'null'] },
    urgent: { type: 'boolean' },
    zip: { type: 'string' },
    kind: { enum: ['a', 2] },
    guests: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
    note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
  },
  $defs: { client: { type: 'object', properties: { name: { type: 'string' }, iban: { type: 'string' } } } },
}

test('what is in the address becomes what the fields hold', () => {
  const query = '?p.client.name=Ana&p.amount=12.50&p.count=3&p.urgent=true&p.zip=0123&p.kind=2&p.note=5&at=x'
  expect(fromAddress(query, schema)).toEqual({ client: { name: 'Ana' }, amount: 12.5, count: 3, urgent: true, zip: '0123', kind: 2, note: '5' })
})

test('what does not fit the field is left out', () => {
  expect(fromAddress('?p.amount=many&p.urgent=maybe&p.guests=x&p.kind=z&p.count=', schema)).toEqual({})
})

test('names that reach into the language are left out', () => {
  expect(fromAddress('?p.__proto__.admin=1&p.client.constructor=x&p..a=1&p.=2', schema)).toEqual({})
  expect(({} as Record<string, unknown>).admin).toBeUndefined()
})

test('only what the form asks for is taken over, and nothing that is masked', () => {
  const earlier = { client: { name: 'Ana', iban: '***', age: 40 }, score: 1, guests: [{ name: 'Bo', seat: 3 }, '***'], amount: 3 }
  expect(cut(earlier, schema)).toEqual({ client: { name: 'Ana' }, guests: [{ name: 'Bo' }], amount: 3 })
})

test('one over the other', () => {
  expect(over({ client: { name: 'Ana', iban: 'x' }, amount: 1 }, { client: { name: 'Bo' }, zip: '1' })).toEqual({ client: { name: 'Bo', iban: 'x' }, amount: 1, zip: '1' })
})

test('which pointers lead to a field', () => {
  expect(['/client/iban', '/guests/0/name', '/amount', '/score', '/client/age', ''].map((pointer) => hasField(schema, pointer))).toEqual([true, true, true, false, false, false])
})
