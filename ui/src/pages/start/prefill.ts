/** Values that a form begins with: from the address, from a start that failed, from an earlier request. */
import { isObject, parse } from '../../api/json'

export type Schema = Record<string, unknown>
type Values = Record<string, unknown>

const PREFIX = 'p.'
const MASK = '***'
/** Names that would reach into the language instead of into the data. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype'])

/** What a pointer within the schema leads to (`$defs/address`). */
function within(root: Schema, path: string[]): unknown {
  return path.reduce<unknown>((found, step) => (isObject(found) ? found[step] : undefined), root)
}

/** A schema with its reference followed, and one alternative beside null taken. */
function resolved(root: Schema, schema: unknown, depth = 0): Schema | undefined {
  if (!isObject(schema) || depth > 20) return undefined
  if (typeof schema.$ref === 'string' && schema.$ref.startsWith('#/')) {
    const path = schema.$ref.slice(2).split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    return resolved(root, within(root, path), depth + 1)
  }
  const several = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (schema.properties === undefined && schema.type === undefined && Array.isArray(several)) {
    const rest = several.filter((each) => !(isObject(each) && each.type === 'null'))
    if (rest.length === 1) return resolved(root, rest[0], depth + 1)
  }
  return schema
}

function property(root: Schema, schema: Schema | undefined, name: string): Schema | undefined {
  const properties = schema?.properties
  return isObject(properties) && Object.hasOwn(properties, name) ? resolved(root, properties[name]) : undefined
}

/** The schema of what a path of names leads to. */
export function schemaAt(root: Schema, path: string[]): Schema | undefined {
  return path.reduce<Schema | undefined>((schema, name) => property(root, schema, name), resolved(root, root))
}

/** Whether a pointer (`/client/iban`) leads to a field of the form. */
export function hasField(root: Schema, pointer: string): boolean {
  const path = pointer.split('/').slice(1)
  let schema = resolved(root, root)
  for (const step of path) {
    schema = /^\d+$/.test(step) && schema?.items !== undefined ? resolved(root, schema.items) : property(root, schema, step)
    if (schema === undefined) return false
  }
  return path.length > 0
}

/** What is typed in an address as what the field holds; undefined: it is none. */
function converted(text: string, schema: Schema | undefined): unknown {
  const kinds = [schema?.type].flat()
  if (schema === undefined || kinds.includes('string')) return text
  if (kinds.includes('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (kinds.includes('integer') || kinds.includes('number')) {
    try {
      const value = parse(text)
      return typeof value === 'string' || typeof value === 'boolean' || Array.isArray(value) || isObject(value) || value === null ? undefined : value
    } catch {
      return undefined // not a number: the field stays empty
    }
  }
  const choices = schema.enum
  if (kinds[0] === undefined && Array.isArray(choices)) return choices.find((choice) => String(choice) === text)
  return kinds[0] === undefined ? text : undefined
}

/** `?p.client.name=Ana&p.amount=3` as values for the form. */
export function fromAddress(query: string, schema: Schema): Values {
  const values: Values = {}
  for (const [key, text] of new URLSearchParams(query)) {
    if (!key.startsWith(PREFIX) || text === '') continue
    const path = key.slice(PREFIX.length).split('.')
    if (path.some((name) => name === '' || RESERVED.has(name))) continue
    const value = converted(text, schemaAt(schema, path))
    if (value !== undefined) put(values, path, value)
  }
  return values
}

function put(values: Values, path: string[], value: unknown): void {
  const [name, ...rest] = path
  if (name === undefined) return
  if (rest.length === 0) values[name] = value
  else {
    const inner = values[name]
    const found: Values = isObject(inner) ? inner : {}
    values[name] = found
    put(found, rest, value)
  }
}

/** Only what the form asks for, and nothing that is masked: what one may not see cannot be sent again. */
export function cut(values: Values, schema: Schema): Values {
  const found = cutTo(schema, resolved(schema, schema), values)
  return isObject(found) ? found : {}
}

function cutTo(root: Schema, schema: Schema | undefined, value: unknown): unknown {
  if (value === MASK) return undefined
  if (Array.isArray(value)) {
    const items = resolved(root, schema?.items)
    return value.map((item) => cutTo(root, items, item)).filter((item) => item !== undefined)
  }
  if (!isObject(value) || !isObject(schema?.properties)) return value
  const kept: Values = {}
  for (const [name, inner] of Object.entries(value)) {
    const of = property(root, schema, name)
    const found = of === undefined ? undefined : cutTo(root, of, inner)
    if (found !== undefined) kept[name] = found
  }
  return kept
}

/** One over the other, objects into each other. */
export function over(below: Values, above: Values): Values {
  const merged: Values = { ...below }
  for (const [name, value] of Object.entries(above)) {
    const old = merged[name]
    merged[name] = isObject(old) && isObject(value) ? over(old, value) : value
  }
  return merged
}
