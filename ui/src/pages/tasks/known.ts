/** The data of a case, for people who only read them. */
import { isObject, isRaw } from '../../api/json'
import { MASK } from '../../forms/values'
import { human } from '../../texts/format'

/** A value of `null` is there and not shown. */
export type Line = { name: string; value: unknown }

/** The data of a case as a few lines: what is simple, and one level of what is not. */
export function lines(data: Record<string, unknown>, without: ReadonlySet<string>): Line[] {
  const found: Line[] = []
  const add = (name: string, value: unknown) => {
    if (value === null || value === '' || value === undefined) return
    if (value === MASK) found.push({ name, value: null })
    else if (isSimple(value)) found.push({ name, value })
    else if (Array.isArray(value) && value.length > 0 && value.every(isSimple)) found.push({ name, value: value.map(String).join(', ') })
  }
  for (const [name, value] of Object.entries(data)) {
    if (without.has(name)) continue
    if (isObject(value)) for (const [inner, each] of Object.entries(value)) add(`${human(name)} · ${human(inner).toLowerCase()}`, each)
    else add(human(name), value)
  }
  return found
}

function isSimple(value: unknown): boolean {
  return typeof value !== 'object' || isRaw(value)
}
