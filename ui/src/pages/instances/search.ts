/** What is looked for among instances: as it stands in the address, and as the server is asked for it. */
import type { InstanceSearch } from '../../api/queries'

export type Search = {
  q?: string
  definition?: string
  version?: number
  status?: string
  node?: string
  by?: string
  from?: string
  to?: string
  parent?: string
}

/** Stands among the states in the address, though it is none. */
export const STUCK = 'exceptions'
export const STATES = ['STARTED', 'ON_HOLD', 'FINISHED', 'FAILED', 'TERMINATED', 'DISMISSED', 'EXPIRED', 'ABORTED', 'CREATED'] as const

const KNOWN = new Set<string>([STUCK, ...STATES])

/** The states that are chosen; what is none of them is left alone. */
export function states(search: Search): string[] {
  return (search.status ?? '').split(',').filter((state) => KNOWN.has(state))
}

export function withStates(chosen: string[]): string | undefined {
  return chosen.length ? chosen.join(',') : undefined
}

/** The first moment of a day as the calendar on the wall has it, `later` days after. */
export function midnight(day: string | undefined, later = 0): string | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? '')
  if (parts === null) return undefined
  const [year, month, date] = parts.slice(1).map(Number)
  const at = new Date(year!, month! - 1, date! + later)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

export function asked(search: Search): InstanceSearch {
  const chosen = states(search)
  return {
    q: search.q,
    definition: search.definition,
    version: search.version,
    status: withStates(chosen.filter((state) => state !== STUCK)),
    exceptions: chosen.includes(STUCK) || undefined,
    node: search.definition === undefined ? undefined : search.node,
    startedBy: search.by,
    startedAfter: midnight(search.from),
    startedBefore: midnight(search.to, 1),
    parent: search.parent,
  }
}

/** What people call an instance: its business key, else the end of its id. */
export function reference(instance: { businessKey: string | null; id: string }): { key: string } | { end: string } {
  return instance.businessKey ? { key: instance.businessKey } : { end: instance.id.slice(-6) }
}
