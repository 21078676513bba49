/** Versions of processes, put together by process. */

type Version = { name: string; version: number; title: string; state: string; dateDeployed: string }

export type Group<T> = { name: string; title: string; published: T | undefined; drafts: T[]; newest: T; count: number }

/** Each process once, in the order in which they come; `versions` are newest first. */
export function groups<T extends Version>(versions: readonly T[]): Group<T>[] {
  const found = new Map<string, T[]>()
  for (const version of versions) found.set(version.name, [...(found.get(version.name) ?? []), version])
  return [...found].map(([name, all]) => {
    const newest = all[0]!
    const published = all.find((version) => version.state === 'published')
    // a draft older than what is published was passed by
    const drafts = all.filter((version) => version.state === 'draft' && version.version > (published?.version ?? 0))
    return { name, title: (published ?? newest).title || name, published, drafts, newest, count: all.length }
  })
}

export function matching<T>(found: Group<T>[], text: string): Group<T>[] {
  const words = text.trim().toLowerCase()
  return words === '' ? found : found.filter((group) => group.title.toLowerCase().includes(words) || group.name.toLowerCase().includes(words))
}

/** What is shown of a process where no version is asked for: the published one, else the newest. */
export function standard<T extends Version>(versions: readonly T[]): T | undefined {
  return versions.find((version) => version.state === 'published') ?? versions[0]
}
