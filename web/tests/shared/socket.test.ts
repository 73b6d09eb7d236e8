import { beforeEach, describe, expect, test } from 'vitest'
import { backoffMs, NEAR, ReturningSocket, type SocketState, socketUrl, type Wires } from '../../src/shared/socket'

/** The browser's WebSocket, worked by hand: it is the edge of the world here. */
class FakeSocket {
  readyState = 0
  sent: string[] = []
  onopen: () => void = () => {}
  onmessage: (event: { data: unknown }) => void = () => {}
  onclose: () => void = () => {}
  onerror: () => void = () => {}
  send(text: string): void {
    this.sent.push(text)
  }
  closedWith: number | undefined
  close(code?: number): void {
    this.readyState = 3
    this.closedWith = code
  }
  opens(): void {
    this.readyState = 1
    this.onopen()
  }
  says(message: object): void {
    this.onmessage({ data: JSON.stringify(message) })
  }
  breaks(): void {
    this.readyState = 3
    this.onclose()
  }
}

type Message = { type: string; code?: string }
let now = 0
let timers: { at: number; what: () => void }[] = []
let sockets: FakeSocket[] = []
let states: SocketState['kind'][] = []
let heard: string[] = []
let turn = 0
let socket: ReturningSocket<Message, Message>

const wires: Wires = {
  open: () => {
    const made = new FakeSocket()
    sockets.push(made)
    return made as unknown as WebSocket
  },
  now: () => now,
  after: (ms, what) => {
    const timer = { at: now + ms, what }
    timers.push(timer)
    return () => (timers = timers.filter((one) => one !== timer))
  },
  chance: () => 1,
}

function passes(ms: number): void {
  const until = now + ms
  for (;;) {
    const next = timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0]
    if (next === undefined) break
    timers = timers.filter((timer) => timer !== next)
    now = next.at
    next.what()
  }
  now = until
}
const last = (): FakeSocket => sockets.at(-1) as FakeSocket
function online(): void {
  last().opens()
  last().says({ type: 'welcome' })
}

beforeEach(() => {
  now = 0
  timers = []
  sockets = []
  states = []
  heard = []
  turn = 0
  const handlers = { message: (message: Message) => void heard.push(message.type), state: (state: SocketState) => void states.push(state.kind) }
  socket = new ReturningSocket<Message, Message>({ url: 'ws://x', hello: () => ({ type: 'hello', protocol: 1, turn: (turn += 1) }), pings: true }, handlers, wires)
  socket.start()
})

test('says hello first, and is online only when welcomed', () => {
  last().opens()
  expect(last().sent).toEqual(['{"type":"hello","protocol":1,"turn":1}'])
  expect(socket.send({ type: 'join' })).toBe(false)
  last().says({ type: 'welcome' })
  expect(states).toEqual(['online'])
  expect(socket.send({ type: 'join' })).toBe(true)
})

test('comes back after a break, waiting longer each time, at most five seconds', () => {
  online()
  last().breaks()
  expect(states).toEqual(['online', 'lost'])
  const waits = [250, 500, 1000, 2000, 4000, 5000, 5000]
  for (const wait of waits) {
    const before = sockets.length
    passes(wait - 1)
    expect(sockets).toHaveLength(before)
    passes(1)
    expect(sockets).toHaveLength(before + 1)
    last().breaks()
  }
  passes(5000)
  online()
  last().breaks()
  passes(250)
  expect(sockets).toHaveLength(waits.length + 3)
})

test('a connection that never opens is given up', () => {
  passes(5000 + 250)
  expect(sockets).toHaveLength(2)
})

test('a half-open connection is noticed by silence', () => {
  online()
  passes(5000)
  expect(last().sent.at(-1)).toContain('ping')
  last().says({ type: 'pong' })
  passes(10_000)
  expect(states.at(-1)).toBe('online')
  passes(10_000)
  expect(states.at(-1)).toBe('lost')
})

test('a break is told from the last word, not from when it was missed', () => {
  const told: SocketState[] = []
  socket.stop()
  const handlers = { message: () => {}, state: (state: SocketState) => void told.push(state) }
  socket = new ReturningSocket<Message, Message>({ url: 'ws://x', hello: () => ({ type: 'hello', protocol: 1, turn: (turn += 1) }), pings: true }, handlers, wires)
  socket.start()
  online()
  passes(5000)
  last().says({ type: 'pong' })
  passes(4000)
  last().breaks()
  expect(told.at(-1)).toEqual({ kind: 'lost', sinceMs: 5000 })
})

