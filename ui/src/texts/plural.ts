const rules = new Intl.PluralRules('en')

/** 1 task, 2 tasks. */
export function plural(count: number, one: string, other: string): string {
  return `${count} ${rules.select(count) === 'one' ? one : other}`
}
