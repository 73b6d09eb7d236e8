import { describe, expect, test, vi } from 'vitest'
import { type Counted, countedOf, judged, ownOf, LinkWatch } from '../../../src/shared/call/linkQuality'
import type { LinkQuality } from '../../../src/shared/wire'

const nothing: Counted = { atMs: 0, received: 0, lost: 0, bytes: 0, remoteLoss: 0, rttMs: null, jitterMs: null }
const after = (change: Partial<Counted>): Counted => ({ ...nothing, atMs: 3000, received: 150, rttMs: 80, jitterMs: 5, ...change })

describe('a connection in a word and why', () => {
  test.each<[Partial<Counted>, LinkQuality['word'], LinkQuality['why']]>([
    [{}, 'good', ''],
    [{ lost: 4 }, 'good', ''],
    [{ lost: 5 }, 'weak', 'loss'],
    [{ lost: 20 }, 'bad', 'loss'],
    [{ remoteLoss: 0.08 }, 'weak', 'loss'],
    [{ rttMs: 301 }, 'weak', 'delay'],
    [{ rttMs: 601 }, 'bad', 'delay'],
    [{ jitterMs: 61 }, 'weak', 'unsteady'],
    [{ lost: 5, rttMs: 900 }, 'bad', 'delay'],
  ])('%o is %s %s', (change, word, why) => {
    expect(judged(nothing, after(change))).toMatchObject({ word, why })
  })

  test('nothing comes any more', () => {
    expect(judged(after({ atMs: 0 }), after({}))).toMatchObject({ word: 'bad', why: 'silent' })
  })

  test('the other has neither camera nor microphone: that is no silence', () => {
    expect(judged(nothing, after({ received: 0 }))).toMatchObject({ word: 'good' })
  })

  test('three packets of which one is lost say nothing', () => {
    expect(judged(nothing, after({ received: 2, lost: 1 }))).toMatchObject({ word: 'good', loss_percent: 0 })
  })

  test('eight of a hundred, in figures', () => {
    expect(judged(nothing, after({ received: 138, lost: 12, bytes: 37_500 }))).toEqual({
      word: 'weak',
      why: 'loss',
      loss_percent: 8,
      rtt_ms: 80,
      jitter_ms: 5,
      kbit_s: 100,
    })
  })
})

test('the page with one good connection is good itself', () => {
  const bad = judged(nothing, after({ lost: 40 }))
  const good = judged(nothing, after({}))
  expect(ownOf([bad, good])).toBe(good)
  expect(ownOf([bad])).toBe(bad)
  expect(ownOf([])).toBeNull()
})

test("a browser's report is added up", () => {
  const report = new Map<string, { type: string } & Record<string, unknown>>([
    ['a', { type: 'inbound-rtp', kind: 'audio', packetsReceived: 100, packetsLost: 3, bytesReceived: 1000, jitter: 0.012 }],
    ['b', { type: 'inbound-rtp', kind: 'video', packetsReceived: 50, packetsLost: -1, bytesReceived: 9000 }],
    ['c', { type: 'outbound-rtp', bytesSent: 5000 }],
    ['d', { type: 'remote-inbound-rtp', fractionLost: 0.05 }],
    ['e', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.09 }],
    ['f', { type: 'candidate-pair', nominated: false, currentRoundTripTime: 3 }],
    ['g', { type: 'codec', packetsReceived: 'x' }],
  ])
  expect(countedOf(report, 7)).toEqual({ atMs: 7, received: 150, lost: 3, bytes: 10_000, remoteLoss: 0.05, rttMs: 90, jitterMs: 12 })
})

test('a page says how it is once it can compare, and that nothing is left once all are broken', async () => {
  vi.useFakeTimers()
  let received = 0
  const report = (): Map<string, object> => new Map([['a', { type: 'inbound-rtp', kind: 'audio', packetsReceived: (received += 50), packetsLost: 0, bytesReceived: 1, jitter: 0 }]])
  const connection = { connectionState: 'connected', getStats: () => Promise.resolve(report()) }
  const told: (LinkQuality | null)[] = []
  const watch = new LinkWatch(() => [['nurse', connection as unknown as RTCPeerConnection]], (quality) => told.push(quality), 100)
  await vi.advanceTimersByTimeAsync(100)
  expect(told).toEqual([])
  await vi.advanceTimersByTimeAsync(100)
  expect(told.map((one) => one?.word)).toEqual(['good'])
  connection.connectionState = 'disconnected'
  await vi.advanceTimersByTimeAsync(100)
  expect(told.at(-1)).toBeNull()
  watch.close()
  vi.useRealTimers()
})
