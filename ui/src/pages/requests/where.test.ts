import { expect, test } from 'vitest'
import type { StepProgress as ProgressStep, ProgressView } from '../../api/types'
import { atSteps, failedSince, hasStages, lastReached, whereNow, withWhom } from './where'

const step = (name: string, state: ProgressStep['state'], lane: string | null, since = '2026-01-01T10:00:00Z'): ProgressStep => ({ name, state, since, until: null, lane, assignee: null })
const progress = (stage: string, ...steps: ProgressStep[]): ProgressView => ({
  instance: '1', processDefinitionName: 'loan', processTitle: 'Loan', businessKey: null, state: 'STARTED', dateStarted: '2026-01-01T09:00:00Z', dateEnded: null, seq: 1, allowed: {},
  stages: [{ name: stage, state: 'current', since: '2026-01-01T09:00:00Z', until: null, steps }],
})

test('with whom it is', () => {
  expect(withWhom(progress('A', step('x', 'done', 'Front'), step('y', 'current', 'Back'), step('z', 'current', 'Back')))).toEqual(['Back'])
  expect(withWhom(progress('A', step('y', 'current', 'Back'), step('z', 'current', null)))).toEqual([])
})

test('at which steps it is', () => {
  expect(atSteps(progress('A', step('x', 'done', null), step('y', 'current', null), step('y', 'current', null)))).toEqual(['y'])
})

test('whether there are stages', () => {
  expect(hasStages(progress('', step('x', 'current', null)))).toBe(false)
  expect(hasStages(progress('Review'))).toBe(true)
})

test('since when something is looked into', () => {
  const [stage] = progress('A', step('x', 'failed', null, '2026-01-01T12:00:00Z'), step('y', 'failed', null, '2026-01-01T11:00:00Z')).stages
  expect(failedSince(stage!)).toBe('2026-01-01T11:00:00Z')
  const done = { ...step('x', 'done', null), until: '2026-01-01T10:30:00Z' }
  expect(failedSince({ ...stage!, steps: [done] })).toBe('2026-01-01T10:30:00Z')
  expect(failedSince({ ...stage!, steps: [] })).toBeNull()
})

test('how far it came', () => {
  const { stages, ...rest } = progress('A')
  const [stage] = stages
  const at = (...states: ProgressStep['state'][]) => lastReached({ ...rest, stages: states.map((state) => ({ ...stage!, state })) })
  expect(at('done', 'next', 'current', 'next')).toBe(2)
  expect(at('next', 'next')).toBe(-1)
})

const place = (node: string, name: string) => ({ node, name, stage: null, count: 1 })

test('where a request in a list is', () => {
  expect(whereNow({ waitingAt: [place('ready', 'ready'), place('sign', 'Sign contract')], waitingAtMore: 0 })).toBe('Sign contract')
  expect(whereNow({ waitingAt: [place('a', 'A'), place('b', 'B')], waitingAtMore: 2 })).toBe('A, B and 2 more')
  expect(whereNow({ waitingAt: [], waitingAtMore: 0 })).toBe('')
})
