/**
 * When which sample is played: numbered samples in, one audio block out. Samples are played one to one, in order: late
 * ones are waited for, a real gap is silence, nothing is stretched or made up. Pure; the audio thread owns one.
 */
import { isGap, type Chunk, type SoundPacket } from './packet'

const UNKNOWN = 0
const HERE = 1
const GAP = 2

const BASE_MS = 60
const STEP_MS = 20
const MOST_MS = 300
/** How long a hole may hold up what comes after it. */
const PATIENCE_MS = 120
/**
 * Much more delay than wanted, all the time for two seconds, is given back at once: the sound goes silent for a moment and
 * goes on nearer to now. Never otherwise: between two jumps every interval is what the heart did.
 */
const MUCH_MS = 80
const EXCESS_FOR_MS = 2000
/** The silence that makes a jump heard as one. */
const JUMP_MS = 60
/** This long without running out, and less delay will do. */
const CALM_MS = 10_000
const FAR_BEHIND_MS = 1000
/** Silence begins by fading out the last sample, so that it does not click. */
const FADE_MS = 4
const STREAMS_KEPT_APART = 16

export interface PlayoutCounts {
  /** Samples of silence played because the sound was late. */
  waited: number
  /** How often the sound ran out. */
  underruns: number
  /** Samples that came after their time: in the record, not heard. */
  late: number
  /** Samples left out to catch up: in the record, not heard. */
  skipped: number
  /** How often that was done. */
  jumps: number
}

export class Playout {
  readonly counts: PlayoutCounts = { waited: 0, underruns: 0, late: 0, skipped: 0, jumps: 0 }
  stream = -1
  /** Streams before this one: a late packet of theirs must not begin them anew. */
  #past: number[] = []
  #head = 0
  #anchor = 0
  #newest = 0
  #end = Infinity
  #playing = false
  #anchored = false
  #target: number
  #hole = 0
  #leastLevel = Infinity
  #leastFor = 0
  #pause = 0
  #calm = 0
  #last = 0
  readonly #samples: Int16Array
  readonly #known: Uint8Array
  readonly #size: number

  constructor(readonly rateHz: number) {
    this.#size = 2 ** Math.ceil(Math.log2(rateHz * 60))
    this.#samples = new Int16Array(this.#size)
    this.#known = new Uint8Array(this.#size)
    this.#target = this.#of(BASE_MS)
  }

  /** Number of the next sample to be played. */
  get head(): number {
    return this.#head
  }

