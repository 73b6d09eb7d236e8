/**
 * When which sample is played: numbered samples in, one audio block out. Pure; the audio thread owns one.
 *
 * The rule. Sample n is played n sample periods after sample 0, and never otherwise: what is not there at its time is silence
 * of its own length, and what follows is not shifted. Only a break moves the sound against the time: at least 400 ms of
 * silence, longer than any systole, so that no interval can be read across it. A break is made when too much comes late
 * (then the delay grows), or when the delay is far more than needed (then it shrinks). Clocks that drift apart end in a
 * break every few minutes, not in samples left out or doubled. Every silence is counted; nothing is stretched or made up.
 */
import { Lateness } from './lateness'
import { isGap, type Chunk, type SoundPacket } from './packet'
import { Reach } from './reach'

const UNKNOWN = 0
const HERE = 1
const GAP = 2

/** Delay at the beginning, over the first packet. */
const START_MS = 45
/** Beyond the quickest packet. */
const MOST_MS = 300
const BREAK_MS = 400
/** Room for the clocks to drift; doubled when it was used up within a few minutes. */
const SLACK_MS = 10
const MOST_SLACK_MS = 80
const SLACK_LASTS_MS = 300_000
const EXCESS_MS = 60
/** So much too little for the few that are latest is not worth a break. */
const LITTLE_MS = 3
const SHRINK_AFTER_MS = 10_000
const GROW_AFTER_MS = 1000
const FAR_MS = 1000
/** Longer silence of the way is an outage: what was lost in it comes late, and no delay would have helped. */
const OUTAGE_MS = 200
const CONTROL_MS = 100
/** A new stream is silent for so long, while it is seen how late its packets come: all of a block's places in a frame. */
export const LEARN_MS = 500
/** A page that has just begun is busy, and that says nothing about the way: it is looked again until this is over. */
const LEARN_AGAIN_MS = 300
export const LEARN_MOST_MS = 1200
/** So far apart at most come the packets of a moment that is not disturbed. */
const CALM_MS = 25
/** Over what was seen in that time: half a second has not seen the latest. */
const UNSEEN_MS = 15
/** After so long it is known better; a delay that is then so much too long is given back at once. */
const LOOK_AGAIN_MS = [4000, 15_000]
const LOOK_EXCESS_MS = 30
/** Packets after which the way is known. */
const KNOWN_AFTER = 5
/** Silence begins by fading out the last sample, so that it does not click. */
const FADE_MS = 4
const STREAMS_KEPT_APART = 16

/** `starting`: the first sample is yet to come. `late`: not here in time. `gap`: the kit never got it. */
export type Silence = 'starting' | 'late' | 'gap' | 'break' | 'ended'

/** Of one stream, in samples. Heard are `played`; the others were silence of their own length. */
export interface PlayoutCounts {
  played: number
  /** Silence because the sound was not there at its time. */
  waited: number
  /** How often that began. */
  underruns: number
  /** Silence where the kit itself has a gap. */
  gaps: number
  /** Silence of breaks. */
  paused: number
  /** Samples that came after their time: in the record, not heard. */
  late: number
  /** Samples left out by breaks: in the record, not heard. */
  skipped: number
  /** How often the sound was broken off to change the delay. */
  jumps: number
}

const NOTHING: PlayoutCounts = { played: 0, waited: 0, underruns: 0, gaps: 0, paused: 0, late: 0, skipped: 0, jumps: 0 }

