/** Short messages at the edge of the window. What shows them is loaded with the first one. */
import type { NotificationData } from '@mantine/notifications'
import { lazy } from 'react'

export const Toasts = lazy(async () => ({ default: (await import('./ToastArea')).Toasts }))

let wanted = false
const watchers = new Set<() => void>()

export const toastsWanted = {
  watch: (watcher: () => void): (() => void) => {
    watchers.add(watcher)
    return () => watchers.delete(watcher)
  },
  get: (): boolean => wanted,
}

/** Show a message; what it returns takes it away again. */
export function toast(message: NotificationData): () => void {
  wanted = true
  for (const watcher of watchers) watcher()
  const shown = import('./ToastArea').then(({ notifications }) => {
    const id = notifications.show(message)
    return () => notifications.hide(id)
  })
  return () => void shown.then((hide) => hide())
}
