/** Following what is shown: for components. */
import { useQueryClient } from '@tanstack/react-query'
import { createContext, useContext, useEffect, useEffectEvent, useMemo, useSyncExternalStore } from 'react'
import type { Connection, Filter, Message, Status } from './connection'
import { Refresher } from './refresh'

export type { Message, Told } from './connection'

export const Live = createContext<Connection | null>(null)

function useConnection(): Connection {
  const connection = useContext(Live)
  if (connection === null) throw new Error('there is no live channel here')
  return connection
}

export function useLiveStatus(): Status {
  const connection = useConnection()
  return useSyncExternalStore(connection.watch, () => connection.status)
}

/** Since when what is shown may be old. */
export function useLiveSince(): string {
  return new Date(useConnection().since).toISOString()
}

/**
 * Hear what happens while the component is there. `after`: the position (`seq`, `lastEventId`) that what is shown was read at;
 * undefined: it is not read yet, so there is nothing to follow.
 */
export function useFollow(filter: Filter | null, after: string | number | undefined, hear: (message: Message) => void): void {
  const connection = useConnection()
  const heard = useEffectEvent(hear)
  const key = filter === null || after === undefined ? null : JSON.stringify(filter)
  const from = useEffectEvent(() => (after === undefined ? undefined : String(after)))
  useEffect(() => {
    if (key === null) return
    return connection.follow(JSON.parse(key) as Filter, from(), (message) => heard(message))
  }, [connection, key])
}

/** Reads again what has changed. */
export function useRefresher(): Refresher {
  const client = useQueryClient()
  return useMemo(() => new Refresher(client), [client])
}
