/**
 * The exact copy of what the kit hears: every sample of a stream in its place, what is missing asked for again, and at
 * the end the digest compared with the kit's. What is drawn and what is verified is this, whatever the ear was given.
 */
import type { LiveVitals } from '../wire'
import { KitTimes } from './kitTimes'
import { isGap, parsePacket, type Chunk, type SoundPacket } from './packet'
import { Reach } from './reach'
import { NewestVitals, readVitalsBlock } from './vitalsBlock'

/** `gaps`: some sound could not be had again. `not_checked`: this page may not compute digests (no https). */
export type Verdict = 'listening' | 'checking' | 'verified' | 'differs' | 'gaps' | 'not_checked'

/** `verified` is called `repaired` where some of it had to be asked for again. */
export type Judgement = Verdict | 'repaired'

/** First sample and count. */
export type Range = [first: number, count: number]

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
  gaps: Range[]
  sha256: string
}

/** What the kit says of its stream: how far back it can repair (`oldest_chunk`) and how far it has come. */
export interface SoundHere {
  stream: number
  rate_hz: number
  chunk_samples: number
  oldest_chunk: number
  next_chunk: number
}

export interface ExactSoundOptions {
  /** Send on the `repair` channel; false when it is closed. */
  ask: (message: object) => boolean
  onBegin?: (stream: number, rateHz: number) => void
  /** Samples became known (also by repair, then they lie before the newest). */
  onSamples?: (first: number, length: number) => void
  onVerdict?: (verdict: Verdict, heard: Heard | null) => void
  /** Vital signs newer than any before, out of a sound packet. */
  onVitals?: (vitals: LiveVitals) => void
  now?: () => number
}

