/** How tasks read: urgency, priority, what became of them. */
import { t } from '../../texts'

const SOON = 24 * 3_600_000

export type Urgency = 'overdue' | 'soon' | 'later'

export function urgency(due: string, now: number): Urgency {
  const left = new Date(due).getTime() - now
  return left < 0 ? 'overdue' : left < SOON ? 'soon' : 'later'
}

export function priority(value: number): { word: string; level: 'high' | 'normal' | 'low' } {
  if (value >= 70) return { word: t.tasks.high, level: 'high' }
  return value <= 30 ? { word: t.tasks.low, level: 'low' } : { word: t.tasks.normal, level: 'normal' }
}

/** What was heard of a task last. */
export type Fate = { change: string; assignee: string | null }

/** Why a task is not in the list any more. */
export function goneWords(fate: Fate | undefined, me: string): string {
  if (fate === undefined) return t.tasks.goneRow
  if (fate.change === 'completed') return t.tasks.doneRow
  if (fate.change === 'cancelled') return t.tasks.cancelledRow
  if (fate.assignee === null) return t.tasks.releasedRow
  return fate.assignee === me ? t.tasks.goneRow : t.tasks.takenBy(fate.assignee)
}

/** A count that was made up to a limit. */
export function counted(count: { count: number; more: boolean } | undefined): string {
  return count === undefined ? '' : count.more ? `${count.count}+` : String(count.count)
}
