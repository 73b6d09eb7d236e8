/** Opens a WebSocket with a ticket that is fetched just before: to its user one socket, which takes a little longer to open. */

import type { SocketTicket } from './api.gen'
import { Api, type As } from './http'

export type SocketLike = Pick<WebSocket, 'readyState' | 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose' | 'onerror'>

export type Ways = {
  /** Rejects if there is none: signed out, locked, or nobody answers. */
  ticket: (url: string, signal: AbortSignal) => Promise<string>
  open: (url: string, protocols: string[]) => WebSocket
}

const CONNECTING = 0
const CLOSED = 3
/** As in `carebag_wire/socket_ticket.py`: not in the address, which ends up in logs. */
const SUBPROTOCOL = 'carebag'
const PREFIX = 'ticket.'

const browserWays: Ways = {
  ticket: async (url, signal) => {
    const at = new URL(url)
    const as = (at.searchParams.get('as') ?? undefined) as As
    return (await new Api(as).postAnew<SocketTicket>(`${at.pathname}/ticket`, {}, signal)).ticket
  },
  open: (url, protocols) => new WebSocket(url, protocols),
}

export function openSocket(url: string, ways: Ways = browserWays): SocketLike {
  return new TicketedSocket(url, ways)
}

class TicketedSocket implements SocketLike {
  onopen: SocketLike['onopen'] = null
  onmessage: SocketLike['onmessage'] = null
  onclose: SocketLike['onclose'] = null
  onerror: SocketLike['onerror'] = null
  #inner: WebSocket | undefined
  #closed = false
  readonly #asking = new AbortController()

  constructor(url: string, ways: Ways) {
    ways.ticket(url, this.#asking.signal).then(
      (ticket) => {
        if (!this.#closed) this.#open(ways.open(url, [SUBPROTOCOL, PREFIX + ticket]))
      },
      () => {
        if (this.#closed) return
        this.#closed = true
        this.onclose?.call(this as unknown as WebSocket, new Event('close') as CloseEvent)
      },
    )
  }

  get readyState(): SocketLike['readyState'] {
    if (this.#inner !== undefined) return this.#inner.readyState
    return this.#closed ? CLOSED : CONNECTING
  }

  send(data: Parameters<WebSocket['send']>[0]): void {
    this.#inner?.send(data)
  }

  /** Also what is asked for is given up: browsers ask one host only so many things at a time. */
  close(): void {
    this.#closed = true
    this.#asking.abort()
    this.#inner?.close()
  }

  #open(inner: WebSocket): void {
    this.#inner = inner
    inner.onopen = (event) => this.onopen?.call(inner, event)
    inner.onmessage = (event) => this.onmessage?.call(inner, event)
    inner.onclose = (event) => this.onclose?.call(inner, event)
    inner.onerror = (event) => this.onerror?.call(inner, event)
  }
}
