/** Keys that work everywhere, and the list of all keys. They never fire while somebody types. */
import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useEffectEvent, useRef, useState } from 'react'
import type { Entry } from './nav'
import { openPalette } from './offers'

const KeyList = lazy(() => import('./KeyList'))

/** Milliseconds between `g` and the letter after it. */
const PATIENCE = 1_500

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select, [role=textbox], [role=slider], [role=application], [role=application] *'))
}

export function Keys({ entries }: { entries: Entry[] }) {
  const [help, setHelp] = useState(false)
  const navigate = useNavigate()
  const going = useRef(0)

  const press = useEffectEvent((event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      openPalette()
      return
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('[role=dialog]') !== null) return
    if (event.key === '?') setHelp(true)
    else if (event.key === '/') {
      event.preventDefault()
      openPalette()
    } else if (event.key === 'g') going.current = event.timeStamp
    else if (event.timeStamp - going.current < PATIENCE) {
      going.current = 0
      const entry = entries.find((each) => each.key === event.key)
      if (entry) void navigate({ to: entry.to })
    }
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => press(event)
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [])

  return <Suspense>{help && <KeyList entries={entries} close={() => setHelp(false)} />}</Suspense>
}
