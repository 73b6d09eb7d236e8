/**
 * How good a connection is, in a word and why, from what the browser counts (`getStats`). Limits as people feel them:
 * a voice suffers from about 3 % loss, talk is hard beyond 300 ms there and back (ITU-T G.114 names 150 ms one way).
 */
import type { LinkQuality } from '../wire'

/** Counters of one connection, all kinds of media together. */
export type Counted = {
  atMs: number
  received: number
  lost: number
  bytes: number
  /** Share of our packets that the other end missed, 0 to 1, by its last report. */
  remoteLoss: number
  rttMs: number | null
  jitterMs: number | null
}

const WEAK = { loss: 0.03, rttMs: 300, jitterMs: 60 }
const BAD = { loss: 0.1, rttMs: 600, jitterMs: 150 }
const ORDER = { good: 0, weak: 1, bad: 2 } as const
/** Fewer packets say nothing of loss. */
const ENOUGH = 20

type Entry = { type: string } & Record<string, unknown>

export function countedOf(report: Iterable<[string, Entry]> | RTCStatsReport, atMs: number): Counted {
  const counted: Counted = { atMs, received: 0, lost: 0, bytes: 0, remoteLoss: 0, rttMs: null, jitterMs: null }
  let sent = 0
  for (const [, entry] of report as Iterable<[string, Entry]>) {
    if (entry.type === 'inbound-rtp') {
      counted.received += number(entry['packetsReceived'])
      counted.lost += Math.max(0, number(entry['packetsLost']))
      counted.bytes += number(entry['bytesReceived'])
      if (entry['kind'] === 'audio') counted.jitterMs = number(entry['jitter']) * 1000
    } else if (entry.type === 'outbound-rtp') {
      sent += number(entry['bytesSent'])
    } else if (entry.type === 'remote-inbound-rtp') {
      counted.remoteLoss = Math.max(counted.remoteLoss, number(entry['fractionLost']))
    } else if (entry.type === 'candidate-pair' && entry['nominated'] === true && typeof entry['currentRoundTripTime'] === 'number') {
      counted.rttMs = entry['currentRoundTripTime'] * 1000
    }
  }
  counted.bytes = Math.max(counted.bytes, sent)
  return counted
}

/** The connection between two looks at its counters. */
export function judged(before: Counted, now: Counted): LinkQuality {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000)
  const came = Math.max(0, now.received - before.received)
  const missed = Math.max(0, now.lost - before.lost)
  const silent = now.received > 0 && came === 0
  const inbound = came + missed >= ENOUGH ? missed / (came + missed) : 0
  const loss = Math.min(1, Math.max(inbound, now.remoteLoss))
  const { word, why } = silent ? { word: 'bad' as const, why: 'silent' as const } : wordOf(loss, now.rttMs, now.jitterMs)
  return {
    word,
    why,
    loss_percent: rounded(loss * 100),
    rtt_ms: now.rttMs === null ? null : Math.round(now.rttMs),
    jitter_ms: now.jitterMs === null ? null : Math.round(now.jitterMs),
    kbit_s: Math.round((Math.max(0, now.bytes - before.bytes) * 8) / 1000 / seconds),
  }
}

function wordOf(loss: number, rttMs: number | null, jitterMs: number | null): Pick<LinkQuality, 'word' | 'why'> {
  for (const [word, limit] of [['bad', BAD], ['weak', WEAK]] as const) {
    if (loss > limit.loss) return { word, why: 'loss' }
    if ((rttMs ?? 0) > limit.rttMs) return { word, why: 'delay' }
    if ((jitterMs ?? 0) > limit.jitterMs) return { word, why: 'unsteady' }
  }
  return { word: 'good', why: '' }
}

/**
 * What a page says of itself: the best of its connections. If one of them is good, its own way to the network is, and
 * the trouble is at the other end of the others.
 */
export function ownOf(links: readonly LinkQuality[]): LinkQuality | null {
  const [first, ...others] = links
  if (first === undefined) return null
  return others.reduce((best, one) => (worse(best, one) ? one : best), first)
}

function worse(a: LinkQuality, b: LinkQuality): boolean {
  if (a.word !== b.word) return ORDER[a.word] > ORDER[b.word]
  return (a.loss_percent ?? 0) > (b.loss_percent ?? 0)
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

const EVERY_MS = 3000

/** Looks at a page's connections every few seconds and says how its own link is; null once none of them lives. */
export class LinkWatch {
  #before = new Map<string, { connection: RTCPeerConnection; counted: Counted }>()
  readonly #timer: ReturnType<typeof setInterval>

  constructor(
    readonly connections: () => [string, RTCPeerConnection][],
    readonly told: (quality: LinkQuality | null) => void,
    everyMs = EVERY_MS,
  ) {
    this.#timer = setInterval(() => void this.#look(), everyMs)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const links: LinkQuality[] = []
    let living = 0
    for (const [id, connection] of this.connections()) {
      if (connection.connectionState !== 'connected') continue
      living += 1
      const counted = countedOf(await connection.getStats(), performance.now())
      const before = this.#before.get(id)
      this.#before.set(id, { connection, counted })
      if (before?.connection === connection) links.push(judged(before.counted, counted))
    }
    const own = ownOf(links)
    // one that is new has nothing to compare with yet
    if (own !== null || living === 0) this.told(own)
  }
}
