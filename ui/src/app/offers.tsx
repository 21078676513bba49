/** The command palette: when it is open, and what the page that is shown adds to it. */
import { spotlight } from '@mantine/spotlight'
import { createContext, useContext, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react'

let wanted = false
const watchers = new Set<() => void>()

/** The palette is loaded when it is asked for the first time, and opens then. */
export function openPalette(): void {
  if (wanted) spotlight.open()
  wanted = true
  for (const watcher of watchers) watcher()
}

export function usePaletteState(): boolean {
  return useSyncExternalStore((watcher) => {
    watchers.add(watcher)
    return () => watchers.delete(watcher)
  }, () => wanted)
}

export type PageAction = { id: string; label: string; run: () => void }

type Registry = { add: (actions: () => PageAction[]) => () => void; all: () => PageAction[] }

const Context = createContext<Registry | null>(null)

export function PageActions({ children }: { children: ReactNode }) {
  const sources = useRef(new Set<() => PageAction[]>())
  const [registry] = useState<Registry>(() => ({
    add: (actions) => {
      sources.current.add(actions)
      return () => sources.current.delete(actions)
    },
    all: () => [...sources.current].flatMap((actions) => actions()),
  }))
  return <Context value={registry}>{children}</Context>
}

export function usePageActions(): PageAction[] {
  return useContext(Context)?.all() ?? []
}

/** What can be done on this page, for the palette. */
export function useOffer(actions: () => PageAction[]): void {
  const registry = useContext(Context)
  const latest = useRef(actions)
  useLayoutEffect(() => {
    latest.current = actions // the palette asks while it is rendered, when no effect event may be called
  })
  useEffect(() => registry?.add(() => latest.current()), [registry])
}