export class Playout {
  readonly counts: PlayoutCounts = { ...NOTHING }
  stream = -1
  /** Why the last block has silence in it, the first reason; null when it has none. */
  silence: Silence | null = null
  /** Streams before this one: a late packet of theirs must not begin them anew. */
  #past: number[] = []
  /** Samples given out since the beginning: the loudspeaker's clock. */
  #clock = 0
  /** Sample n is played when the clock shows n + shift; null before the first packet. */
  #shift: number | null = null
  #anchor = 0
  #newest = 0
  /** First sample after the last outage. */
  #restored = 0
  #end = Infinity
  #resumeAt = 0
  /** Until then the way is learned; 0 when it is known. */
  #learnUntil = 0
  #learnAtMost = 0
  /** When what was learned is looked at once more. */
  #looks: number[] = []
  #brokeAt = -Infinity
  #grewAt = -Infinity
  #slackMs = SLACK_MS
  #control = 0
  #ranOut = false
  #last = 0
  #lateness: Lateness
  #reach = new Reach(1, 0)
  /** Delay to begin the next stream with, samples: the way stays the same. */
  #start: number
  readonly #samples: Int16Array
  readonly #known: Uint8Array
  readonly #size: number

  /** `learnMs`: for how long a stream of this number is only learned from. */
  constructor(
    readonly rateHz: number,
    readonly learnMs: (stream: number) => number = () => 0,
  ) {
    this.#size = 2 ** Math.ceil(Math.log2(rateHz * 60))
    this.#samples = new Int16Array(this.#size)
    this.#known = new Uint8Array(this.#size)
    this.#start = this.#of(START_MS)
    this.#lateness = new Lateness(this.#of(MOST_MS), this.rateHz)
  }

  /** The first sample that had a time: what came before it was over. */
  get begins(): number {
    return this.#anchor
  }

