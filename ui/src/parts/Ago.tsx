/** A moment: how long ago, or as a date; exactly in the tooltip. */
import { Text, type TextProps } from '@mantine/core'
import { useSyncExternalStore } from 'react'
import { Hint } from './Hint'
import { fromNow, moment, precise, span } from '../texts/format'

const TICK = 15_000
const watchers = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of watchers) each()
  }, TICK)
  return () => {
    watchers.delete(watcher)
    if (watchers.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

/** The time, now and then. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => now)
}

type Props = TextProps & { at: string; as?: 'moment' | 'age' | 'away' }

export function Ago({ at, as = 'moment', ...props }: Props) {
  const current = Math.max(useNow(), as === 'age' ? new Date(at).getTime() : 0)
  const shown = as === 'age' ? span(current - new Date(at).getTime()) : as === 'away' ? fromNow(at, current) : moment(at, current)
  return (
    <Hint label={precise(at)} delay={400}>
      <Text component="time" dateTime={at} inherit span className="tabular" {...props}>
        {shown}
      </Text>
    </Hint>
  )
}
