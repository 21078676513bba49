/** What somebody starts often, kept in this browser. */
import { useState } from 'react'

function keyOf(user: string): string {
  return `procession.pinned.${user}`
}

function read(user: string): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keyOf(user)) ?? '[]')
    return Array.isArray(kept) ? kept.filter((name) => typeof name === 'string') : []
  } catch {
    return [] // storage is off, or somebody else wrote there: nothing is pinned
  }
}

export function usePins(user: string): { pinned: ReadonlySet<string>; toggle: (name: string) => void } {
  const [names, setNames] = useState(() => read(user))
  const toggle = (name: string) => {
    const next = names.includes(name) ? names.filter((each) => each !== name) : [...names, name]
    setNames(next)
    try {
      localStorage.setItem(keyOf(user), JSON.stringify(next))
    } catch {
      // storage is off: it is pinned until the page is left
    }
  }
  return { pinned: new Set(names), toggle }
}