  /** Number of the next sample to be played. */
  get head(): number {
    if (this.#shift === null || this.#learnUntil > 0) return this.#anchor
    const next = Math.max(this.#clock, this.#resumeAt) - this.#shift
    return Math.min(Math.max(next, this.#anchor), Math.max(this.#end, this.#anchor))
  }

  /** Sound waiting to be played, ms. */
  get levelMs(): number {
    return ((this.#newest - this.head) * 1000) / this.rateHz
  }

  /** How much later than by the quickest packet the sound is played, ms. */
  get targetMs(): number {
    const quickest = this.#lateness.quickest
    return this.#shift === null || quickest === Infinity ? 0 : ((this.#shift - quickest) * 1000) / this.rateHz
  }

  #of(ms: number): number {
    return Math.round((ms * this.rateHz) / 1000)
  }

  begin(stream: number): void {
    this.#learn()
    Object.assign(this.counts, NOTHING)
    this.#past = [this.stream, ...this.#past].slice(0, STREAMS_KEPT_APART)
    this.stream = stream
    this.#shift = null
    this.#anchor = this.#newest = this.#resumeAt = this.#restored = this.#learnUntil = 0
    this.#end = Infinity
    this.#looks = []
    this.#brokeAt = this.#grewAt = -Infinity
    this.#slackMs = SLACK_MS
    this.#ranOut = false
    this.#lateness = new Lateness(this.#of(MOST_MS), this.rateHz)
    this.#known.fill(UNKNOWN)
  }

  #learn(): void {
    if (this.#lateness.count < 100) return
    const needed = this.#lateness.wanted(this.#clock) - this.#lateness.quickest
    // a first packet is seldom one of the quickest
    this.#start = Math.max(this.#of(START_MS), needed - this.#of(START_MS / 2))
  }

  /** The stream has this many samples in all. */
  end(stream: number, samples: number): void {
    if (stream !== this.stream) return
    const before = this.head
    this.#end = samples
    // what a break left out, or the ear waited for, beyond the end never was
    const beyond = before - this.head
    const count = this.#clock < this.#resumeAt ? 'skipped' : 'waited'
    this.counts[count] -= Math.min(beyond, this.counts[count])
  }

  /** Takes a packet; one of a stream not seen before begins that stream. */
  take(packet: SoundPacket): void {
    const first = packet.chunks[0]
    if (packet.rateHz !== this.rateHz || first === undefined || this.#past.includes(packet.stream)) return
    if (packet.stream !== this.stream) this.begin(packet.stream)
    const at = first.number * packet.chunkSamples
    if (this.#shift === null) this.#open(packet, first.number)
    if (!this.#reach.take(first.number, this.#clockMs)) return
    if (at + first.length > this.#newest) this.#lateness.packet(this.#clock - at, this.#clock)
    if (at - this.#newest > this.#of(OUTAGE_MS)) this.#restored = at
    for (const chunk of packet.chunks) this.#store(chunk, chunk.number * packet.chunkSamples)
  }

  #open(packet: SoundPacket, number: number): void {
    const before = packet.chunks.some((chunk) => chunk.number === number - 1) ? 1 : 0
    this.#anchor = this.#newest = (number - before) * packet.chunkSamples
    this.#shift = this.#clock + this.#start - number * packet.chunkSamples
    const learn = this.#of(this.learnMs(packet.stream))
    this.#learnUntil = learn > 0 ? this.#clock + learn : 0
    this.#learnAtMost = this.#clock + this.#of(LEARN_MOST_MS)
    this.#reach = new Reach((1000 * packet.chunkSamples) / this.rateHz, this.#clockMs)
  }

  get #clockMs(): number {
    return (this.#clock * 1000) / this.rateHz
  }

  #store(chunk: Chunk, first: number): void {
    const head = this.head
    // so far ahead that there is no room: a break will bring it near
    if (first + chunk.length > head + this.#size / 2 || first < this.#anchor || first < head - this.#size / 2) return
    const isNew = chunk.samples !== null && this.#known[first & (this.#size - 1)] === UNKNOWN
    if (isNew && first >= this.#restored) this.#lateness.chunk(this.#clock - first)
    for (let index = 0; index < chunk.length; index += 1) {
      const sample = first + index
      const at = sample & (this.#size - 1)
      const gap = isGap(chunk, index)
      // the kit may fill a gap later; an older packet does not open it again
      if (this.#known[at] === HERE || (gap && this.#known[at] === GAP)) continue
      if (sample < head) this.counts.late += gap ? 0 : 1
      this.#samples[at] = gap ? 0 : (chunk.samples as Int16Array)[index] as number
      this.#known[at] = gap ? GAP : HERE
    }
    this.#newest = Math.max(this.#newest, first + chunk.length)
  }

  /**
   * Fills a block with samples as numbers from -1 to 1; returns the first real sample's number, or -1 for none. `numbers`
   * takes the number of each sample, -1 for silence.
   */
  render(out: Float32Array, numbers?: Float64Array): number {
    this.#adjust(out.length)
    this.silence = null
    let first = -1
    for (let index = 0; index < out.length; index += 1) {
      const sample = this.#next()
      if (sample < 0) {
        this.#last *= 1 - 1 / this.#of(FADE_MS)
        if (Math.abs(this.#last) < 1e-5) this.#last = 0
      } else {
        this.#last = (this.#samples[sample & (this.#size - 1)] as number) / 32768
        if (first < 0) first = sample
      }
      out[index] = this.#last
      if (numbers) numbers[index] = sample
    }
    return first
  }

  /** The number of the sample whose time it is, or -1 for silence; time goes on in any case. */
  #next(): number {
    const now = this.#clock
    this.#clock += 1
    if (this.#shift === null) return this.#silent('starting')
    const sample = now - this.#shift
    if (this.#learnUntil > 0) return this.#silent('starting')
    if (now < this.#resumeAt) return this.#silent('break', 'paused')
    if (sample < this.#anchor) return this.#silent('starting')
    if (sample >= this.#end) return this.#silent('ended')
    const known = this.#known[sample & (this.#size - 1)]
    this.#passed(sample)
    if (known === GAP) return this.#silent('gap', 'gaps')
    if (known === HERE) {
      this.#ranOut = false
      this.counts.played += 1
      return sample
    }
    if (!this.#ranOut) this.counts.underruns += 1
    this.#ranOut = true
    return this.#silent('late', 'waited')
  }

  #silent(why: Silence, count?: 'paused' | 'gaps' | 'waited'): -1 {
    this.silence ??= why
    if (count !== undefined) this.counts[count] += 1
    return -1
  }

  /** Half the buffer lies ahead: what enters there is not known yet, whatever its place held before. */
  #passed(sample: number): void {
    this.#known[(sample + this.#size / 2) & (this.#size - 1)] = UNKNOWN
  }

  /** Whether the delay still fits the way. */
  #adjust(block: number): void {
    this.#control += block
    if (this.#learnUntil > 0) return this.#settle()
    if (this.#shift === null || this.#clock < this.#resumeAt || this.#control < this.#of(CONTROL_MS)) return
    this.#control = 0
    const { quickest, count } = this.#lateness
    if (count < KNOWN_AFTER || this.head >= this.#end) return
    const wanted = this.#lateness.wanted(this.#clock)
    const since = this.#clock - this.#brokeAt
    const excess = this.#shift - wanted
    if (quickest > this.#shift || excess > this.#of(FAR_MS)) this.#anew(quickest)
    else if (since > this.#of(GROW_AFTER_MS) && this.#lateness.lacks(this.#shift, this.#clock, this.#of(LITTLE_MS))) this.#grow(wanted, block)
    else if (excess > this.#of(EXCESS_MS + this.#slackMs) && since > this.#of(SHRINK_AFTER_MS)) this.#break(wanted)
    else if (this.#clock > (this.#looks[0] ?? Infinity)) this.#lookAgain(excess, wanted)
  }

  /** The way has been seen for a while: the stream begins where it is now, later by what the way needs. */
  #settle(): void {
    if (this.#clock < this.#learnUntil || this.#shift === null) return
    const again = this.#clock + this.#of(LEARN_AGAIN_MS)
    if (this.#lateness.unrest > this.#of(CALM_MS) && again <= this.#learnAtMost) {
      this.#lateness.forget()
      this.#learnUntil = again
      return
    }
    this.#learnUntil = 0
    if (this.#lateness.count >= KNOWN_AFTER) this.#shift = Math.ceil(this.#lateness.wanted(this.#clock)) + this.#of(UNSEEN_MS)
    this.#anchor = Math.max(this.#anchor, this.#clock - this.#shift)
    this.#brokeAt = this.#clock
    this.#looks = LOOK_AGAIN_MS.map((ms) => this.#clock + this.#of(ms))
    this.#lateness.forget()
  }

  /** One early break is better than a listening whose delay a busy beginning set. */
  #lookAgain(excess: number, wanted: number): void {
    this.#looks.shift()
    this.#lateness.forget()
    if (excess > this.#of(LOOK_EXCESS_MS)) this.#break(wanted)
  }

  /** Another way, or a loudspeaker that stood still: what was learned of the one before is worth nothing. */
  #anew(quickest: number): void {
    this.#lateness.forget()
    this.#break(quickest + this.#start)
  }

  #grow(wanted: number, block: number): void {
    const soon = this.#clock - this.#grewAt < this.#of(SLACK_LASTS_MS)
    if (soon) this.#slackMs = Math.min(2 * this.#slackMs, MOST_SLACK_MS)
    this.#grewAt = this.#clock
    // seen from few packets: which of them come just before a block is not known yet
    this.#break(Math.max(wanted, this.#lateness.ahead()) + block / 2)
  }

  /** Silence, and after it the sound at another delay; so much of it is left out that it goes on at its new time. */
  #break(wanted: number): void {
    const before = this.#shift as number
    const from = this.head
    // whole samples: half a block of eleven is none
    const shift = Math.ceil(wanted) + this.#of(this.#slackMs)
    this.#brokeAt = this.#clock
    this.#resumeAt = Math.max(this.#clock + Math.max(this.#of(BREAK_MS), shift - before), this.#anchor + shift)
    this.#shift = shift
    this.counts.jumps += 1
    this.counts.skipped += this.head - from
    if (this.head - from >= this.#size / 2) this.#known.fill(UNKNOWN)
    else for (let sample = from; sample < this.head; sample += 1) this.#leaveOut(sample)
  }

  #leaveOut(sample: number): void {
    this.#known[sample & (this.#size - 1)] = HERE
    this.#passed(sample)
  }
}
