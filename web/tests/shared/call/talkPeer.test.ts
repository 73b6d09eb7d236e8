import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TalkPeer } from '../../../src/shared/call/talkPeer'
import { chanceOf, FakeConnection, Network, Way } from './browsers'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

class TwoPages {
  readonly network: Network
  doctor: TalkPeer
  nurse: TalkPeer
  readonly toNurse: Way
  readonly toDoctor: Way

  constructor(seed: number, slowMs = 50, lateMs = 50) {
    const chance = chanceOf(seed)
    this.network = new Network(chance, slowMs)
    this.network.install()
    this.toNurse = new Way(chance, lateMs, (signal) => void this.nurse.signal(signal))
    this.toDoctor = new Way(chance, lateMs, (signal) => void this.doctor.signal(signal))
    this.doctor = this.page(true)
    this.nurse = this.page(false)
  }

  page(offers: boolean): TalkPeer {
    return new TalkPeer({ offers, send: offers ? this.toNurse.send : this.toDoctor.send })
  }

  start(who: 'doctor' | 'nurse'): void {
    void this[who].start()
  }

  /** The old page is gone without a word; the new one knows nothing. */
  reload(who: 'doctor' | 'nurse'): void {
    this[who].close()
    this[who] = this.page(who === 'doctor')
    this.start(who)
  }

  set loss(part: number) {
    this.toNurse.loss = this.toDoctor.loss = part
  }

  get up(): boolean {
    const open = this.network.ends.filter((end) => end.signalingState !== 'closed')
    const pair = open.length === 2 && open.every((end) => end.connectionState === 'connected')
    return pair && this.doctor.state === 'connected' && this.nurse.state === 'connected'
  }
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

test.each([['doctor', 'nurse'], ['nurse', 'doctor']] as const)('the %s comes first: one offer is enough', async (first, second) => {
  const pages = new TwoPages(1)
  pages.start(first)
  await pass(30)
  pages.start(second)
  await pass(1500)
  expect(pages.up).toBe(true)
  expect(pages.network.ends).toHaveLength(2)
})

test.each(['doctor', 'nurse'] as const)('the %s has another address: a new connection at once', async (who) => {
  const pages = new TwoPages(3)
  pages[who].renew() // before the call began there is nothing to make anew
  pages.start('doctor')
  pages.start('nurse')
  await pass(1500)
  expect(pages.network.ends).toHaveLength(2)
  pages[who].renew()
  await pass(100)
  expect(pages.up).toBe(false)
  await pass(900)
  expect(pages.up).toBe(true)
  expect(pages.network.ends).toHaveLength(4)
})

test('an offer replaced while its answer was taken does not stop the next one', async () => {
  const pages = new TwoPages(2, 0, 0)
  pages.start('doctor')
  pages.start('nurse')
  await pass(500)
  // the doctor's browser gets slow: what is asked of the old connection is still going on when it is closed
  pages.network.slowMs = 3000
  pages.reload('nurse')
  await pass(2200)
  pages.reload('nurse')
  pages.network.slowMs = 20
  await pass(4000)
  expect(pages.up).toBe(true)
})

test('a candidate in the middle of being taken does not hold up the next attempt', async () => {
  const pages = new TwoPages(3, 0, 0)
  pages.start('doctor')
  pages.start('nurse')
  await pass(500)
  const stuck = vi.spyOn(FakeConnection.prototype, 'addIceCandidate').mockImplementation(() => new Promise(() => undefined))
  pages.reload('nurse')
  await pass(100)
  stuck.mockRestore()
  pages.reload('nurse')
  await pass(2000)
  expect(pages.up).toBe(true)
})

describe('what was lost is said again within two seconds', () => {
  test.each(['toNurse', 'toDoctor'] as const)('%s', async (way) => {
    const pages = new TwoPages(4)
    pages[way].loss = 1
    pages.start('doctor')
    pages.start('nurse')
    await pass(700)
    pages[way].loss = 0
    await pass(2200)
    expect(pages.up).toBe(true)
  })
})

test('an offer said again is answered with the same answer, and nothing is made anew', async () => {
  const pages = new TwoPages(5)
  pages.toDoctor.loss = 1
  pages.start('doctor')
  pages.start('nurse')
  await pass(6000)
  expect(pages.network.ends).toHaveLength(2)
  pages.toDoctor.loss = 0
  await pass(4500)
  expect(pages.up).toBe(true)
})

test('a slow machine is not hurried for ever', async () => {
  const pages = new TwoPages(6, 0, 0)
  // each step takes up to nine seconds, the whole connection far more than the first patience
  pages.network.slowMs = 9000
  pages.start('doctor')
  pages.start('nurse')
  await pass(120_000)
  expect(pages.up).toBe(true)
})

test("a doctor's clock behind the last doctor's does not keep the nurse waiting", async () => {
  const pages = new TwoPages(7)
  pages.start('doctor')
  pages.start('nurse')
  await pass(1000)
  vi.setSystemTime(1_800_000_000_000 - 3_600_000)
  pages.reload('doctor')
  await pass(3000)
  expect(pages.up).toBe(true)
})

test('a camera that waits for a yes does not hold up the call, and is seen later', async () => {
  const pages = new TwoPages(8)
  let yes: (stream: MediaStream) => void = () => undefined
  const asked = new Promise<MediaStream>((resolve) => (yes = resolve))
  pages.start('doctor')
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: () => asked } })
  pages.start('nurse')
  await pass(4000)
  expect(pages.up).toBe(true)
  const before = pages.network.ends.length
  yes(new MediaStream())
  await pass(1000)
  expect(pages.network.ends.length).toBe(before + 2)
  expect(pages.up).toBe(true)
})

test.each(Array.from({ length: 60 }, (_, seed) => seed))('after any half minute of losses and reloads the call is up (%i)', async (seed) => {
  const chance = chanceOf(1000 + seed)
  const pages = new TwoPages(seed, 20 + 800 * chance(), 400 * chance())
  pages.start(chance() < 0.5 ? 'doctor' : 'nurse')
  await pass(1000 * chance())
  for (const who of ['doctor', 'nurse'] as const) if (pages[who].state === 'waiting') pages.reload(who)
  pages.loss = 0.4 * chance()
  for (let act = 0; act < 8; act += 1) {
    await pass(4000 * chance() ** 2)
    if (chance() < 0.6) pages.reload(chance() < 0.5 ? 'doctor' : 'nurse')
  }
  pages.loss = 0
  await pass(25_000)
  expect(pages.up).toBe(true)
  const made = pages.network.ends.length
  await pass(60_000)
  expect(pages.up).toBe(true)
  expect(pages.network.ends.length).toBe(made)
})
