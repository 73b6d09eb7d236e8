import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { SignalBody } from '../../../src/shared/call/instrumentPeer'
import { decoded, PictureChoice, SfuPeer } from '../../../src/shared/call/sfuPeer'
import { chanceOf, Network } from './browsers'

const OFFER = { type: 'offer' as const, sdp: '900' }
let network: Network
let said: SignalBody[]
let videos: (MediaStream | null)[]
let peer: SfuPeer

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  network = new Network(chanceOf(1), 0)
  network.install()
  said = []
  videos = []
  peer = new SfuPeer({ send: (signal) => said.push(signal), onVideo: (stream) => videos.push(stream) })
})
afterEach(() => {
  peer.close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const asks = (): number[] => said.filter((one) => !one.description && !one.candidate).map((one) => one.epoch)
const answers = (): number[] => said.filter((one) => one.description?.type === 'answer').map((one) => one.epoch)

test('says nothing before it is offered something', async () => {
  await pass(60_000)
  expect(said).toEqual([])
})

test('answers each offer once, again if it comes again, and an older one never', async () => {
  peer.signal({ epoch: 5, description: OFFER })
  await pass(100)
  peer.signal({ epoch: 5, description: OFFER })
  peer.signal({ epoch: 4, description: OFFER })
  await pass(100)
  expect(answers()).toEqual([5, 5])
  expect(network.ends).toHaveLength(1)
})

test('a connection that does not come up is asked for anew, less and less often', async () => {
  peer.signal({ epoch: 5, description: OFFER })
  await pass(4000)
  expect(asks()).toEqual([])
  await pass(60_000)
  expect(asks().every((epoch) => epoch === 6)).toBe(true)
  expect(asks().length).toBeGreaterThan(1)
  expect(asks().length).toBeLessThan(17)
})

test('what the hub says is over is closed, told, and not asked for', async () => {
  peer.signal({ epoch: 5, description: OFFER })
  await pass(100)
  peer.signal({ epoch: 4 })
  expect(videos).toEqual([])
  peer.signal({ epoch: 5 })
  expect(videos).toEqual([null])
  said.length = 0
  await pass(60_000)
  expect(said).toEqual([])
  peer.signal({ epoch: 7, description: OFFER })
  await pass(100)
  expect(answers()).toEqual([7])
})

test('an answer, or candidates of another attempt, are dropped', async () => {
  peer.signal({ epoch: 5, description: { type: 'answer', sdp: '1' } })
  peer.signal({ epoch: 9, candidate: { candidate: 'x' } })
  await pass(100)
  expect(network.ends).toHaveLength(0)
})

test('the picture by way of the SFU as long as it comes, then the kit’s once that comes, meanwhile the last', () => {
  const choice = new PictureChoice()
  expect(choice.look({ kit: 10, sfu: 0 }, 0)).toBe('kit')
  expect(choice.look({ kit: 20, sfu: 1 }, 300)).toBe('sfu')
  expect(choice.look({ kit: 30, sfu: 5 }, 600)).toBe('sfu')
  // the SFU is gone, and nothing comes from the kit yet
  expect(choice.look({ kit: 30, sfu: 5 }, 5000)).toBe('sfu')
  expect(choice.look({ kit: 31, sfu: 5 }, 5300)).toBe('kit')
  // the kit's connection is made anew and counts from nothing
  expect(choice.look({ kit: 0, sfu: 0 }, 5600)).toBe('kit')
  expect(choice.look({ kit: 0, sfu: 1 }, 5900)).toBe('sfu')
})

test('pictures are counted over the video of a connection', () => {
  expect(decoded(null)).toBe(0)
  const entries = [
    ['a', { type: 'inbound-rtp', kind: 'video', framesDecoded: 7 }],
    ['b', { type: 'inbound-rtp', kind: 'audio', framesDecoded: 9 }],
    ['c', { type: 'outbound-rtp', kind: 'video' }],
    ['d', { type: 'inbound-rtp', kind: 'video' }],
  ] as const
  expect(decoded(new Map<string, unknown>(entries) as unknown as RTCStatsReport)).toBe(7)
})
