/** What is typed into a form: how it begins, and what of it is sent. */
import { isObject, isRaw, parse } from '../api/json'
import { isRequired, itemOf, propertiesOf, type Field } from './field'
import { keysOf, under } from './pointer'

/** What stands for a value that is not shown. */
export const MASK = '***'

/** A text that is no value yet: half a number, JSON with a bracket missing. */
export class Unread {
  constructor(readonly text: string) {}
}

/** What a form begins with: what is known already, else what the schema says, and nothing that it does not name. */
export function begin(field: Field, given: unknown): unknown {
  if (given === MASK) return MASK
  if (field.kind === 'object') {
    const known = isObject(given) ? given : isObject(field.schema.default) && given === undefined ? field.schema.default : {}
    return Object.fromEntries(propertiesOf(field).map(([name, inner]) => [name, begin(inner, known[name])]).filter(([, value]) => value !== undefined))
  }
  if (given === null) return field.nullable ? null : undefined
  if (field.kind === 'constant') return field.schema.const
  const value = given ?? field.schema.default
  if (field.kind === 'list' && Array.isArray(value)) {
    const item = itemOf(field)
    return value.map((each: unknown) => begin(item, each))
  }
  return value
}

/** What an added row begins with. */
export function newItem(field: Field): unknown {
  return begin(itemOf(field), undefined)
}

export function valueAt(value: unknown, pointer: string): unknown {
  return keysOf(pointer).reduce<unknown>((found, key) => (Array.isArray(found) ? found[Number(key)] : isObject(found) ? found[key] : undefined), value)
}

/** The same with another value at a place. */
export function withValue(value: unknown, pointer: string, next: unknown): unknown {
  return put(value, keysOf(pointer), next)
}

function put(value: unknown, [key, ...rest]: string[], next: unknown): unknown {
  if (key === undefined) return next
  if (Array.isArray(value)) return value.map((each: unknown, index) => (index === Number(key) ? put(each, rest, next) : each))
  const { [key]: inner, ...others } = isObject(value) ? value : {}
  const changed = put(inner, rest, next)
  return changed === undefined ? others : { ...others, [key]: changed }
}

/** What is sent of what is typed. `before`: what was there when the form began. */
export function clean(field: Field, value: unknown, before: unknown, required = false): unknown {
  if (value instanceof Unread || (value === MASK && before === MASK)) return undefined
  // what cannot be changed is there already, unless it came from the schema
  if (field.readOnly && before !== undefined) return undefined
  switch (field.kind) {
    case 'object':
      return cleanObject(field, value, before, required)
    case 'list':
      return cleanList(field, value, before, required)
    case 'text':
    case 'longText':
    case 'choice':
    case 'number':
    case 'integer':
    case 'boolean':
      return value === undefined || value === null || value === '' ? cleared(field, before, required) : value
    case 'choices':
      if (Array.isArray(value) && value.length === 0 && !Array.isArray(before) && !required) return undefined
      return value ?? undefined
    default:
      return value
  }
}

/** What was there and is gone has to be said: the server keeps what it is not told about. */
function cleared(field: Field, before: unknown, required: boolean): unknown {
  if (before === undefined || before === MASK) return field.nullable && required ? null : undefined
  if (field.nullable) return null
  const { minLength, pattern, format } = field.schema
  const emptyFits = (field.kind === 'text' || field.kind === 'longText') && !required && !minLength && pattern === undefined && format === undefined
  return emptyFits && typeof before === 'string' ? '' : undefined
}

function cleanObject(field: Field, value: unknown, before: unknown, required: boolean): unknown {
  const given = isObject(value) ? value : {}
  const known = isObject(before) ? before : {}
  const found: Record<string, unknown> = {}
  for (const [name, inner] of propertiesOf(field)) {
    const kept = clean(inner, given[name], known[name], isRequired(field, name))
    if (kept !== undefined) found[name] = kept
  }
  if (Object.keys(found).length > 0 || isObject(before)) return found
  if (before === null && field.nullable) return null
  // where something inside is asked for, an object that may be left out is left out as a whole
  return required && !field.nullable ? found : undefined
}

