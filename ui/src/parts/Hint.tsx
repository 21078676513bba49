/** Words beside something, while it is pointed at or has the focus. Our own: what others need for theirs is a tenth of the first page. */
import { cloneElement, useEffect, useEffectEvent, useId, useState, type FocusEvent, type PointerEvent, type ReactElement } from 'react'
import { createPortal } from 'react-dom'

type Handlers = {
  onPointerEnter?: (event: PointerEvent<HTMLElement>) => void
  onPointerLeave?: (event: PointerEvent<HTMLElement>) => void
  onFocus?: (event: FocusEvent<HTMLElement>) => void
  onBlur?: (event: FocusEvent<HTMLElement>) => void
  'aria-describedby'?: string
  'aria-label'?: string
}

/** Milliseconds in which the pointer gets from the thing to the words. */
const LINGER = 120
const GAP = 6

export function Hint({ label, delay = 0, children }: { label: string; delay?: number; children: ReactElement<Handlers> }) {
  const [at, setAt] = useState<HTMLElement | null>(null)
  const id = useId()
  const [soon] = useState(oneLater)
  const later = (next: HTMLElement | null, wait: number) => soon.run(() => setAt(next), wait)
  const leave = (event: PointerEvent) => {
    if (event.pointerType !== 'touch') later(null, LINGER) // a finger is lifted at once: the words stay until the next touch
  }
  useEffect(() => () => soon.stop(), [soon])

  const close = useEffectEvent(() => later(null, 0))
  useEffect(() => {
    if (at === null) return
    const listener = (event: Event) => {
      if (event instanceof KeyboardEvent ? event.key === 'Escape' : !(event.target instanceof Node && at.contains(event.target))) close()
    }
    for (const kind of ['keydown', 'pointerdown', 'scroll']) addEventListener(kind, listener, true)
    return () => {
      for (const kind of ['keydown', 'pointerdown', 'scroll']) removeEventListener(kind, listener, true)
    }
  }, [at])

  const { 'aria-describedby': described, 'aria-label': named } = children.props
  return (
    <>
      {cloneElement(children, {
        onPointerEnter: (event) => later(event.currentTarget, delay),
        onPointerLeave: leave,
        onFocus: (event) => {
          if (event.currentTarget.matches(':focus-visible')) later(event.currentTarget, 0)
        },
        onBlur: () => later(null, 0),
        'aria-describedby': described ?? (at !== null && named !== label ? id : undefined),
      })}
      {at?.isConnected &&
        createPortal(
          <div role="tooltip" id={id} className="hint" ref={(hint) => { if (hint) place(hint, at) }} onPointerEnter={() => soon.stop()} onPointerLeave={leave}>
            {label}
          </div>,
          document.body,
        )}
    </>
  )
}

/** The last of what is to be done in a moment. */
function oneLater() {
  let timer: ReturnType<typeof setTimeout> | undefined
  const stop = () => clearTimeout(timer)
  return {
    run: (act: () => void, wait: number) => {
      stop()
      timer = setTimeout(act, wait)
    },
    stop,
  }
}

/** Above it, or below where there is no room; never outside of the window. */
function place(hint: HTMLElement, at: HTMLElement): void {
  const { left, top, bottom, width } = at.getBoundingClientRect()
  const room = document.documentElement.clientWidth - hint.offsetWidth - GAP
  hint.style.left = `${Math.max(GAP, Math.min(left + width / 2 - hint.offsetWidth / 2, room))}px`
  hint.style.top = `${top > hint.offsetHeight + 2 * GAP ? top - hint.offsetHeight - GAP : bottom + GAP}px`
}
