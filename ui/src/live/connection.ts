/**
 * The live channel: one WebSocket for the page (`/api/ws`), on which everything that is shown is followed.
 *
 * What is on screen was read at a position, and is followed from there on. After a break everything is followed anew first and read
 * again then, so that nothing can be missed in between. Where sockets do not get through, everything is read again every few seconds.
 */

export type Filter = { instance?: string; definition?: string; tasks?: 'mine'; kinds?: string[] }

export type Told = {
  instance: string
  rootInstance: string
  processDefinitionName: string
  seq: number
  at: string
  [field: string]: unknown
}
export type Message = { id: string | null; event: string; data: Told }

export type Status = 'connecting' | 'live' | 'reconnecting' | 'offline' | 'polling'

type Follower = { filter: Filter; key: string; after: string | undefined; hear: (message: Message) => void }

/** Milliseconds. */
const FIRST_WAIT = 400
const LONGEST_WAIT = 5_000
const OFFLINE_AFTER = 15_000
const QUIET = 20_000
const ANSWER = 10_000
const POLL = 5_000
/** So many sockets fail while the server answers otherwise, before they are given up for a while. */
const REFUSED = 3

export class Connection {
  private socket: WebSocket | null = null
  private readonly followers = new Set<Follower>()
  private readonly open = new Map<string, number>() // the key of each subscription, and how many follow it
  private readonly watchers = new Set<() => void>()
  private wait = FIRST_WAIT
  private failures = 0
  private lost = false // whether something may have been missed
  private awaited = 0 // subscriptions that are not confirmed yet
  private heard = 0
  private timers: ReturnType<typeof setTimeout>[] = []
  private watchdog: ReturnType<typeof setInterval> | undefined
  private running = false
  status: Status = 'connecting'
  /** When the connection was lost, in milliseconds since the epoch. */
  since = 0

  constructor(
    private readonly address: () => string,
    private readonly hooks: {
      /** Everything that is shown may be old: read it again. */
      readAgain: () => void
      /** Whether the server answers otherwise; it may find that the session is over. */
      reachable: () => Promise<boolean>
    },
  ) {}

  start(): void {
    if (this.running) return
    this.running = true
    this.since = Date.now()
    addEventListener('online', this.hurry)
    document.addEventListener('visibilitychange', this.look)
    this.watchdog = setInterval(this.look, QUIET / 2)
    this.connect()
  }

  stop(): void {
    this.running = false
    removeEventListener('online', this.hurry)
    document.removeEventListener('visibilitychange', this.look)
    clearInterval(this.watchdog)
    this.forget()
    this.socket?.close()
    this.socket = null
  }

  /** Follow what happens, from a position on, until the function that is returned is called. */
  follow(filter: Filter, after: string | undefined, hear: (message: Message) => void): () => void {
    const follower = { filter, key: JSON.stringify(filter), after, hear }
    this.followers.add(follower)
    if (this.socket?.readyState === WebSocket.OPEN) this.subscribe(follower)
    return () => {
      if (this.followers.delete(follower)) this.unsubscribe(follower)
    }
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  // -- the socket ---------------------------------------------------------------------------------------------------

  private connect(): void {
    this.forget()
    const socket = (this.socket = new WebSocket(this.address()))
    socket.addEventListener('open', () => this.opened(socket))
    socket.addEventListener('message', (event) => this.take(socket, String(event.data)))
    socket.addEventListener('close', () => this.closed(socket))
  }

  private opened(socket: WebSocket): void {
    if (socket !== this.socket) return
    this.heard = Date.now()
    this.failures = 0
    this.wait = FIRST_WAIT
    this.open.clear()
    this.awaited = 0
    for (const follower of this.followers) this.subscribe(follower)
    if (this.awaited === 0) this.live()
  }

  private subscribe(follower: Follower): void {
    const count = this.open.get(follower.key) ?? 0
    this.open.set(follower.key, count + 1)
    if (count > 0) return
    this.awaited += 1
    // after a break it is read again anyway, and a position that is long gone would only be replayed
    this.say({ subscribe: follower.filter, ...(this.lost || follower.after === undefined ? {} : { after: follower.after }) })
  }

  private unsubscribe(follower: Follower): void {
    const count = this.open.get(follower.key)
    if (count === undefined) return
    if (count > 1) this.open.set(follower.key, count - 1)
    else {
      this.open.delete(follower.key)
      this.say({ unsubscribe: follower.filter })
    }
  }

  private say(content: unknown): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(content))
  }

  private take(socket: WebSocket, text: string): void {
    if (socket !== this.socket) return
    this.heard = Date.now()
    const message = JSON.parse(text) as Message
    switch (message.event) {
      case 'subscribed':
        this.awaited -= 1
        if (this.awaited <= 0) this.live()
        return
      case 'unsubscribed':
        return
      case 'error':
        this.awaited -= 1
        this.hooks.readAgain()
        if (this.awaited <= 0) this.live()
        return
      case 'resync':
        this.hooks.readAgain()
        return
      default:
        for (const follower of this.followers) if (concerns(follower.filter, message)) follower.hear(message)
    }
  }

  private live(): void {
    if (this.lost) {
      this.lost = false
      this.hooks.readAgain()
    }
    this.become('live')
  }

  private closed(socket: WebSocket): void {
    if (socket !== this.socket || !this.running) return
    this.socket = null
    if (this.status === 'live' || this.status === 'connecting') this.since = Date.now()
    this.lost = true
    this.failures += 1
    this.become(this.status === 'live' || this.status === 'connecting' ? 'reconnecting' : this.status)
    void this.again()
  }

  private async again(): Promise<void> {
    const reachable = await this.hooks.reachable()
    if (!this.running || this.socket !== null) return
    if (reachable && this.failures > REFUSED) {
      this.become('polling')
      this.hooks.readAgain()
    } else if (this.status === 'polling') {
      this.since = Date.now()
      this.become('reconnecting')
    } else if (Date.now() - this.since > OFFLINE_AFTER) this.become('offline')
    const wait = this.status === 'polling' ? POLL : this.wait * (0.5 + Math.random())
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT)
    this.timers.push(setTimeout(() => this.connect(), wait))
  }

  /** The network is back: no need to wait. */
  private readonly hurry = (): void => {
    if (this.socket === null) this.connect()
  }

  /** A connection that was cut without a word is found out by asking for one. */
  private readonly look = (): void => {
    if (document.visibilityState === 'hidden' || this.socket?.readyState !== WebSocket.OPEN) return
    if (Date.now() - this.heard < QUIET) return
    const socket = this.socket
    const asked = Date.now()
    this.say({ unsubscribe: { kinds: ['status'], definition: '\u2026' } }) // nobody follows that: it is only answered
    this.timers.push(
      setTimeout(() => {
        if (this.heard >= asked || socket !== this.socket) return
        socket.close()
        this.closed(socket)
      }, ANSWER),
    )
  }

  private forget(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers = []
  }

  private become(status: Status): void {
    if (status === this.status) return
    this.status = status
    for (const watcher of this.watchers) watcher()
  }
}

/** Whether a follower wants a message. The server tells the same to all subscriptions of a socket, once. */
export function concerns(filter: Filter, { event, data }: Message): boolean {
  if (filter.kinds !== undefined && !filter.kinds.includes(event)) return false
  if (filter.tasks !== undefined && event !== 'task') return false
  if (filter.definition !== undefined && data.processDefinitionName !== filter.definition) return false
  return filter.instance === undefined || data.instance === filter.instance || data.rootInstance === filter.instance
}
