/** Holding values against their schema, without `eval`, and saying in plain words what does not fit. */
import type { Schema as ValidatorSchema } from '@cfworker/json-schema'
import { isObject } from '../api/json'
import { t } from '../texts'
import { fieldOf, words, type Field, type Schema } from './field'
import { fromFragment, keysOf, under } from './pointer'
import { MASK, unread, valueAt } from './values'

/** Pointers, and what is wrong there: the first thing only. */
export type Mistakes = Map<string, string>

type Unit = { keyword: string; keywordLocation: string; instanceLocation: string; error: string }

export type Checker = (value: unknown) => Unit[]

/** The validator is loaded with the first form. */
export async function checkerOf(schema: Schema): Promise<Checker> {
  const { Validator } = await import('@cfworker/json-schema')
  const validator = new Validator(schema as ValidatorSchema, '2020-12', false)
  return (value) => validator.validate(value).errors
}

/** Errors that only say that something inside, or one of several, does not fit. */
const AROUND = new Set(['$ref', '$recursiveRef', 'properties', 'items', 'prefixItems', 'allOf', 'anyOf', 'oneOf', 'if', 'dependentSchemas', 'patternProperties', 'unevaluatedProperties', 'additionalProperties', 'contains', 'false'])

/** What is wrong with values that were typed. `checked`: as `checkable` makes them. */
export function mistakes(field: Field, check: Checker, checked: unknown, typed: unknown): Mistakes {
  const found: Mistakes = new Map()
  for (const { pointer } of unread(typed)) found.set(pointer, unreadMessage(fieldAt(field, pointer)))
  const around: [string, Unit][] = []
  const unseen: string[] = []
  for (const unit of check(checked)) {
    const pointer = unit.keyword === 'required' ? under(fromFragment(unit.instanceLocation), missing(unit)) : fromFragment(unit.instanceLocation)
    if (found.has(pointer) || isNullBranch(field.root, unit)) continue
    if (valueAt(checked, pointer) === MASK) {
      unseen.push(pointer)
      continue
    }
    if (AROUND.has(unit.keyword)) around.push([pointer, unit])
    else found.set(pointer, message(field, unit, pointer, checked))
  }
  const places = [...found.keys(), ...unseen]
  for (const [pointer, unit] of around)
    // what is inside says more
    if (!places.some((place) => place === pointer || place.startsWith(`${pointer}/`)) && !found.has(pointer)) found.set(pointer, unit.keyword === 'false' ? t.forms.messages.additional : t.forms.messages.other)
  return new Map([...found].sort(([a], [b]) => compare(field, keysOf(a), keysOf(b))))
}

/** The order in which people read the form. */
function compare(field: Field, [a, ...restOfA]: string[], [b, ...restOfB]: string[]): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  if (a === b) return compare(fieldAt(field, under('', a)), restOfA, restOfB)
  if (!isObject(field.schema.properties)) return Number(a) - Number(b)
  const names = Object.keys(field.schema.properties)
  return names.indexOf(a) - names.indexOf(b)
}

function missing(unit: Unit): string {
  return /"(.*)"\.$/s.exec(unit.error)?.[1] ?? ''
}

/** Whether a value was only held against "or nothing". */
function isNullBranch(root: Schema, unit: Unit): boolean {
  return unit.keyword === 'type' && /\/(anyOf|oneOf)\/\d+/.test(unit.keywordLocation) && keywordValue(root, unit.keywordLocation) === 'null'
}

/** The value of a keyword in the schema: the location goes through references. */
export function keywordValue(root: Schema, location: string): unknown {
  let at: unknown = root
  for (const key of keysOf(fromFragment(location))) {
    if (key === '$ref' && isObject(at) && typeof at.$ref === 'string') at = at.$ref.startsWith('#') ? valueAt(root, at.$ref.slice(1)) : undefined
    else at = Array.isArray(at) ? at[Number(key)] : isObject(at) ? at[key] : undefined
  }
  return at
}

/** The field at a place. */
export function fieldAt(field: Field, pointer: string): Field {
  return keysOf(pointer).reduce((at, key) => {
    if (at.kind === 'list' || at.kind === 'choices') return fieldOf(at.schema.items, at, '')
    return fieldOf(isObject(at.schema.properties) ? at.schema.properties[key] : undefined, at, key)
  }, field)
}

function unreadMessage(field: Field): string {
  const { type, json } = t.forms.messages
  return field.kind === 'number' || field.kind === 'integer' ? (type[field.kind] ?? json) : field.kind === 'text' ? (t.forms.messages.format[String(field.schema.format)] ?? json) : json
}

function message(root: Field, unit: Unit, pointer: string, checked: unknown): string {
  const say = t.forms.messages
  const field = fieldAt(root, pointer)
  const value = keywordValue(root.root, unit.keywordLocation)
  switch (unit.keyword) {
    case 'required':
      return lacking(field)
    case 'type': {
      if (valueAt(checked, pointer) === null) return lacking(field)
      const wanted = (Array.isArray(value) ? value : [value]).find((each) => each !== 'null')
      return say.type[String(wanted)] ?? say.other
    }
    case 'minLength':
      return value === 1 ? say.requiredShort : say.minLength(Number(value))
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
      return say[unit.keyword](Number(value))
    case 'pattern':
      return say.pattern(field.placeholder || undefined)
    case 'format':
      return say.format[String(value)] ?? say.formatOther(String(value))
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
    case 'multipleOf':
      return say[unit.keyword](words(value))
    case 'enum':
      return say.enum
    case 'const':
      return value === true ? say.tick : say.const(words(value))
    case 'uniqueItems':
      return say.uniqueItems
    default:
      return say.other
  }
}

function lacking(field: Field): string {
  const say = t.forms.messages
  if (field.kind === 'confirm') return say.tick
  if (field.kind === 'boolean') return say.type.boolean ?? say.choose
  return field.kind === 'choice' || field.kind === 'choices' ? say.choose : say.requiredShort
}
