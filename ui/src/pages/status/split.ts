/** A border between two parts that can be dragged, and moved by keys. */
import { useRef, useState, type CSSProperties, type KeyboardEvent, type PointerEvent } from 'react'

const KEY = 'procession.split'
const STEP = 4
const [LEAST, MOST] = [20, 80]

const within = (share: number) => Math.min(MOST, Math.max(LEAST, Math.round(share)))

export function useSplit() {
  const area = useRef<HTMLDivElement>(null)
  const [share, setShare] = useState(() => within(Number(localStorage.getItem(KEY)) || 52))
  const put = (next: number) => {
    setShare(within(next))
    localStorage.setItem(KEY, String(within(next)))
  }
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    const bounds = area.current?.getBoundingClientRect()
    if (bounds && event.currentTarget.hasPointerCapture(event.pointerId)) put(((event.clientY - bounds.top) / bounds.height) * 100)
  }
  return {
    area,
    style: { '--share': `${share}%` } as CSSProperties,
    grip: {
      role: 'separator',
      tabIndex: 0,
      'aria-orientation': 'horizontal',
      'aria-valuenow': share,
      'aria-valuemin': LEAST,
      'aria-valuemax': MOST,
      onPointerDown: (event: PointerEvent<HTMLDivElement>) => event.currentTarget.setPointerCapture(event.pointerId),
      onPointerMove: drag,
      onKeyDown: (event: KeyboardEvent) => {
        if (event.key === 'ArrowUp') put(share - STEP)
        else if (event.key === 'ArrowDown') put(share + STEP)
        else return
        event.preventDefault()
      },
    } as const,
  }
}
