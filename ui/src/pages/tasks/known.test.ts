import { expect, test } from 'vitest'
import { lines } from './known'

test('data in a few lines', () => {
  const data = { client: { name: 'Ana', iban: '***', address: { city: 'Cluj' } }, monthlyIncome: 4200, note: '', tags: ['a', 'b'], gone: null, shown: true }
  expect(lines(data, new Set(['shown']))).toEqual([
    { name: 'Client · name', value: 'Ana' },
    { name: 'Client · iban', value: null },
    { name: 'Monthly income', value: 4200 },
    { name: 'Tags', value: 'a, b' },
  ])
})
