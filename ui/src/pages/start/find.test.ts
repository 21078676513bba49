import { expect, test } from 'vitest'
import type { DefinitionView as Definition, StartView as Start } from '../../api/types'
import { fitting, offered } from './find'

const process = (name: string, title: string, description: string, start: boolean | string = true): Definition => ({
  id: name, name, version: 1, title, description, state: 'published', file: '', digest: '', dateDeployed: '', deployedBy: '', seq: 1, allowed: { start },
})
const all = [process('b', 'Order', 'Picked and shipped'), process('c', 'Card', 'Somebody asks for a card'), process('x', 'Secret', 'card', 'no')]
const names = (found: Definition[]) => found.map((each) => each.name)

test('only what one may start, by name', () => {
  expect(names(offered(all, '', new Set()))).toEqual(['c', 'b'])
})

test('pinned ones first', () => {
  expect(names(offered(all, '', new Set(['b', 'x'])))).toEqual(['b', 'c'])
})

test('all of the words, anywhere', () => {
  expect(names(offered(all, 'CARD asks', new Set()))).toEqual(['c'])
  expect(names(offered(all, 'card shipped', new Set()))).toEqual([])
})

const start = (node: string, condition: string, ...mandatory: string[]): Start => ({
  node, name: node, condition, trigger: 'none', form: null, schema: null, description: '', allowed: true, parameters: mandatory.map((name) => ({ name, type: null, mandatory: true })),
})
const starts = [start('person', 'PF', 'client.name', 'client.income'), start('company', 'PJ', 'company.vat', 'client.name')]

test('which way to begin values fit', () => {
  expect(fitting(starts, { startCondition: 'PJ' })?.node).toBe('company')
  expect(fitting(starts, { client: { name: 'Ana', income: 0 } })?.node).toBe('person')
  expect(fitting(starts, { client: { name: 'Ana', income: 1 }, company: { vat: '1' } })).toBeUndefined()
  expect(fitting(starts, { client: { name: 'Ana', income: null } })).toBeUndefined()
})