const ASK_AFTER_CHUNKS = 2
const ASK_AGAIN_MS = 250
/** Chunks asked for and not here yet: about 200 kbit/s of repair, so that it never crowds out what is live. */
const ASKED_AT_ONCE = 64
/** So long without news, while the kit can be asked, and the rest will not come. */
const GIVE_UP_MS = 10_000
/** A kit that cannot be reached: the verdict is given, and given anew if it comes back. */
const GONE_MS = 60_000
const LONGEST_S = 1800
const MOST_SAMPLES = LONGEST_S * 32_000
const FIRST_ROOM_S = 4
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
  /** Samples that were sent while this page listened, did not come, and were sent again. */
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
  /** The first chunk that could have come by itself: what was sent before is fetched, and was not lost; -1 until it is known. */
  #joined = -1
  #next = 0
  #oldest = 0
  #asked = new Map<number, number>()
  #end: SoundEnd | null = null
  /** Last time that something came. */
  #arrivedAt = 0
  /** Last time that something came, or that the kit could not be asked. */
  #newsAt = 0
  #times = new KitTimes()
  #reach = new Reach(1, 0)
  readonly #vitals = new NewestVitals()
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

  /** Samples that have not come here: on the way, or lost until the kit sends them again. */
  get missingRanges(): Range[] {
    return ranges(this.known, UNKNOWN)
  }

  /** Samples that the kit itself never got. */
  get gapRanges(): Range[] {
    return ranges(this.known, GAP)
  }

  get judgement(): Judgement {
    return this.verdict === 'verified' && this.repaired > 0 ? 'repaired' : this.verdict
  }

  /** When sample `at` was heard, by the kit's monotonic clock, µs; null when the kit has not said. */
  kitTimeOf(at: number): number | null {
    return this.#times.of(at, this.#chunkSamples, this.rateHz)
  }

  take(data: ArrayBuffer, how: 'live' | 'repair'): void {
    const packet = parsePacket(data)
    if ('refused' in packet) return this.#refuse(packet.refused)
    if (packet.state !== null) this.#takeVitals(packet.state, packet.timeUs)
    if (packet.chunks.length === 0 || !this.#follow(packet)) return
    if (!this.#reach.take(packet.number, this.#now())) return this.#refuse('number_out_of_reach')
    if (this.#joined < 0) this.#joined = Math.min(...packet.chunks.map(({ number }) => number))
    if (!this.#reserve(packet.number + 1)) return this.#refuse('stream_too_long')
    this.#times.set(packet.number, packet.timeUs)
    const holes = this.#complete < this.#next
    for (const chunk of packet.chunks) this.#store(chunk, how)
    if (holes && how === 'live') this.tick()
    else this.#finish()
  }

  #takeVitals(block: Uint8Array, timeUs: number): void {
    const vitals = readVitalsBlock(block)
    if (vitals === null) return this.#refuse('bad_state')
    if (this.#vitals.take(vitals.seq, timeUs)) this.#options.onVitals?.(vitals)
  }

  #refuse(reason: string): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1)
  }

  /** The kit says which stream it has and how far back it can repair (`sound_here`). */
  here(message: SoundHere): void {
    const { stream, rate_hz: rateHz, chunk_samples: chunkSamples, oldest_chunk: oldest, next_chunk: next } = message
    const numbers = [stream, rateHz, chunkSamples, oldest, next]
    const sound = numbers.every((one) => Number.isSafeInteger(one) && one >= 0) && rateHz >= 1000 && chunkSamples > 0
    if (!sound || next * chunkSamples > LONGEST_S * rateHz) return this.#refuse('bad_here')
    if (!this.#follow({ stream, rateHz, chunkSamples })) return
    this.#oldest = oldest
    this.#arrivedAt = this.#newsAt = this.#now()
    if (!this.#reserve(next)) return
    if (this.#joined < 0) this.#joined = next
    if (next > 0) this.#reach.take(next - 1, this.#now())
    // after the end its length is known better
    if (this.#end === null) this.#next = Math.max(this.#next, next)
    else if (this.verdict === 'gaps' && this.#canStillCome()) this.#become('checking', null)
  }

  end(end: SoundEnd): void {
    if (end.stream !== this.stream || this.#end !== null) return
    const sound = Number.isSafeInteger(end.samples) && end.samples >= 0 && areRanges(end.gaps)
    if (!sound || !this.#reserve(Math.ceil(end.samples / this.#chunkSamples))) return this.#refuse('bad_end')
    this.#end = end
    this.#arrivedAt = this.#newsAt = this.#now()
    this.#next = Math.ceil(end.samples / this.#chunkSamples)
    this.length = end.samples
    this.#doubtGaps(end)
    this.#become('checking', null)
    this.tick()
  }

  /** A gap here that is none in the record: the stethoscope sent it again, so ask for that chunk. */
  #doubtGaps(end: SoundEnd): void {
    if (this.#gapped.size === 0) return
    const real = new Uint8Array(end.samples)
    for (const [first, count] of end.gaps) real.fill(1, first, first + count)
    for (const number of this.#gapped) {
      const first = number * this.#chunkSamples
      const doubtful = (_: number, index: number): boolean => this.#known[first + index] === GAP && real[first + index] === 0
      if (!real.subarray(first, first + this.#chunkSamples).some(doubtful)) continue
      this.#chunks[number] = UNKNOWN
      this.#complete = Math.min(this.#complete, number)
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
    this.#joined = -1
    this.length = this.gaps = this.repaired = this.#complete = this.#next = this.#oldest = 0
    // little at first: whoever names many streams shall not fill the memory
    this.#samples = new Int16Array(this.rateHz * FIRST_ROOM_S)
    this.#known = new Uint8Array(this.#samples.length)
    this.#chunks = new Uint8Array(Math.ceil(this.#samples.length / this.#chunkSamples))
    this.#times = new KitTimes()
    this.#newsAt = this.#now()
    this.#reach = new Reach((1000 * this.#chunkSamples) / this.rateHz, this.#newsAt)
    this.#asked.clear()
    this.#gapped.clear()
    this.#end = null
    this.verdict = 'listening'
    this.#options.onBegin?.(this.stream, this.rateHz)
    return true
  }

  #reserve(chunks: number): boolean {
    const needed = chunks * this.#chunkSamples
    if (needed > Math.min(LONGEST_S * this.rateHz, MOST_SAMPLES)) return false
    if (chunks <= this.#chunks.length && needed <= this.#samples.length) return true
    const size = Math.max(needed, this.#samples.length * 2)
    this.#samples = grown(this.#samples, new Int16Array(size))
    this.#known = grown(this.#known, new Uint8Array(size))
    this.#chunks = grown(this.#chunks, new Uint8Array(Math.ceil(size / this.#chunkSamples)))
    return true
  }

  #store(chunk: Chunk, how: 'live' | 'repair'): void {
    // beyond its end a stream has nothing
    if (this.#end !== null && chunk.number >= this.#next) return
    if (this.#chunks[chunk.number] !== UNKNOWN && !this.#gapped.has(chunk.number)) return
    const first = chunk.number * this.#chunkSamples
    const news = this.#fill(chunk, first)
    this.#chunks[chunk.number] = HERE
    this.#asked.delete(chunk.number)
    this.#next = Math.max(this.#next, chunk.number + 1)
    if (this.#end === null) this.length = Math.max(this.length, first + chunk.length)
    while (this.#chunks[this.#complete] === HERE) this.#complete += 1
    if (news === 0) return
    this.#arrivedAt = this.#newsAt = this.#now()
    if (how === 'repair' && chunk.number >= this.#joined) this.repaired += news
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
    const wanted = this.#wanted(until, now)
    if (wanted.length > 0) {
      if (this.#options.ask({ type: 'sound_ask', stream: this.stream, chunks: wanted })) {
        for (const number of wanted) this.#asked.set(number, now)
      } else {
        this.#newsAt = now
      }
    }
    this.#finish()
  }

  /** What is missing and not asked for just now, as much as may be on its way at once. */
  #wanted(until: number, now: number): number[] {
    const asked = (number: number): boolean => now - (this.#asked.get(number) ?? -Infinity) < ASK_AGAIN_MS
    let room = ASKED_AT_ONCE
    for (const number of this.#asked.keys()) if (asked(number)) room -= 1
    const wanted: number[] = []
    const unknown = this.#chunks.subarray(0, Math.max(0, until))
    let number = unknown.indexOf(UNKNOWN, Math.max(this.#complete, this.#oldest))
    for (; number >= 0 && wanted.length < room; number = unknown.indexOf(UNKNOWN, number + 1)) {
      if (!asked(number)) wanted.push(number)
    }
    return wanted
  }

  #finish(): void {
    if (this.#end === null || this.verdict !== 'checking' || this.#hashing) return
    const now = this.#now()
    const patient = now - this.#newsAt <= GIVE_UP_MS && now - this.#arrivedAt <= GONE_MS
    if (this.#complete >= this.#next || !patient || !this.#canStillCome()) void this.#check(this.#end)
  }

  /** True while a missing chunk may still be had from the kit. */
  #canStillCome(): boolean {
    return this.#chunks.subarray(Math.max(this.#complete, this.#oldest), this.#next).includes(UNKNOWN)
  }

  async #check(end: SoundEnd): Promise<void> {
    this.#hashing = true
    const missing = this.missing
    const sha256 = await digest(this.samples)
    this.#hashing = false
    if (this.#end !== end) return
    // something came while the digest was computed
    if (this.missing < missing) return this.#finish()
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

function ranges(known: Uint8Array, what: number): Range[] {
  const found: Range[] = []
  for (let first = known.indexOf(what); first >= 0; ) {
    let end = first + 1
    while (end < known.length && known[end] === what) end += 1
    found.push([first, end - first])
    first = known.indexOf(what, end)
  }
  return found
}

function areRanges(gaps: unknown): gaps is Range[] {
  const whole = (one: unknown): boolean => Number.isSafeInteger(one) && (one as number) >= 0
  return Array.isArray(gaps) && gaps.every((gap) => Array.isArray(gap) && gap.length === 2 && gap.every(whole))
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
