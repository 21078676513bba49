import { isObject } from '../api/json'

/** Whether a name, a path or a value in the data has the text that is looked for (in lower case). */
export function holds(name: string, value: unknown, query: string): boolean {
  if (query === '' || name.toLowerCase().includes(query)) return true
  const dot = query.indexOf('.')
  if (dot > 0 && name.toLowerCase() === query.slice(0, dot)) return inside(value, query.slice(dot + 1))
  return inside(value, query)
}

function inside(value: unknown, query: string): boolean {
  if (Array.isArray(value)) return value.some((item, index) => holds(String(index), item, query))
  if (isObject(value)) return Object.entries(value).some(([name, item]) => holds(name, item, query))
  return (typeof value === 'string' ? value : JSON.stringify(value) ?? '').toLowerCase().includes(query)
}
