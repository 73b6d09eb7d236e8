import { beforeEach, expect, test } from 'vitest'
import { openSocket, type SocketLike } from '../../src/shared/ticketedSocket'

/** The browser's WebSocket, worked by hand: it is the edge of the world here. */
class FakeSocket {
  readyState = 0
  sent: string[] = []
  onopen: ((event: Event) => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: Event) => void) | null = null
  onerror: ((event: Event) => void) | null = null
  send(text: string): void {
    this.sent.push(text)
  }
  close(): void {
    this.readyState = 3
  }
}

let asked: { url: string; signal: AbortSignal; gives: (ticket: string) => void; fails: () => void }[]
let opened: { url: string; protocols: string[]; socket: FakeSocket }[]
let heard: string[]

const ways = {
  ticket: (url: string, signal: AbortSignal) =>
    new Promise<string>((gives, fails) => asked.push({ url, signal, gives, fails: () => fails(new Error('away')) })),
  open: (url: string, protocols: string[]) => {
    const socket = new FakeSocket()
    opened.push({ url, protocols, socket })
    return socket as unknown as WebSocket
  },
}

function open(): SocketLike {
  const socket = openSocket('wss://hub/api/ws/console?as=doctor', ways)
  socket.onopen = () => heard.push('open')
  socket.onmessage = (event) => heard.push(`message ${String(event.data)}`)
  socket.onclose = () => heard.push('close')
  socket.onerror = () => heard.push('error')
  return socket
}
const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 0))

beforeEach(() => {
  asked = []
  opened = []
  heard = []
})

test('the ticket goes with the subprotocols and not in the address', async () => {
  const socket = open()
  expect([socket.readyState, opened.length]).toEqual([0, 0])
  asked[0]?.gives('abc')
  await settled()
  expect(opened.map((one) => [one.url, one.protocols])).toEqual([['wss://hub/api/ws/console?as=doctor', ['carebag', 'ticket.abc']]])
})

test('what the socket says is said on, and what is sent is sent', async () => {
  const socket = open()
  asked[0]?.gives('abc')
  await settled()
  const inner = opened[0]?.socket as FakeSocket
  inner.readyState = 1
  inner.onopen?.(new Event('open'))
  inner.onmessage?.({ data: 'x' })
  socket.send('y')
  inner.onerror?.(new Event('error'))
  inner.onclose?.(new Event('close'))
  expect([heard, inner.sent, socket.readyState]).toEqual([['open', 'message x', 'error', 'close'], ['y'], 1])
})

test('without a ticket it closes, as a socket that cannot be opened does', async () => {
  const socket = open()
  asked[0]?.fails()
  await settled()
  expect([heard, opened.length, socket.readyState]).toEqual([['close'], 0, 3])
})

test('closed while it asks: asking is given up, and a ticket that comes late opens nothing', async () => {
  const socket = open()
  socket.close()
  expect([asked[0]?.signal.aborted, socket.readyState]).toEqual([true, 3])
  asked[0]?.gives('abc')
  await settled()
  expect([heard, opened.length]).toEqual([[], 0])
})

test('closed while it asks, and then refused: nothing is said', async () => {
  open().close()
  asked[0]?.fails()
  await settled()
  expect(heard).toEqual([])
})
