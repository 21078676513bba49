import { expect, test } from 'vitest'
import type { InstanceView as Instance } from '../../api/types'
import { applied } from './apply'

const instance = { id: '1', seq: 4, state: 'STARTED', variables: { a: 1 }, tokens: [{ id: '1', currentNodeId: 'x', state: 'ACTIVE' }] } as unknown as Instance
const told = (event: string, data: object) => ({ id: null, event, data: { instance: '1', rootInstance: '1', processDefinitionName: 'p', seq: 5, at: '', ...data } })
const name = (node: string) => node.toUpperCase()

test('what was read already is not told again', () => {
  expect(applied(instance, told('status', { status: 'ON_HOLD', seq: 4 }), name)).toBe(instance)
  expect(applied(instance, told('status', { status: 'ON_HOLD', instance: '2' }), name)).toBe(instance)
})

test('state, data and tokens follow', () => {
  expect(applied(instance, told('status', { status: 'ON_HOLD' }), name).state).toBe('ON_HOLD')
  expect(applied(instance, told('data', { key: 'b', value: [1] }), name).variables).toEqual({ a: 1, b: [1] })
  const forked = applied(instance, told('progress', { token: '2', parentToken: '1', node: 'y', state: 'ACTIVE', statusCurrentNode: 'ARRIVED' }), name)
  expect(forked.tokens.map((token) => [token.id, token.currentNodeName])).toEqual([['1', undefined], ['2', 'Y']])
  const ended = applied(forked, told('progress', { token: '1', parentToken: null, node: 'x', state: 'INACTIVE', statusCurrentNode: 'EXECUTED_COMPLETE' }), name)
  expect(ended.tokens.map((token) => token.id)).toEqual(['2'])
})
