/** The same texts in brackets, at any depth: functions give bracketed texts too. */
export function pseudo<T>(texts: T): T {
  if (typeof texts === 'string') return `⟦${texts}⟧` as T
  if (typeof texts === 'function') return ((...given: unknown[]) => pseudo((texts as (...given: unknown[]) => unknown)(...given))) as T
  if (Array.isArray(texts)) return texts.map(pseudo) as T
  if (typeof texts === 'object' && texts !== null) return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, pseudo(text)])) as T
  return texts
}
