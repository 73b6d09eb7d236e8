/**
 * The exact copy of what the kit hears: every sample of a stream in its place, what is missing asked for again, and at
 * the end the digest compared with the kit's. What is drawn and what is verified is this, whatever the ear was given.
 */
import { isGap, parsePacket, type Chunk, type SoundPacket } from './packet'

/** `gaps`: some sound could not be had again. `not_checked`: this page may not compute digests (no https). */
export type Verdict = 'listening' | 'checking' | 'verified' | 'differs' | 'gaps' | 'not_checked'

export const UNKNOWN = 0
export const HERE = 1
/** The kit itself never got it: a gap is a gap. */
export const GAP = 2

/** What the page reports to the hub (`HeardSound`); counts in samples. */
export interface Heard {
  stream: number
  sha256: string
  samples: number
  repaired: number
  missing: number
}

export interface SoundEnd {
  stream: number
  samples: number
  /** First sample and count of what never reached the kit. */
  gaps: [number, number][]
  sha256: string
}

export interface ExactSoundOptions {
  /** Send on the `repair` channel; false when it is closed. */
  ask: (message: object) => boolean
  onBegin?: (stream: number, rateHz: number) => void
  /** Samples became known (also by repair, then they lie before the newest). */
  onSamples?: (first: number, length: number) => void
  onVerdict?: (verdict: Verdict, heard: Heard | null) => void
  now?: () => number
}

const ASK_AFTER_CHUNKS = 2
const ASK_AGAIN_MS = 250
const ASK_AT_ONCE = 64
const GIVE_UP_MS = 10_000
const LONGEST_S = 1800
const TICK_MS = 60
const STREAMS_KEPT_APART = 16

export class ExactSound {
  stream = -1
  rateHz = 0
  verdict: Verdict = 'listening'
  /** One past the highest sample known, or the stream's length once it ended. */
  length = 0
  /** Samples of device gaps (the kit never had them). */
  gaps = 0
  repaired = 0
  /** Packets that were refused, by reason. */
  readonly refused = new Map<string, number>()
  #samples = new Int16Array(0)
  #known = new Uint8Array(0)
  #chunkSamples = 0
  #chunks = new Uint8Array(0)
  /** Chunks with a gap, which the kit may still fill. */
  #gapped = new Set<number>()
  #complete = 0
  #next = 0
  #oldest = 0
  #asked = new Map<number, number>()
  #end: SoundEnd | null = null
  #endedAt = 0
  #hashing = false
  #past: number[] = []
  readonly #options: ExactSoundOptions
  readonly #now: () => number
  readonly #timer: ReturnType<typeof setInterval>

