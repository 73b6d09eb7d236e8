/** One WebSocket that comes back: Hello first, then messages; when it breaks it waits a little longer each time. */

import { openSocket, type SocketLike } from './ticketedSocket'

export type SocketState =
  /** Never been online yet. */
  | { kind: 'connecting'; sinceMs: number }
  | { kind: 'online'; sinceMs: number }
  /** Was online, is not: `sinceMs` is when something was last heard. */
  | { kind: 'lost'; sinceMs: number }
  /** Refused for good (wrong version, signed out): trying again would not help. */
  | { kind: 'refused'; sinceMs: number; code: string }

export type Wires = {
  open: (url: string) => SocketLike
  now: () => number
  after: (ms: number, what: () => void) => () => void
  /** 0 to 1, spreads many pages over time after a restart of the hub. */
  chance: () => number
}

export const browserWires: Wires = {
  open: openSocket,
  now: () => Date.now(),
  after: (ms, what) => {
    const timer = setTimeout(what, ms)
    return () => clearTimeout(timer)
  },
  chance: () => Math.random(),
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5000
const OPEN_TIMEOUT_MS = 5000
/** How often to ask, from which silence on the page says so, and from which on it connects anew. */
export type Pace = { everyMs: number; quietMs: number; silenceMs: number }
const FAR: Pace = { everyMs: 5000, quietMs: 12_000, silenceMs: 12_000 }
/** For what stands in the same room: a silence of seconds means that it stopped. It may only be busy, so the connection is kept. */
export const NEAR: Pace = { everyMs: 1000, quietMs: 3500, silenceMs: 12_000 }
/** A hub that goes down says so, and comes back; the others would refuse again. */
const PASSING = new Set(['hub_stopping', 'no_hello', 'internal'])

/** With which a page says that it leaves, and does not come back (RFC 6455, 7.4.1). */
const LEAVES = 1000

/** How long to wait before attempt number `attempt` (0 = the first one after a break, soon: another hub may be there). */
export function backoffMs(attempt: number, chance: number): number {
  if (attempt === 0) return Math.round(FIRST_WAIT_MS * chance)
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt)
  return Math.round(full * (0.6 + 0.4 * chance))
}

type Typed = { type: string }
export type Handlers<In extends Typed> = {
  message: (message: In) => void
  state: (state: SocketState) => void
}
/** `hello` is asked for with each connection. */
export type Options = { url: string; hello: () => object; pings: boolean; /** FAR unless said. */ pace?: Pace }

export class ReturningSocket<In extends Typed, Out extends Typed> {
  #socket: SocketLike | undefined
  #state: SocketState
  #attempt = 0
  #heardMs = 0
  #pings = 0
  /** Connected and welcomed, but nothing is heard: shown as lost until something is. */
  #quiet = false
  #cancel: (() => void)[] = []
  #stopped = false

  constructor(
    readonly options: Options,
    readonly handlers: Handlers<In>,
    readonly wires: Wires = browserWires,
  ) {
    this.#state = { kind: 'connecting', sinceMs: wires.now() }
  }

  start(): void {
    this.#stopped = false
    this.#connect()
  }

  /** For good, unless `leaves` is false: then another connection of this page follows. */
  stop(leaves = true): void {
    this.#stopped = true
    this.#drop(leaves ? LEAVES : undefined)
  }

  /** Sends if online; false means that it was not sent and never will be. */
  send(message: Out): boolean {
    if (this.#state.kind !== 'online' || this.#socket?.readyState !== 1) return false
    this.#socket.send(JSON.stringify(message))
    return true
  }

  /** Tries at once, for example because the browser says that the network is back. */
  hurry(): void {
    if (this.#stopped || this.#state.kind === 'online' || this.#state.kind === 'refused') return
    this.#drop()
    this.#connect()
  }

  #connect(): void {
    const socket = this.wires.open(this.options.url)
    this.#socket = socket
    this.#cancel.push(this.wires.after(OPEN_TIMEOUT_MS, () => this.#lost(socket)))
    socket.onopen = () => socket.send(JSON.stringify(this.options.hello()))
    socket.onmessage = (event) => this.#receive(socket, event.data)
    socket.onclose = () => this.#lost(socket)
    socket.onerror = () => this.#lost(socket)
  }

  #receive(socket: SocketLike, data: unknown): void {
    if (socket !== this.#socket) return
    this.#heardMs = this.wires.now()
    if (this.#quiet) this.#heardAgain()
    const message = parse<In>(data)
    if (message === undefined) return
    if (message.type === 'welcome') this.#welcome(socket)
    const final = refusal(message)
    if (final !== undefined) this.#refuse(final)
    else if (message.type !== 'pong') this.handlers.message(message)
  }

  #welcome(socket: SocketLike): void {
    this.#clear()
    this.#attempt = 0
    this.#become({ kind: 'online', sinceMs: this.wires.now() })
    if (this.options.pings) this.#watch(socket)
  }

  /** A half-open connection never closes by itself: ask, and give up on silence. */
  #watch(socket: SocketLike): void {
    const pace = this.options.pace ?? FAR
    this.#cancel = [
      this.wires.after(pace.everyMs, () => {
        if (socket !== this.#socket) return
        const silentMs = this.wires.now() - this.#heardMs
        if (silentMs > pace.silenceMs) return this.#lost(socket)
        if (silentMs > pace.quietMs) this.#fallsQuiet()
        socket.send(JSON.stringify({ type: 'ping', id: (this.#pings += 1) }))
        this.#watch(socket)
      }),
    ]
  }

  /** What is shown is from when something was last heard, not from when it was missed. */
  #fallsQuiet(): void {
    if (this.#quiet) return
    this.#quiet = true
    this.#become({ kind: 'lost', sinceMs: this.#heardMs })
  }

  #heardAgain(): void {
    this.#quiet = false
    this.#become({ kind: 'online', sinceMs: this.wires.now() })
  }

  #lost(socket: SocketLike): void {
    if (socket !== this.#socket || this.#stopped) return
    this.#drop()
    if (this.#state.kind === 'refused') return
    if (this.#state.kind === 'online') this.#become({ kind: 'lost', sinceMs: this.#heardMs })
    const wait = backoffMs(this.#attempt, this.wires.chance())
    this.#attempt += 1
    this.#cancel.push(this.wires.after(wait, () => this.#connect()))
  }

  #refuse(code: string): void {
    this.#become({ kind: 'refused', sinceMs: this.wires.now(), code })
    this.#drop()
  }

  #become(state: SocketState): void {
    this.#state = state
    this.handlers.state(state)
  }

  #drop(code?: number): void {
    this.#clear()
    this.#quiet = false
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined && socket.readyState <= 1) socket.close(code)
  }

  #clear(): void {
    for (const cancel of this.#cancel) cancel()
    this.#cancel = []
  }
}

/** The code of a refusal for good, or undefined. */
function refusal(message: Typed & { fatal?: boolean; code?: string }): string | undefined {
  if (message.type !== 'problem' || message.fatal !== true) return undefined
  const code = message.code ?? ''
  return PASSING.has(code) ? undefined : code
}

function parse<In extends Typed>(data: unknown): In | undefined {
  if (typeof data !== 'string') return undefined
  try {
    const message: unknown = JSON.parse(data)
    const typed = typeof message === 'object' && message !== null && typeof (message as Typed).type === 'string'
    return typed ? (message as In) : undefined
  } catch {
    return undefined
  }
}

/** `ws(s)://` address of this origin. */
export function socketUrl(path: string, location: Location): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`
}
