/**
 * JSON in which numbers keep their digits. The engine counts in decimals; what a double cannot hold stays as it was written
 * (`JSON.rawJSON`), is shown as it was written, and is sent back as it was written.
 */

export type Raw = { readonly rawJSON: string }

type Modern = {
  rawJSON?: (text: string) => Raw
  isRawJSON?: (value: unknown) => boolean
  parse: (text: string, reviver: (key: string, value: unknown, context?: { source?: string }) => unknown) => unknown
}

const json = JSON as unknown as Modern

/** Digits that every double keeps. */
const SAFE_DIGITS = 15

export function parse(text: string): unknown {
  if (!json.rawJSON) return JSON.parse(text)
  return json.parse(text, (_key, value, context) =>
    typeof value === 'number' && context?.source !== undefined && !fits(context.source, value)
      ? json.rawJSON!(context.source)
      : value,
  )
}

function fits(source: string, value: number): boolean {
  return source.length <= SAFE_DIGITS || String(value) === source || digits(source) <= SAFE_DIGITS
}

/** How many digits say something. */
function digits(source: string): number {
  return source.replace(/e.*$/i, '').replace(/[-.]/g, '').replace(/^0+|0+$/g, '').length
}

export function isRaw(value: unknown): value is Raw {
  return json.isRawJSON?.(value) ?? false
}

/** An object of JSON: nothing else is taken apart. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRaw(value)
}

/** Whether two values of JSON are the same. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isRaw(a) || isRaw(b)) return JSON.stringify(a) === JSON.stringify(b)
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, index) => same(each, b[index]))
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a)
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]))
  }
  return false
}

/** The JSON merge patch (RFC 7396) that makes `after` of `before`. */
export function mergePatch(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  for (const key of Object.keys(before)) if (!(key in after)) patch[key] = null
  for (const [key, value] of Object.entries(after)) {
    const old = before[key]
    if (key in before && same(old, value)) continue
    patch[key] = isObject(old) && isObject(value) ? mergePatch(old, value) : value
  }
  return patch
}
