/**
 * A list that never jumps: what is there changes where it is, what went stays until one does something, and what is new waits
 * until one asks for it.
 */
import { useState } from 'react'

type Item = { id: string }

export type Row<T> = { item: T; gone: boolean }

type Shown<T> = { key: string; pages: number; items: Map<string, T> }

export type Calm<T> = { rows: Row<T>[]; fresh: number; show: () => void }

export function useCalm<T extends Item>(pages: readonly { items: readonly T[] }[] | undefined, key: string): Calm<T> | undefined {
  const [shown, setShown] = useState<Shown<T> | null>(null)
  if (pages === undefined) return undefined
  const current = settle(shown, pages, key)
  if (current !== shown) setShown(current)
  const now = index(pages)
  const rows = [...current.items.values()].map((item) => ({ item: now.get(item.id) ?? item, gone: !now.has(item.id) }))
  let fresh = 0
  for (const id of now.keys()) if (!current.items.has(id)) fresh += 1
  return { rows, fresh, show: () => setShown({ key, pages: pages.length, items: now }) }
}

/** What is shown by now: everything of another list, a part more of the same one, else what was shown before. */
export function settle<T extends Item>(shown: Shown<T> | null, pages: readonly { items: readonly T[] }[], key: string): Shown<T> {
  if (shown === null || shown.key !== key || shown.items.size === 0) {
    const items = index(pages)
    // an empty list has nothing that could jump
    return shown !== null && shown.key === key && items.size === 0 ? shown : { key, pages: pages.length, items }
  }
  if (pages.length === shown.pages) return shown
  const items = new Map(shown.items)
  for (const page of pages.slice(shown.pages)) for (const item of page.items) items.set(item.id, item)
  return { key, pages: pages.length, items }
}

function index<T extends Item>(pages: readonly { items: readonly T[] }[]): Map<string, T> {
  return new Map(pages.flatMap((page) => page.items.map((item) => [item.id, item] as const)))
}
