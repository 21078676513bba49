/** Which of the versions that an import answers with are new. */
type Version = { dateDeployed: string }

/** Those of one import are made at one moment, so of an answer that says that something is new it is the newest, and what is as old. */
export function freshOf<T extends Version>(versions: readonly T[], created: boolean): Set<T> {
  if (!created) return new Set()
  const times = versions.map((version) => Date.parse(version.dateDeployed))
  const newest = Math.max(...times)
  return new Set(versions.filter((_, index) => newest - times[index]! < MOMENT))
}

/** Milliseconds. */
const MOMENT = 1_000