  /** Sound waiting to be played, ms. */
  get levelMs(): number {
    return ((this.#newest - this.#head) * 1000) / this.rateHz
  }

  get targetMs(): number {
    return (this.#target * 1000) / this.rateHz
  }

  get playing(): boolean {
    return this.#playing
  }

  #of(ms: number): number {
    return Math.round((ms * this.rateHz) / 1000)
  }

  begin(stream: number): void {
    Object.assign(this.counts, { waited: 0, underruns: 0, late: 0, skipped: 0, jumps: 0 })
    this.#past = [this.stream, ...this.#past].slice(0, STREAMS_KEPT_APART)
    this.stream = stream
    this.#head = this.#newest = this.#hole = this.#leastFor = 0
    this.#pause = this.#calm = 0
    this.#leastLevel = this.#end = Infinity
    this.#playing = this.#anchored = false
    this.#target = this.#of(BASE_MS)
    this.#known.fill(UNKNOWN)
  }

  /** The stream has this many samples in all. */
  end(stream: number, samples: number): void {
    if (stream === this.stream) this.#end = samples
  }

  /** Takes a packet; one of a stream not seen before begins that stream. */
  take(packet: SoundPacket): void {
    const first = packet.chunks[0]
    if (packet.rateHz !== this.rateHz || first === undefined || this.#past.includes(packet.stream)) return
    if (packet.stream !== this.stream) this.begin(packet.stream)
    if (!this.#anchored) {
      this.#anchored = true
      this.#anchor = this.#head = this.#newest = first.number * packet.chunkSamples
    }
    for (const chunk of packet.chunks) this.#store(chunk, chunk.number * packet.chunkSamples)
  }

  #store(chunk: Chunk, first: number): void {
    if (first + chunk.length > this.#head + this.#size / 2) this.#jump(first)
    for (let index = 0; index < chunk.length; index += 1) {
      const sample = first + index
      const at = sample & (this.#size - 1)
      if (sample < this.#head) {
        this.#notPlayed(sample, at)
        continue
      }
      const gap = isGap(chunk, index)
      // the kit may fill a gap later; an older packet does not open it again
      if (gap && this.#known[at] === HERE) continue
      this.#samples[at] = gap ? 0 : (chunk.samples as Int16Array)[index] as number
      this.#known[at] = gap ? GAP : HERE
    }
    this.#newest = Math.max(this.#newest, first + chunk.length)
  }

  /** Behind the head a sample was played already, unless its place is still empty. */
  #notPlayed(sample: number, at: number): void {
    const remembered = sample >= this.#anchor && sample > this.#head - this.#size / 2
    if (!remembered || this.#known[at] !== UNKNOWN) return
    this.counts.late += 1
    this.#known[at] = HERE
  }

  #jump(to: number): void {
    this.#known.fill(UNKNOWN)
    this.counts.skipped += to - this.#head
    this.counts.jumps += 1
    this.#anchor = this.#head = this.#newest = to
    this.#playing = false
  }

  /** Fills a block with samples as numbers from -1 to 1; returns the first real sample's number, or -1 for none. */
  render(out: Float32Array): number {
    this.#catchUp(out.length)
    let first = -1
    for (let index = 0; index < out.length; index += 1) {
      const head = this.#head
      const value = this.#next()
      if (value === null) {
        this.#last *= 1 - 1 / this.#of(FADE_MS)
        if (Math.abs(this.#last) < 1e-5) this.#last = 0
      } else {
        this.#last = value
        if (first < 0) first = head
      }
      out[index] = this.#last
    }
    return first
  }

  /** The next sample, or null for silence. */
  #next(): number | null {
    if (this.#pause > 0) {
      this.#pause -= 1
      return null
    }
    if (!this.#playing && !this.#mayStart()) return null
    if (this.#head >= this.#newest) return this.#runOut()
    const at = this.#head & (this.#size - 1)
    if (this.#known[at] === UNKNOWN) return this.#waitForHole()
    this.#hole = 0
    if (this.#known[at] === GAP) return this.#passGap()
    const value = this.#samples[at] as number
    this.#advance()
    return value / 32768
  }

  /** Leave out so much that, after the pause, the wanted delay is left. */
  #jumpAhead(excess: number): void {
    this.#pause = this.#of(JUMP_MS)
    const samples = Math.min(excess + this.#pause, this.#newest - this.#head)
    for (let left = samples; left > 0; left -= 1) this.#advance()
    this.counts.skipped += samples
    this.counts.jumps += 1
  }

  #mayStart(): boolean {
    const level = this.#newest - this.#head
    this.#playing = level > 0 && (level >= this.#target || this.#newest >= this.#end)
    if (!this.#playing && this.#anchored && this.#head < this.#end) this.counts.waited += 1
    return this.#playing
  }

  #runOut(): null {
    this.#playing = false
    if (this.#head < this.#end) {
      this.counts.underruns += 1
      this.#calm = 0
      this.#target = Math.min(this.#target + this.#of(STEP_MS), this.#of(MOST_MS))
    }
    return null
  }

  #waitForHole(): null {
    this.#hole += 1
    this.counts.waited += 1
    if (this.#hole >= this.#of(PATIENCE_MS)) {
      while (this.#head < this.#newest && this.#known[this.#head & (this.#size - 1)] === UNKNOWN) this.#advance()
      this.#hole = 0
    }
    return null
  }

  /** A gap is silence; where time was already lost waiting for it, it is not waited out once more. */
  #passGap(): null {
    do this.#advance()
    while (
      this.#newest - this.#head > this.#target &&
      this.#known[this.#head & (this.#size - 1)] === GAP
    )
    return null
  }

  #advance(): void {
    // half the buffer lies ahead: what enters there is not known yet, whatever its place held before
    this.#known[(this.#head + this.#size / 2) & (this.#size - 1)] = UNKNOWN
    this.#head += 1
  }

  #catchUp(block: number): void {
    if (!this.#playing) return
    const level = this.#newest - this.#head
    this.#calm += block
    if (this.#calm >= this.#of(CALM_MS)) {
      this.#calm = 0
      this.#target = Math.max(this.#target - this.#of(STEP_MS), this.#of(BASE_MS))
    }
    this.#leastLevel = Math.min(this.#leastLevel, level)
    this.#leastFor += block
    const far = level > this.#target + this.#of(FAR_BEHIND_MS)
    if (!far && this.#leastFor < this.#of(EXCESS_FOR_MS)) return
    const excess = (far ? level : this.#leastLevel) - this.#target
    if (far || excess > this.#of(MUCH_MS)) this.#jumpAhead(excess)
    this.#leastLevel = Infinity
    this.#leastFor = 0
  }
}
