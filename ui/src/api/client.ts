/** One request to the server: the session's cookie goes with it, problems are thrown, and a session that is over is asked for again. */
import { parse } from './json'
import { Problem } from './problem'

export type Query = Record<string, string | number | boolean | null | undefined>

type Options = {
  query?: Query
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
}

type Session = {
  csrf: () => string | undefined
  /** Resolves once the same person is logged in again; rejects if somebody else is. */
  again: () => Promise<void>
  /** The session has another CSRF token by now. */
  renew: () => Promise<void>
}

let session: Session | null = null

/** Who answers for the session; said once, when the application begins. */
export function answerForSession(given: Session): void {
  session = given
}

const SAFE = new Set(['GET', 'HEAD'])

export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  for (let renewed = false; ; renewed = true) {
    const answer = await send(method, path, options)
    if (answer.ok) return await read<T>(answer)
    const problem = await problemOf(answer)
    if (problem.status === 401 && session !== null) await session.again()
    else if (problem.errorKey === 'error.csrf' && !renewed && session !== null) await session.renew()
    else throw problem
  }
}

/** The same without asking for the session again: for logging in itself. */
export async function callOnce<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const answer = await send(method, path, options)
  if (!answer.ok) throw await problemOf(answer)
  return await read<T>(answer)
}

async function send(method: string, path: string, { query, body, headers, signal }: Options): Promise<Response> {
  const given: Record<string, string> = { accept: 'application/json', ...headers }
  const csrf = session?.csrf()
  if (!SAFE.has(method) && csrf !== undefined) given['x-csrf-token'] = csrf
  let content: BodyInit | undefined
  if (body instanceof FormData || body instanceof Blob) content = body
  else if (body !== undefined) {
    content = JSON.stringify(body)
    given['content-type'] = 'application/json'
  }
  try {
    return await fetch(path + queryString(query), { method, headers: given, body: content, signal, cache: 'no-store' })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Problem({ status: 0, title: 'Not reached' })
  }
}

async function read<T>(answer: Response): Promise<T> {
  const text = await answer.text()
  const media = answer.headers.get('content-type') ?? ''
  if (!/[/+]json\b/.test(media)) return text as T
  return parse(text) as T
}

async function problemOf(answer: Response): Promise<Problem> {
  const text = await answer.text()
  if ((answer.headers.get('content-type') ?? '').startsWith('application/problem+json'))
    return new Problem(JSON.parse(text))
  return new Problem({ status: answer.status, title: answer.statusText || String(answer.status) })
}

export function queryString(query: Query = {}): string {
  const given = Object.entries(query).filter((pair): pair is [string, string | number | boolean] => pair[1] !== null && pair[1] !== undefined && pair[1] !== '')
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : ''
}

/** A path with its segments encoded: path`/api/tasks/${id}`. */
export function path(texts: TemplateStringsArray, ...segments: (string | number)[]): string {
  return texts.reduce((before, text, index) => before + encodeURIComponent(String(segments[index - 1])) + text)
}

/** A key that makes a request of which the answer was lost safe to send again. `crypto.randomUUID` is missing on plain http. */
export function idempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
