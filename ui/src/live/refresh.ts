/** Reading again what has changed: soon, but not for each message, and never twice at one time. */
import type { QueryClient, QueryKey } from '@tanstack/react-query'

/** Milliseconds for which more is waited for, after the first message and between two reads. */
const GATHER = 20
const PAUSE = 120

type State = { timer: ReturnType<typeof setTimeout> | undefined; running: boolean; again: boolean }

export class Refresher {
  private readonly states = new Map<string, State>()

  constructor(private readonly client: QueryClient) {}

  /** Read what is kept under a key, and is shown, again. */
  refresh(key: QueryKey, wait = GATHER): void {
    const name = JSON.stringify(key)
    const state = this.states.get(name) ?? { timer: undefined, running: false, again: false }
    this.states.set(name, state)
    if (state.running) state.again = true
    else state.timer ??= setTimeout(() => void this.read(key, name, state), wait)
  }

  private async read(key: QueryKey, name: string, state: State): Promise<void> {
    state.timer = undefined
    state.running = true
    state.again = false
    try {
      await this.client.invalidateQueries({ queryKey: key })
    } finally {
      state.running = false
      if (state.again) this.refresh(key, PAUSE)
      else this.states.delete(name)
    }
  }
}
