import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Problem } from '../../api/problem'
import { Draft } from './draft'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function recorded() {
  const sent: unknown[] = []
  const answers: { resolve: (at: string) => void; reject: (error: unknown) => void }[] = []
  const draft = new Draft((values) => {
    sent.push(values)
    return new Promise((resolve, reject) => answers.push({ resolve, reject }))
  }, null)
  return { sent, answers, draft }
}

const settle = () => vi.advanceTimersByTimeAsync(0)

test('what is typed is sent after a pause, once', async () => {
  const { sent, answers, draft } = recorded()
  draft.change({ a: 1 })
  await vi.advanceTimersByTimeAsync(1_900)
  draft.change({ a: 2 })
  await vi.advanceTimersByTimeAsync(1_900)
  expect(sent).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  expect(sent).toEqual([{ a: 2 }])
  expect(draft.current.state).toBe('saving')
  answers[0]!.resolve('now')
  await settle()
  expect(draft.current).toEqual({ state: 'saved', at: 'now', problem: null })
  expect(draft.open).toBe(false)
})

test('nothing typed, nothing sent', async () => {
  const { sent, draft } = recorded()
  await draft.save()
  expect(sent).toEqual([])
})

test('one is sent at a time, and the last one last', async () => {
  const { sent, answers, draft } = recorded()
  draft.change({ a: 1 })
  void draft.save()
  await settle()
  draft.change({ a: 2 })
  void draft.save()
  await settle()
  expect(sent).toEqual([{ a: 1 }])
  answers[0]!.resolve('one')
  await settle()
  expect(sent).toEqual([{ a: 1 }, { a: 2 }])
})

test('what was not taken is sent with the next try', async () => {
  const { sent, answers, draft } = recorded()
  draft.change({ a: 1 })
  void draft.save()
  await settle()
  answers[0]!.reject(new Problem({ status: 0, title: 'Not reached' }))
  await settle()
  expect(draft.current.state).toBe('failed')
  expect(draft.open).toBe(true)
  void draft.save()
  await settle()
  expect(sent).toEqual([{ a: 1 }, { a: 1 }])
})

test('after the end nothing is sent, unless it goes on', async () => {
  const { sent, draft } = recorded()
  draft.change({ a: 1 })
  await draft.stop()
  await draft.save()
  expect(sent).toEqual([])
  draft.resume({ a: 1 })
  await vi.advanceTimersByTimeAsync(2_100)
  expect(sent).toEqual([{ a: 1 }])
})
