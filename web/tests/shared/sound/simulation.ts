/**
 * The whole way of the live sound without a network: frames of a stethoscope, the kit's packets with their repeats, a link with
 * seeded loss and delay both ways, the store with its repair, the playout on a loudspeaker clock of its own. 1 ms steps.
 */
import { parsePacket, type SoundPacket } from '../../../src/shared/sound/packet'
import { LEARN_MS, Playout } from '../../../src/shared/sound/playout'
import { ExactSound, type SoundEnd } from '../../../src/shared/sound/stream'

export const RATE = 4000
/** Half a frame of 118 samples: what the kit chooses. */
export const PER = 59
const EARLIER = [1, 4, 9]

/** The same numbers for the same seed, from 0 to 1. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Says for each packet in turn whether it is lost. */
export type Loss = () => boolean
export const lossOf = (share: number, random: () => number): Loss => () => random() < share

/** Loss in bursts (Gilbert): `share` in all, `length` packets on average. */
export function burstsOf(share: number, length: number, random: () => number): Loss {
  let bad = false
  return () => {
    bad = bad ? random() >= 1 / length : random() < share / (1 - share) / length
    return bad
  }
}

export interface Path {
  seconds: number
  seed: number
  /** One way, ms, and by how much at most it varies; order is kept. */
  oneWayMs?: number
  jitterMs?: number
  loss?: (random: () => number) => Loss
  /** How much faster the loudspeaker's clock runs than the stethoscope's. */
  driftPpm?: number
  /** From, to: nothing gets through, ms. */
  outage?: [number, number]
  /** From this time on the way is longer by so much, ms. */
  longer?: [number, number]
  /** Every so many ms all is held up for so many, and comes together then. */
  stalls?: [number, number]
  /** At these times, ms, all is held up for so many, and comes together then. */
  held?: [number, number][]
  frame?: number
  block?: number
  repair?: boolean
}

export interface Heard {
  playout: Playout
  copy: ExactSound
  /** Number of each sample given out, -1 for silence. */
  numbers: number[]
  /** Chunk by chunk, from the kit's sending to the first arrival; Infinity: never. */
  onWayMs: number[]
  /** From each frame's leaving to the rendering of the block with its first sample, ms; as `carebag bench` measures. */
  latencyMs: number[]
  end: SoundEnd
}

export const valueOf = (sample: number): number => ((sample * 37) % 20_000) + 1

/** The older layout: its bytes are made in a line. */
function packed(numbers: number[], samples: Int16Array): ArrayBuffer {
  const entry = 7 + 2 * PER
  const view = new DataView(new ArrayBuffer(19 + numbers.length * entry))
  view.setUint32(0, 0x43425331)
  view.setUint32(8, 1)
  view.setUint32(12, RATE)
  view.setUint16(16, PER)
  view.setUint8(18, numbers.length)
  numbers.forEach((number, place) => {
    const at = 19 + place * entry
    view.setUint32(at, number)
    view.setUint16(at + 4, PER)
    for (let index = 0; index < PER; index += 1) view.setInt16(at + 7 + 2 * index, samples[number * PER + index] ?? 0, true)
  })
  return view.buffer
}

/** Things that happen later, at whole milliseconds. */
class Agenda {
  readonly #at = new Map<number, (() => void)[]>()

  add(ms: number, act: () => void): void {
    const when = Math.ceil(ms)
    const acts = this.#at.get(when)
    if (acts) acts.push(act)
    else this.#at.set(when, [act])
  }

  run(ms: number): void {
    for (const act of this.#at.get(ms) ?? []) act()
    this.#at.delete(ms)
  }
}

/** One direction of the link. */
class Link {
  #last = 0
  readonly #loss: Loss

  constructor(
    readonly path: Path,
    readonly agenda: Agenda,
    readonly random: () => number,
  ) {
    this.#loss = (path.loss ?? (() => () => false))(random)
  }