  constructor(options: ExactSoundOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#timer = setInterval(() => this.tick(), TICK_MS)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** PCM16, zero where nothing is known or the kit has a gap; a view that is good until the next packet. */
  get samples(): Int16Array {
    return this.#samples.subarray(0, this.length)
  }

  /** What each sample is: `UNKNOWN`, `HERE` or `GAP`. */
  get known(): Uint8Array {
    return this.#known.subarray(0, this.length)
  }

  /** Samples up to `length` that have not arrived here. */
  get missing(): number {
    let missing = 0
    for (const known of this.known) if (known === UNKNOWN) missing += 1
    return missing
  }

  take(data: ArrayBuffer, how: 'live' | 'repair'): void {
    const packet = parsePacket(data)
    if ('refused' in packet) {
      this.refused.set(packet.refused, (this.refused.get(packet.refused) ?? 0) + 1)
      return
    }
    if (!this.#follow(packet)) return
    for (const chunk of packet.chunks) this.#store(chunk, how)
    this.#finish()
  }

  /** The kit says which stream it has and how far back it can repair (`sound_here`). */
  here(message: { stream: number; rate_hz: number; chunk_samples: number; oldest_chunk: number; next_chunk: number }): void {
    const { stream, rate_hz: rateHz, chunk_samples: chunkSamples } = message
    if (!this.#follow({ stream, rateHz, chunkSamples })) return
    this.#oldest = message.oldest_chunk
    this.#reserve(message.next_chunk)
    this.#next = Math.max(this.#next, message.next_chunk)
  }

  end(end: SoundEnd): void {
    if (end.stream !== this.stream || this.#end !== null || end.samples > LONGEST_S * this.rateHz) return
    this.#end = end
    this.#endedAt = this.#now()
    this.#next = Math.ceil(end.samples / this.#chunkSamples)
    this.#reserve(this.#next)
    this.length = end.samples
    this.#doubtGaps(end)
    this.#become('checking', null)
    this.tick()
  }

  /** A gap here that is none in the record: the stethoscope sent it again, so ask for that chunk. */
  #doubtGaps(end: SoundEnd): void {
    const real = (sample: number): boolean => end.gaps.some(([first, count]) => sample >= first && sample < first + count)
    for (const number of this.#gapped) {
      const first = number * this.#chunkSamples
      for (let sample = first; sample < Math.min(first + this.#chunkSamples, end.samples); sample += 1) {
        if (this.#known[sample] !== GAP || real(sample)) continue
        this.#chunks[number] = UNKNOWN
        this.#complete = Math.min(this.#complete, number)
        break
      }
    }
  }

  /** Begin a stream not seen before; false for a packet of an older one, or one that does not fit. */
  #follow(packet: Pick<SoundPacket, 'stream' | 'rateHz' | 'chunkSamples'>): boolean {
    if (packet.stream === this.stream) return packet.chunkSamples === this.#chunkSamples && packet.rateHz === this.rateHz
    if (this.#past.includes(packet.stream)) return false
    this.#past = [this.stream, ...this.#past].slice(0, STREAMS_KEPT_APART)
    this.stream = packet.stream
    this.rateHz = packet.rateHz
    this.#chunkSamples = packet.chunkSamples
    this.length = this.gaps = this.repaired = this.#complete = this.#next = this.#oldest = 0
    this.#samples = new Int16Array(this.rateHz * 60)
    this.#known = new Uint8Array(this.rateHz * 60)
    this.#chunks = new Uint8Array(Math.ceil(this.#samples.length / this.#chunkSamples))
    this.#asked.clear()
    this.#gapped.clear()
    this.#end = null
    this.verdict = 'listening'
    this.#options.onBegin?.(this.stream, this.rateHz)
    return true
  }

  #reserve(chunks: number): boolean {
    const needed = chunks * this.#chunkSamples
    if (needed > LONGEST_S * this.rateHz) return false
    if (chunks <= this.#chunks.length && needed <= this.#samples.length) return true
    const size = Math.max(needed, this.#samples.length * 2)
    this.#samples = grown(this.#samples, new Int16Array(size))
    this.#known = grown(this.#known, new Uint8Array(size))
    this.#chunks = grown(this.#chunks, new Uint8Array(Math.ceil(size / this.#chunkSamples)))
    return true
  }

  #store(chunk: Chunk, how: 'live' | 'repair'): void {
    if (!this.#reserve(chunk.number + 1)) return
    if (this.#chunks[chunk.number] !== UNKNOWN && !this.#gapped.has(chunk.number)) return
    const first = chunk.number * this.#chunkSamples
    const news = this.#fill(chunk, first)
    this.#chunks[chunk.number] = HERE
    this.#asked.delete(chunk.number)
    this.#next = Math.max(this.#next, chunk.number + 1)
    if (this.#end === null) this.length = Math.max(this.length, first + chunk.length)
    while (this.#chunks[this.#complete] === HERE) this.#complete += 1
    if (news === 0) return
    if (how === 'repair') this.repaired += news
    this.#options.onSamples?.(first, chunk.length)
  }

  /** Puts in what is new; a sample once here stays as it is. Returns how many places changed. */
  #fill(chunk: Chunk, first: number): number {
    let news = 0
    let gaps = 0
    for (let index = 0; index < chunk.length; index += 1) {
      const before = this.#known[first + index]
      const gap = isGap(chunk, index)
      if (before === HERE || (gap && before === GAP)) {
        if (before === GAP) gaps += 1
        continue
      }
      news += 1
      if (gap) gaps += 1
      else this.#samples[first + index] = (chunk.samples as Int16Array)[index] as number
      this.gaps += gap ? 1 : before === GAP ? -1 : 0
      this.#known[first + index] = gap ? GAP : HERE
    }
    if (gaps > 0) this.#gapped.add(chunk.number)
    else this.#gapped.delete(chunk.number)
    return news
  }

  /** Ask for what is missing; called by a timer, and by tests. */
  tick(): void {
    if (this.stream < 0 || (this.verdict !== 'listening' && this.verdict !== 'checking')) return
    const now = this.#now()
    // the newest chunks may still come with the next packets, which repeat them
    const until = this.#end === null ? this.#next - ASK_AFTER_CHUNKS : this.#next
    const wanted: number[] = []
    for (let number = this.#complete; number < until && wanted.length < ASK_AT_ONCE; number += 1) {
      if (this.#chunks[number] !== UNKNOWN || number < this.#oldest) continue
      if (now - (this.#asked.get(number) ?? -Infinity) >= ASK_AGAIN_MS) wanted.push(number)
    }
    if (wanted.length > 0 && this.#options.ask({ type: 'sound_ask', stream: this.stream, chunks: wanted })) {
      for (const number of wanted) this.#asked.set(number, now)
    }
    this.#finish()
  }

  #finish(): void {
    if (this.#end === null || this.verdict !== 'checking' || this.#hashing) return
    const patient = this.#now() - this.#endedAt <= GIVE_UP_MS
    if (this.#complete >= this.#next || !patient || !this.#canStillCome()) void this.#check(this.#end)
  }

  /** True while a missing chunk may still be had from the kit. */
  #canStillCome(): boolean {
    return this.#chunks.subarray(Math.max(this.#complete, this.#oldest), this.#next).includes(UNKNOWN)
  }

  async #check(end: SoundEnd): Promise<void> {
    this.#hashing = true
    const sha256 = await digest(this.samples)
    this.#hashing = false
    if (this.#end !== end) return
    const missing = this.missing
    const heard = { stream: end.stream, sha256, samples: end.samples, repaired: this.repaired, missing }
    if (sha256 === '') this.#become('not_checked', null)
    else if (missing > 0) this.#become('gaps', heard)
    else this.#become(sha256 === end.sha256 ? 'verified' : 'differs', heard)
  }

  #become(verdict: Verdict, heard: Heard | null): void {
    this.verdict = verdict
    this.#options.onVerdict?.(verdict, heard)
  }
}

function grown<A extends Int16Array | Uint8Array>(from: A, to: A): A {
  to.set(from)
  return to
}

/** SHA-256 over PCM16 little endian, hex; empty where the browser offers none (page not on https or localhost). */
export async function digest(samples: Int16Array): Promise<string> {
  if (typeof crypto === 'undefined' || crypto.subtle === undefined) return ''
  const bytes = new DataView(new ArrayBuffer(samples.length * 2))
  samples.forEach((sample, index) => bytes.setInt16(2 * index, sample, true))
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.buffer))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
