import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { InstrumentPeer, type SignalBody } from '../../../src/shared/call/instrumentPeer'
import type { Distrust, KitTrust } from '../../../src/shared/call/kitTrust'
import type { SoundTap } from '../../../src/shared/sound/tap'
import { chanceOf, Network } from './browsers'

const OFFER = { type: 'offer' as const, sdp: '900' }
let network: Network
let said: SignalBody[]
let peer: InstrumentPeer

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  network = new Network(chanceOf(1), 0)
  network.install()
  said = []
  peer = new InstrumentPeer({ tap: {} as SoundTap, carrier: 'data_channel', send: (signal) => said.push(signal) })
})
afterEach(() => {
  peer.close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const asks = (): number[] => said.filter((one) => !one.description && !one.candidate).map((one) => one.epoch)
const answers = (): number[] => said.filter((one) => one.description?.type === 'answer').map((one) => one.epoch)

test('asks for a first offer, less and less often', async () => {
  await pass(20_000)
  expect(asks().every((epoch) => epoch === 0)).toBe(true)
  expect(asks().length).toBeGreaterThan(3)
  expect(asks().length).toBeLessThan(8)
})

test('an offer said again is answered again, with the same connection', async () => {
  peer.signal({ epoch: 5, description: OFFER })
  await pass(100)
  peer.signal({ epoch: 5, description: OFFER })
  await pass(100)
  expect(answers()).toEqual([5, 5])
  expect(network.ends).toHaveLength(1)
})

test('a connection that is being made is given time, and more each time', async () => {
  const asked: number[] = []
  for (let epoch = 5; epoch < 50; epoch += 10) {
    said.length = 0
    peer.signal({ epoch, description: OFFER })
    const began = performance.now()
    while (asks().length === 0) await pass(100)
    asked.push(performance.now() - began)
    expect(asks()).toEqual([epoch + 1])
  }
  expect(asked[0]).toBeGreaterThan(4500)
  expect(asked).toEqual(asked.toSorted((a, b) => a - b))
  expect(asked.at(-1)).toBeLessThan(16_000)
})

test('an offer replaced while it was answered does not hold up the next', async () => {
  network.slowMs = 2000
  peer.signal({ epoch: 5, description: OFFER })
  await pass(10)
  network.slowMs = 0
  peer.signal({ epoch: 6, description: OFFER })
  await pass(3000)
  expect(answers()).toEqual([6])
})

test('an offer that counts from a clock that fell back is met with where to count from', async () => {
  peer.signal({ epoch: 500, description: OFFER })
  await pass(2000)
  peer.signal({ epoch: 20, description: OFFER })
  expect(answers()).toEqual([500])
  expect(asks()).toEqual([501])
})

test('an offer that cannot be taken is asked for anew', async () => {
  const broken = vi.spyOn(RTCPeerConnection.prototype, 'setRemoteDescription').mockRejectedValue(new Error('sdp'))
  peer.signal({ epoch: 5, description: OFFER })
  await pass(7000)
  expect(peer.state).toBe('interrupted')
  expect(asks()[0]).toBe(6)
  broken.mockRestore()
  peer.signal({ epoch: 7, description: OFFER })
  await pass(100)
  expect(answers()).toEqual([7])
})

/** The offers of these epochs are not the kit's; in that of `misread` the browser reads another certificate. */
function distrusting(forged: number[], misread = 0): { told: [Distrust | null, string][]; peer: InstrumentPeer } {
  const told: [Distrust | null, string][] = []
  const trust = {
    judge: async (from: string, signal: SignalBody) => (from === 'kit' && forged.includes(signal.epoch) ? 'call_forged' : null),
    holds: (signal: SignalBody) => signal.epoch !== misread,
    digits: async (signal: SignalBody) => String(signal.epoch),
  } as unknown as KitTrust
  const options = { tap: {} as SoundTap, carrier: 'data_channel' as const, send: (signal: SignalBody) => said.push(signal) }
  return { told, peer: new InstrumentPeer({ ...options, trust, onTrust: (distrust, digits) => told.push([distrust, digits]) }) }
}

test('what is not the kit’s is never answered, and what is gets its digits', async () => {
  const page = distrusting([5], 6)
  for (const epoch of [5, 6, 7]) {
    page.peer.signal({ epoch, description: OFFER })
    await pass(500)
  }
  page.peer.close()
  expect(answers()).toEqual([7])
  expect(page.told).toEqual([['call_forged', ''], ['call_forged', ''], [null, '7']])
  expect(network.ends.map((end) => end.signalingState).slice(0, 2)).toEqual(['closed', 'closed'])
})
