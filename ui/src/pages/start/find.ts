/** Looking through what can be started. */
import type { DefinitionView as Definition, StartView as Start } from '../../api/types'
import { isObject } from '../../api/json'

/** With all of the words in its name or description; pinned ones first, else by name. */
export function offered(definitions: readonly Definition[], q: string, pinned: ReadonlySet<string>): Definition[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  return definitions
    .filter((each) => each.allowed.start === true)
    .filter((each) => {
      const text = `${each.title} ${each.description ?? ''}`.toLowerCase()
      return words.every((word) => text.includes(word))
    })
    .sort((a, b) => Number(pinned.has(b.name)) - Number(pinned.has(a.name)) || a.title.localeCompare(b.title))
}

/** The one way to begin that values fit: by its condition, else since only it has all that it needs. */
export function fitting(starts: readonly Start[], values: Record<string, unknown>): Start | undefined {
  if (typeof values.startCondition === 'string') return starts.find((start) => start.condition === values.startCondition)
  const ready = starts.filter((start) => start.parameters.some((each) => each.mandatory) && start.parameters.every((each) => !each.mandatory || has(values, each.name)))
  return ready.length === 1 ? ready[0] : undefined
}

function has(values: Record<string, unknown>, path: string): boolean {
  const found = path.split('.').reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), values)
  return found !== undefined && found !== null
}
