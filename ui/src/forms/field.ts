/** What a JSON schema asks for, as a field of a form: which control, with which words. */
import { isObject } from '../api/json'
import { human } from '../texts/format'
import { keysOf } from './pointer'

export type Schema = Record<string, unknown>

export type Option = { value: unknown; label: string }

export type Kind = 'text' | 'longText' | 'number' | 'integer' | 'boolean' | 'confirm' | 'choice' | 'choices' | 'object' | 'list' | 'constant' | 'json'

export type InputType = 'text' | 'email' | 'url' | 'date' | 'datetime-local' | 'time'

/** Where a schema stands: the whole of it, and the references that led here. */
type Context = { root: Schema; seen: readonly string[] }

export type Field = Context & {
  kind: Kind
  /** Without references. */
  schema: Schema
  title: string
  description: string
  placeholder: string
  nullable: boolean
  readOnly: boolean
  input: InputType
  options: Option[]
}

/** Longer texts have more than one line. */
const LONG = 200

const INPUTS: Record<string, InputType> = { email: 'email', uri: 'url', url: 'url', date: 'date', 'date-time': 'datetime-local', time: 'time' }

export function rootField(schema: Schema): Field {
  return fieldOf(schema, { root: schema, seen: [] }, '')
}

export function fieldOf(given: unknown, context: Context, name: string): Field {
  const { schema: found, seen, circular } = resolve(given, context)
  const { schema, nullable } = withoutNull(found, { root: context.root, seen })
  const options = optionsOf(schema)
  return {
    root: context.root,
    seen,
    kind: circular ? 'json' : kindOf(schema, options, { root: context.root, seen }),
    schema,
    title: text(schema.title) || human(name),
    description: text(schema.description),
    placeholder: Array.isArray(schema.examples) && schema.examples.length ? words(schema.examples[0]) : '',
    nullable,
    readOnly: schema.readOnly === true,
    input: INPUTS[text(schema.format)] ?? 'text',
    options: options.length ? options : optionsOf(resolve(schema.items, context).schema),
  }
}

export function propertiesOf(field: Field): [string, Field][] {
  return Object.entries(isObject(field.schema.properties) ? field.schema.properties : {}).map(([name, schema]) => [name, fieldOf(schema, field, name)])
}

export function itemOf(field: Field): Field {
  return fieldOf(field.schema.items, field, '')
}

export function isRequired(field: Field, name: string): boolean {
  return Array.isArray(field.schema.required) && field.schema.required.includes(name)
}

type Resolved = { schema: Schema; seen: readonly string[]; circular: boolean }

/** Follow references and an `allOf` of one; what stands beside them wins. */
function resolve(given: unknown, { root, seen }: Context): Resolved {
  let schema: Schema = isObject(given) ? given : {}
  let path = seen
  for (;;) {
    const { $ref, allOf, ...beside } = schema
    if (typeof $ref === 'string') {
      if (path.includes($ref)) return { schema: beside, seen: path, circular: true }
      const target = targetOf($ref, root)
      if (target === undefined) return { schema: beside, seen: path, circular: true }
      path = [...path, $ref]
      schema = { ...target, ...(allOf === undefined ? {} : { allOf }), ...beside }
    } else if (Array.isArray(allOf) && allOf.length === 1 && isObject(allOf[0])) schema = { ...allOf[0], ...beside }
    else return { schema, seen: path, circular: false }
  }
}

function targetOf(reference: string, root: Schema): Schema | undefined {
  if (!reference.startsWith('#')) return undefined
  let found: unknown = root
  for (const key of keysOf(reference.slice(1))) {
    if (Array.isArray(found)) found = found[Number(key)]
    else found = isObject(found) ? found[key] : undefined
  }
  return isObject(found) ? found : undefined
}

function withoutNull(schema: Schema, context: Context): { schema: Schema; nullable: boolean } {
  const { type } = schema
  if (Array.isArray(type) && type.includes('null')) {
    const others = type.filter((each) => each !== 'null')
    const { enum: values, ...rest } = schema
    return { schema: { ...rest, ...(Array.isArray(values) ? { enum: values.filter((value) => value !== null) } : {}), type: others.length === 1 ? others[0] : others }, nullable: true }
  }
  for (const word of ['anyOf', 'oneOf'] as const) {
    const branches = schema[word]
    if (!Array.isArray(branches)) continue
    const others = branches.filter((branch) => !isObject(branch) || (branch.type !== 'null' && branch.const !== null))
    if (others.length === branches.length) continue
    const { [word]: _, ...beside } = schema
    if (others.length === 1) return { schema: { ...resolve(others[0], context).schema, ...beside }, nullable: true }
    return { schema: { ...beside, [word]: others }, nullable: true }
  }
  if (Array.isArray(schema.enum) && schema.enum.includes(null)) return { schema: { ...schema, enum: schema.enum.filter((value) => value !== null) }, nullable: true }
  return { schema, nullable: false }
}

function kindOf(schema: Schema, options: Option[], context: Context): Kind {
  if (schema.const === true) return 'confirm'
  if ('const' in schema) return 'constant'
  if (options.length) return 'choice'
  const type = schema.type ?? (isObject(schema.properties) ? 'object' : isObject(schema.items) ? 'array' : undefined)
  switch (type) {
    case 'string':
      return schema['x-ui'] === 'textarea' || (typeof schema.maxLength === 'number' && schema.maxLength > LONG && schema.format === undefined) ? 'longText' : 'text'
    case 'number':
      return 'number'
    case 'integer':
      return 'integer'
    case 'boolean':
      return 'boolean'
    case 'object':
      return isObject(schema.properties) && Object.keys(schema.properties).length > 0 ? 'object' : 'json'
    case 'array':
      return listKind(schema, context)
    default:
      return 'json'
  }
}

function listKind(schema: Schema, context: Context): Kind {
  if (!isObject(schema.items) || schema.prefixItems !== undefined) return 'json'
  const item = fieldOf(schema.items, context, '')
  if (item.kind === 'choice' && schema.uniqueItems === true) return 'choices'
  return item.kind === 'json' || item.kind === 'list' || item.kind === 'choices' || item.kind === 'constant' ? 'json' : 'list'
}

function optionsOf(schema: Schema): Option[] {
  const titled = [schema.oneOf, schema.anyOf].find((branches) => Array.isArray(branches) && branches.length > 0 && branches.every((branch) => isObject(branch) && 'const' in branch))
  if (Array.isArray(titled)) return titled.map((branch: Schema) => ({ value: branch.const, label: text(branch.title) || labelOf(branch.const) }))
  if (!Array.isArray(schema.enum)) return []
  const labels = schema['x-ui-labels']
  return schema.enum.map((value, index) => {
    const label = Array.isArray(labels) ? labels[index] : isObject(labels) ? labels[words(value)] : undefined
    return { value, label: text(label) || labelOf(value) }
  })
}

/** A name in words; what is written with care (EUR, a sentence) as it is. */
function labelOf(value: unknown): string {
  return typeof value === 'string' && /^[a-z][a-z\d]*([_-][a-z\d]+|[A-Z][a-z\d]+)*$/.test(value) ? human(value) : words(value)
}

/** A value of JSON as people read it. */
export function words(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