  /** True when it will arrive. */
  send(now: number, arrive: (at: number) => void): boolean {
    const { oneWayMs = 40, jitterMs = 5, outage, longer, stalls, held = [] } = this.path
    const lost = this.#loss()
    if (lost || (outage !== undefined && now >= outage[0] && now < outage[1])) return false
    const more = longer !== undefined && now >= longer[0] ? longer[1] : 0
    const into = stalls !== undefined && now >= stalls[0] ? now % stalls[0] : Infinity
    const until = Math.max(now, ...held.filter(([from, ms]) => now >= from && now < from + ms).map(([from, ms]) => from + ms))
    const waits = stalls !== undefined && into < stalls[1] ? stalls[1] - into : until - now
    this.#last = Math.max(this.#last, now + waits + oneWayMs + more + (2 * this.random() - 1) * jitterMs)
    const at = this.#last
    this.agenda.add(at, () => arrive(at))
    return true
  }

  /** As a reliable data channel: what is lost is sent again after its timer. */
  sendSurely(now: number, arrive: () => void): void {
    if (!this.send(now, arrive)) this.agenda.add(now + 1000, () => this.sendSurely(now + 1000, arrive))
  }
}

export function simulate(path: Path): Heard {
  const { seconds, seed, driftPpm = 0, frame = 118, block = 40, outage, repair = true } = path
  const random = randomOf(seed)
  const agenda = new Agenda()
  const [down, up] = [new Link(path, agenda, random), new Link(path, agenda, random)]
  const total = Math.floor((seconds * RATE) / PER) * PER
  const samples = Int16Array.from({ length: total }, (_, sample) => valueOf(sample))
  const playout = new Playout(RATE, () => LEARN_MS)
  let now = 0
  const cut = (): boolean => !repair || (outage !== undefined && now >= outage[0] && now < outage[1])
  const sentAt: number[] = []
  const onWayMs: number[] = Array<number>(total / PER).fill(Infinity)
  const arrived = (data: ArrayBuffer, how: 'live' | 'repair', at: number): void => {
    const packet = parsePacket(data) as SoundPacket
    for (const { number } of packet.chunks) onWayMs[number] = Math.min(onWayMs[number] as number, at - (sentAt[number] as number))
    copy.take(data, how)
    playout.take(packet)
  }
  const copy = new ExactSound({
    now: () => now,
    ask: (message) => {
      if (cut()) return false
      const wanted = (message as { chunks: number[] }).chunks.filter((number) => sentAt[number] !== undefined)
      up.sendSurely(now, () => {
        for (let from = 0; from < wanted.length; from += 6) {
          const data = packed(wanted.slice(from, from + 6), samples)
          down.sendSurely(now, () => arrived(data, 'repair', now))
        }
      })
      return true
    },
  })
  copy.close()
  const end: SoundEnd = { stream: 1, samples: total, gaps: [], sha256: '' }
  const leftAt: number[] = []
  const kit = (first: number): void => {
    leftAt.push(now)
    for (let chunk = Math.floor(first / PER); (chunk + 1) * PER <= Math.min(first + frame, total); chunk += 1) {
      if (sentAt[chunk] !== undefined) continue
      sentAt[chunk] = now
      const data = packed([chunk, ...EARLIER.map((back) => chunk - back).filter((number) => number >= 0)], samples)
      down.send(now, (at) => arrived(data, 'live', at))
    }
  }
  for (let first = 0; first < total; first += frame) agenda.add((Math.min(first + frame, total) * 1000) / RATE, () => kit(first))
  agenda.add((total * 1000) / RATE + 60, () => {
    playout.end(1, total)
    copy.end(end)
  })
  const numbers: number[] = []
  const latencyMs: number[] = []
  const out = new Float32Array(block)
  const places = new Float64Array(block)
  const phase = random() * 32
  let rendered = 0
  let framed = 0
  const render = (): void => {
    const first = playout.render(out, places)
    for (let index = 0; index < block; index += 1) {
      const number = places[index] as number
      numbers.push(number)
      if (number >= 0 && out[index] !== (samples[number] as number) / 32768) throw new Error(`sample ${number} was altered`)
    }
    // the frames whose first sample this block holds
    for (; first >= 0 && framed * frame < first + block; framed += 1) {
      if (framed * frame >= first && leftAt[framed] !== undefined) latencyMs.push(now - (leftAt[framed] as number))
    }
  }
  for (const until = seconds * 1000 + 15_000; now <= until; now += 1) {
    agenda.run(now)
    if (now % 60 === 0) copy.tick()
    while (now >= phase + (rendered * block * 1000) / (RATE * (1 + driftPpm / 1e6))) {
      render()
      rendered += 1
    }
  }
  return { playout, copy, numbers, onWayMs, latencyMs, end }
}

/** Nearest-rank percentile. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}