describe('a kit in the same room', () => {
  let told: SocketState[] = []
  beforeEach(() => {
    socket.stop()
    told = []
    const handlers = { message: () => {}, state: (state: SocketState) => void told.push(state) }
    socket = new ReturningSocket<Message, Message>({ url: 'ws://x', hello: () => ({ type: 'hello', protocol: 1, turn: (turn += 1) }), pings: true, pace: NEAR }, handlers, wires)
    socket.start()
    online()
  })

  test('is missed within five seconds, told from when it was last heard, and nothing more is sent', () => {
    passes(2500)
    last().says({ type: 'pong' })
    passes(3000)
    expect(told.at(-1)?.kind).toBe('online')
    passes(2000)
    expect(told.map((one) => one.kind)).toEqual(['online', 'lost'])
    expect(told.at(-1)?.sinceMs).toBe(2500)
    expect(socket.send({ type: 'join' })).toBe(false)
  })
  test('was only busy: its first word brings it back on the same connection', () => {
    const before = sockets.length
    passes(8000)
    expect(told.map((one) => one.kind)).toEqual(['online', 'lost'])
    last().says({ type: 'pong' })
    expect(told.at(-1)?.kind).toBe('online')
    expect(socket.send({ type: 'join' })).toBe(true)
    passes(3000)
    expect(told.at(-1)?.kind).toBe('online')
    expect(sockets).toHaveLength(before)
  })
  test('silent for long, it is connected to anew, and told as lost once', () => {
    const before = sockets.length
    passes(14_000)
    expect(sockets).toHaveLength(before + 1)
    expect(told.map((one) => one.kind)).toEqual(['online', 'lost'])
    online()
    expect(told.at(-1)?.kind).toBe('online')
  })
})

describe('refusals', () => {
  test('a final one ends it: no more attempts', () => {
    last().opens()
    last().says({ type: 'problem', code: 'wrong_version', fatal: true })
    last().breaks()
    passes(60_000)
    expect(states).toEqual(['refused'])
    expect(sockets).toHaveLength(1)
  })
  test('a hub that goes down is waited for', () => {
    online()
    last().says({ type: 'problem', code: 'hub_stopping', fatal: true })
    last().breaks()
    passes(250)
    expect(states).toEqual(['online', 'lost'])
    expect(sockets).toHaveLength(2)
  })
  test('another problem leaves the connection as it is', () => {
    online()
    last().says({ type: 'problem', code: 'not_found' })
    expect(states).toEqual(['online'])
    expect(heard).toEqual(['welcome', 'problem'])
  })
})

test('what is not a message is dropped, and a pong is nobody’s business', () => {
  online()
  last().onmessage({ data: 'not json' })
  last().onmessage({ data: '[1]' })
  last().onmessage({ data: new ArrayBuffer(4) })
  last().says({ type: 'pong' })
  expect(heard).toEqual(['welcome'])
})

test('words of a connection that was given up are not heard', () => {
  online()
  const old = last()
  old.breaks()
  passes(250)
  old.says({ type: 'queue' })
  expect(heard).toEqual(['welcome'])
})

test('a stopped one stays stopped', () => {
  online()
  socket.stop()
  passes(60_000)
  expect(sockets).toHaveLength(1)
})

test('the network’s return shortens the wait', () => {
  online()
  last().breaks()
  socket.hurry()
  expect(sockets).toHaveLength(2)
  passes(250)
  expect(sockets).toHaveLength(2)
})

test('waits are spread, never below a part of the full one', () => {
  expect(backoffMs(0, 0)).toBe(0)
  expect(backoffMs(0, 1)).toBe(250)
  expect(backoffMs(1, 0)).toBe(300)
  expect(backoffMs(40, 1)).toBe(5000)
})

test('the address follows the page', () => {
  expect(socketUrl('/api/ws', { protocol: 'https:', host: 'a.se' } as Location)).toBe('wss://a.se/api/ws')
  expect(socketUrl('/api/ws', { protocol: 'http:', host: 'localhost:1' } as Location)).toBe('ws://localhost:1/api/ws')
})

test('each connection has its own hello', () => {
  online()
  last().breaks()
  passes(250)
  last().opens()
  expect(last().sent).toEqual(['{"type":"hello","protocol":1,"turn":2}'])
})

test('who leaves says so; a connection that is given up for another one does not', () => {
  online()
  const first = last()
  socket.stop(false)
  expect(first.closedWith).toBeUndefined()
  socket.start()
  socket.stop()
  expect(last().closedWith).toBe(1000)
})

test('a line that is silent is given up without a word of leaving', () => {
  online()
  const first = last()
  passes(20_000)
  expect(sockets.length).toBeGreaterThan(1)
  expect(first.closedWith).toBeUndefined()
})
