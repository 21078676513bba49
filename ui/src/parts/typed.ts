/** A text that is looked for once one pauses; it follows the address where that changes otherwise: a link, the way back. */
import { useDebouncedCallback } from '@mantine/hooks'
import { useState } from 'react'

/** Milliseconds without a letter after which what was typed is told. */
const PAUSE = 250

/** The text as typed, and how to change it; `tell` gets it trimmed, `undefined` where nothing is left. */
export function useTyped(value: string, tell: (value: string | undefined) => void): [text: string, type: (text: string) => void] {
  const [text, setText] = useState(value)
  const [seen, setSeen] = useState(value)
  if (seen !== value) {
    setSeen(value)
    if (text.trim() !== value.trim()) setText(value)
  }
  const later = useDebouncedCallback((next: string) => tell(next.trim() || undefined), PAUSE)
  const type = (next: string) => {
    setText(next)
    later(next)
  }
  return [text, type]
}
