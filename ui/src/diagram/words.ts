import { t } from '../texts'
import { human } from '../texts/format'

/** What a kind of element is called. */
export function typeInWords(type: string): string {
  return t.diagram.types[type] ?? human(type)
}

/** What a step is called: its name, or else what kind it is. */
export function stepName(step: { name: string; type: string }): string {
  return step.name || typeInWords(step.type)
}
