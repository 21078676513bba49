import type { DefinitionProblem, FieldError, Problem as Document } from './types'

/** Why a request was refused (RFC 9457), or that it could not be made at all (status 0). */
export class Problem extends Error {
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly errorKey: string
  readonly requestId: string | null
  readonly errors: FieldError[]
  readonly missing: string[]
  readonly problems: DefinitionProblem[]
  readonly retryAfter: number | null

  constructor(document: Partial<Document> & { status: number; title: string }) {
    super(document.detail || document.title)
    this.name = 'Problem'
    this.status = document.status
    this.title = document.title
    this.detail = document.detail ?? ''
    this.errorKey = document.errorKey ?? ''
    this.requestId = document.requestId ?? null
    this.errors = document.errors ?? []
    this.missing = document.missing ?? []
    this.problems = document.problems ?? []
    this.retryAfter = document.retryAfter ?? null
  }

  /** The server was not reached, or could not do it now: the same request may work later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504 || this.status === 429
  }
}

/** What went wrong, as a problem. What is no refusal of the server is a fault of ours, and says so. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem({ status: -1, title: 'Error', detail: error instanceof Error ? error.message : String(error) })
}
