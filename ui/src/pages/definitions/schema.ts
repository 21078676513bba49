/** A JSON schema as a list of fields. */
import { isObject } from '../../api/json'

export type Field = {
  name: string
  /** Of JSON; more than one where any of them will do. */
  types: string[]
  /** Of what is in a list. */
  of: string[]
  choices: unknown[]
  needed: boolean
  sensitive: boolean
  description: string
  fields: Field[]
}

/** So deep a schema that refers to itself is followed. */
const DEEPEST = 8

export function fieldsOf(schema: unknown, depth = 0): Field[] {
  if (!isObject(schema) || !isObject(schema.properties) || depth >= DEEPEST) return []
  const needed = new Set(Array.isArray(schema.required) ? schema.required : [])
  return Object.entries(schema.properties).map(([name, of]) => field(name, of, needed.has(name), depth))
}

function field(name: string, schema: unknown, needed: boolean, depth: number): Field {
  const given = isObject(schema) ? schema : {}
  const items = isObject(given.items) ? given.items : {}
  return {
    name,
    types: typesOf(given),
    of: typesOf(items),
    choices: Array.isArray(given.enum) ? given.enum : [],
    needed,
    sensitive: given.sensitive === true,
    description: [given.title, given.description].filter((text) => typeof text === 'string' && text !== '').join(' – '),
    fields: fieldsOf(isObject(given.properties) ? given : items, depth + 1),
  }
}

function typesOf(schema: Record<string, unknown>): string[] {
  if (typeof schema.type === 'string') return [schema.type]
  if (Array.isArray(schema.type)) return schema.type.filter((type) => typeof type === 'string')
  return isObject(schema.properties) ? ['object'] : []
}
