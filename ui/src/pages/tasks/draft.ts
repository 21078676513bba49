/** What one has typed is kept on the server: after a pause, and when the page is left. */
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { call, path } from '../../api/client'
import type { TaskFormView as TaskForm } from '../../api/types'
import { asProblem, type Problem } from '../../api/problem'
import { taskForm } from '../../api/queries'

const PAUSE = 2_000

type Values = Record<string, unknown>

export type DraftState = { state: 'none' | 'typing' | 'saving' | 'saved' | 'failed'; at: string | null; problem: Problem | null }

/** Sends one draft at a time, and always the last one. */
export class Draft {
  private typed: Values | null = null // what is not sent yet
  private timer: ReturnType<typeof setTimeout> | undefined
  private sending: Promise<void> | null = null
  private stopped = false
  private readonly watchers = new Set<() => void>()
  current: DraftState

  constructor(
    private readonly send: (values: Values) => Promise<string>,
    at: string | null,
  ) {
    this.current = { state: 'none', at, problem: null }
  }

  change(values: Values): void {
    this.typed = values
    clearTimeout(this.timer)
    if (this.stopped) return
    this.timer = setTimeout(() => void this.save(), PAUSE)
    if (this.current.state !== 'typing') this.become({ state: 'typing', at: this.current.at, problem: null })
  }

  /** Whether something was typed that the server does not have. */
  get open(): boolean {
    return this.typed !== null
  }

  async save(): Promise<void> {
    clearTimeout(this.timer)
    await this.sending
    const values = this.typed
    if (values === null || this.stopped) return
    this.typed = null
    this.become({ ...this.current, state: 'saving', problem: null })
    this.sending = this.put(values)
    await this.sending
    this.sending = null
  }

  private async put(values: Values): Promise<void> {
    try {
      const at = await this.send(values)
      this.become({ state: this.typed === null ? 'saved' : 'typing', at, problem: null })
    } catch (error) {
      this.typed ??= values
      this.become({ ...this.current, state: 'failed', problem: asProblem(error) })
    }
  }

  /** Nothing is sent any more: the task is done, or the draft is thrown away. */
  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.sending
  }

  /** What was to be done was not: go on, with what was typed meanwhile. */
  resume(values: Values): void {
    this.stopped = false
    this.change(values)
  }

  /** Begin anew. */
  reset(): void {
    this.stopped = false
    this.typed = null
    this.become({ state: 'none', at: null, problem: null })
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  private become(next: DraftState): void {
    this.current = next
    for (const watcher of this.watchers) watcher()
  }
}

export function useDraft(task: string, at: string | null): Draft {
  const client = useQueryClient()
  const draft = useMemo(() => {
    const { queryKey } = taskForm(task)
    return new Draft(async (values) => {
      const keep = (draftDate: string) => client.setQueryData(queryKey, (known: TaskForm | undefined) => known && { ...known, draft: values, draftDate })
      keep(new Date().toISOString()) // who comes back at once finds it
      const { draftDate } = await call<{ draftDate: string }>('PUT', path`/api/tasks/${task}/draft`, { body: { variables: values } })
      keep(draftDate)
      return draftDate
    }, at)
    // the date is that of the beginning
    // oxlint-disable-next-line react/exhaustive-deps
  }, [client, task])
  useEffect(() => {
    const leave = () => {
      if (document.visibilityState === 'hidden') void draft.save()
    }
    document.addEventListener('visibilitychange', leave)
    return () => {
      document.removeEventListener('visibilitychange', leave)
      void draft.save()
    }
  }, [draft])
  return draft
}

export function useDraftState(draft: Draft): DraftState {
  return useSyncExternalStore(draft.watch, () => draft.current)
}