function cleanList(field: Field, value: unknown, before: unknown, required: boolean): unknown {
  if (isMasked(before)) return undefined
  if (!Array.isArray(value)) return required && !field.nullable ? [] : undefined
  if (value.length === 0 && !Array.isArray(before) && !required) return undefined
  const item = itemOf(field)
  // a row that is empty keeps its place, so that what is wrong with it can be said there
  return value.map((each: unknown) => (item.kind === 'object' ? cleanObject(item, each, undefined, true) : (clean(item, each, undefined) ?? null)))
}

/** Whether something inside is not shown. A list is sent as a whole, so such a list cannot be changed. */
export function isMasked(value: unknown): boolean {
  if (value === MASK) return true
  if (Array.isArray(value)) return value.some(isMasked)
  return isObject(value) && Object.values(value).some(isMasked)
}

/** What is checked: what is sent, and what is there and stays; numbers as numbers. */
export function checkable(sent: unknown, before: unknown): unknown {
  if (isRaw(sent)) return Number(sent.rawJSON)
  if (sent === undefined) return before === undefined ? undefined : checkable(before, undefined)
  if (Array.isArray(sent)) return sent.map((each: unknown) => checkable(each, undefined))
  if (!isObject(sent)) return sent
  const known = isObject(before) ? before : {}
  const found: Record<string, unknown> = {}
  for (const name of new Set([...Object.keys(known), ...Object.keys(sent)])) {
    const value = checkable(sent[name], known[name])
    if (value !== undefined) found[name] = value
  }
  return found
}

/** What of the data is still there although nothing is sent for it: masks, and what cannot be changed. */
export function staying(field: Field, value: unknown, before: unknown): unknown {
  if (value === MASK && before === MASK) return MASK
  if (field.readOnly || (field.kind === 'list' && isMasked(before))) return before
  if (field.kind !== 'object' || !isObject(before)) return undefined
  const given = isObject(value) ? value : {}
  const found: Record<string, unknown> = {}
  for (const [name, inner] of propertiesOf(field)) {
    const kept = staying(inner, given[name], before[name])
    if (kept !== undefined) found[name] = kept
  }
  return Object.keys(found).length ? found : undefined
}

/** The places at which something is not finished. */
export function unread(value: unknown, pointer = ''): { pointer: string; value: Unread }[] {
  if (value instanceof Unread) return [{ pointer, value }]
  if (Array.isArray(value)) return value.flatMap((each: unknown, index) => unread(each, under(pointer, index)))
  return isObject(value) ? Object.entries(value).flatMap(([name, each]) => unread(each, under(pointer, name))) : []
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i

/** The number that a text says, with all its digits. */
export function toNumber(text: string): unknown {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  const written = trimmed.replace(/^(-?)0+(?=\d)/, '$1').replace(/^(-?)\./, '$10.').replace(/\.$/, '')
  return NUMBER.test(written) ? parse(written) : new Unread(text)
}

export function numberText(value: unknown): string {
  if (value instanceof Unread) return value.text
  if (isRaw(value)) return value.rawJSON
  return typeof value === 'number' || typeof value === 'string' ? String(value) : ''
}

/** Any JSON that a text says; nothing of an empty one. */
export function toJson(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return parse(text)
  } catch {
    return new Unread(text)
  }
}

export function jsonText(value: unknown): string {
  if (value instanceof Unread) return value.text
  return value === undefined ? '' : JSON.stringify(value, null, 2)
}

/** `2026-11-28T14:05` of here as a moment of the world. */
export function toInstant(local: string): unknown {
  if (local === '') return undefined
  const at = new Date(local)
  return Number.isNaN(at.getTime()) ? new Unread(local) : at.toISOString().replace(/\.000Z$/, 'Z')
}

/** `14:05` as JSON schema writes a time of the day: with seconds, and with a zone, that says nothing here. */
export function toTime(local: string): string | undefined {
  if (local === '') return undefined
  return `${local.length === 5 ? `${local}:00` : local}Z`
}

const two = (part: number) => String(part).padStart(2, '0')

export function localText(value: unknown): string {
  if (value instanceof Unread) return value.text
  const at = new Date(typeof value === 'string' ? value : Number.NaN)
  if (Number.isNaN(at.getTime())) return ''
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`
}

/** One set of data over another: objects are merged, everything else is replaced. */
export function overlay(below: Record<string, unknown>, above: Record<string, unknown>): Record<string, unknown> {
  const found = { ...below }
  for (const [name, value] of Object.entries(above)) {
    const old = found[name]
    found[name] = isObject(old) && isObject(value) ? overlay(old, value) : value
  }
  return found
}

