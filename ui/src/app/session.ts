/** Who is logged in. A session that ends while somebody works is asked for above the page, which stays as it is. */
import { useSyncExternalStore } from 'react'
import { answerForSession, callOnce } from '../api/client'
import { asProblem } from '../api/problem'
import type { Credentials, MeView } from '../api/types'

export type Session =
  | { state: 'unknown' }
  | { state: 'unreachable' }
  | { state: 'out' }
  | { state: 'in'; me: MeView }
  /** It was in: the page below is that of `me`. */
  | { state: 'over'; me: MeView }

let session: Session = { state: 'unknown' }
const listeners = new Set<() => void>()
let waiting: { resolve: () => void; reject: (reason: unknown) => void }[] = []

function become(next: Session): void {
  session = next
  for (const listener of listeners) listener()
}

export function currentSession(): Session {
  return session
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useSession(): Session {
  return useSyncExternalStore(onSession, currentSession)
}

/** Who is logged in; only for what is below the login. */
export function useMe(): MeView {
  const session = useSession()
  if (session.state !== 'in' && session.state !== 'over') throw new Error('nobody is logged in')
  return session.me
}

const whoAmI = () => callOnce<MeView>('GET', '/api/auth/me')

/** Who has logged in with this browser: without it there is nothing to ask the server. */
const LOGGED_IN = 'procession.loggedIn'

/** Somebody is there (again): what waited for it goes on, if it is the same person. */
function goOn(me: MeView): Promise<void> | undefined {
  if ((session.state === 'in' || session.state === 'over') && session.me.name !== me.name) return leaveToOther()
  become({ state: 'in', me })
  const resolved = waiting
  waiting = []
  for (const { resolve } of resolved) resolve()
}

/** The page of one person is never gone on with as another: what was typed is not sent, and what is shown is not theirs to see. */
function leaveToOther(): Promise<never> {
  for (const { reject } of waiting) reject(new DOMException('somebody else logged in', 'AbortError'))
  waiting = []
  location.reload()
  return new Promise(() => undefined) // nothing that waits goes on
}

/** All tabs have one cookie: what happens to the session in one happens to it in all. */
if (typeof window !== 'undefined')
  addEventListener('storage', ({ key, newValue }) => {
    if (key !== LOGGED_IN || (session.state !== 'in' && session.state !== 'over')) return
    if (newValue === null) askAgain()
    else void lookAgain()
  })

/** Who is there, and what they may, can have changed. */
export async function lookAgain(): Promise<void> {
  try {
    await goOn(await whoAmI())
  } catch {
    // whatever asks next is told why
  }
}

/** Look whether there is a session already. */
export async function findSession(): Promise<void> {
  if (localStorage.getItem(LOGGED_IN) === null) {
    become({ state: 'out' })
    return
  }
  try {
    become({ state: 'in', me: await whoAmI() })
  } catch (error) {
    become({ state: asProblem(error).status === 401 ? 'out' : 'unreachable' })
  }
}

/** Log in. */
export async function logIn(username: string, password: string): Promise<void> {
  await callOnce<Credentials>('POST', '/api/auth/login', { body: { username, password, session: true } })
  const me = await whoAmI()
  localStorage.removeItem(LOGGED_IN) // a change is what other tabs hear of
  localStorage.setItem(LOGGED_IN, me.name)
  await goOn(me)
}

export async function logOut(): Promise<void> {
  const csrf = session.state === 'in' ? session.me.csrfToken : undefined
  try {
    await callOnce('POST', '/api/auth/logout', { headers: csrf === undefined ? {} : { 'x-csrf-token': csrf } })
  } catch (error) {
    if (asProblem(error).status !== 401) throw error // over already
  }
  localStorage.removeItem(LOGGED_IN)
  location.assign('/') // nothing of what was seen stays in memory
}

/** The session is over, or is about to be: ask for the password above the page. */
export function askAgain(): void {
  if (session.state === 'in') become({ state: 'over', me: session.me })
}

answerForSession({
  csrf: () => (session.state === 'in' || session.state === 'over' ? session.me.csrfToken : undefined),
  again: () => {
    askAgain()
    if (session.state !== 'over') become({ state: 'out' })
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
  },
  renew: async () => await goOn(await whoAmI()),
})
