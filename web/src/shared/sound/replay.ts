/**
 * A piece of sound, again: the exact samples of a range, once or in a loop, at normal speed or slower, in a listening view,
 * quieter if wanted. A gap is silence. Pure; the audio thread owns one.
 */
import { Guard } from './guard'
import { QuieterSwitch } from './quieter'
import { LowerPitch, SamePitch, type Slower, type Speed } from './slow'
import { HERE } from './stream'
import type { PhonoSource } from './trace'
import { ViewSwitch, type View } from './views'

/** `same` is computed; `lower` is the exact samples, slower. */
export type Pitch = 'same' | 'lower'

/** Ends of a range and edges of a gap fade over this time, so that they do not click. */
const EDGE_MS = 8
/** Silence between two rounds of a loop: the seam must not sound like an interval of the heart. */
const PAUSE_MS = 400
const VOLUME_MS = 20

export class Replay {
  playing = false
  loop = true
  volume = 1
  readonly #quieter: QuieterSwitch
  readonly #views: ViewSwitch
  readonly #guard: Guard
  readonly #edge: number
  #source: PhonoSource
  #from = 0
  #to = 0
  #head = 0
  #pause = 0
  #open = 0
  #last = 0
  #volume = 0
  #slower: Slower | null = null
  #speed: Speed = 1

  constructor(readonly rateHz: number) {
    this.#quieter = new QuieterSwitch(rateHz)
    this.#views = new ViewSwitch(rateHz)
    this.#guard = new Guard(rateHz)
    this.#edge = Math.round((EDGE_MS * rateHz) / 1000)
    this.#source = { samples: new Int16Array(0), known: new Uint8Array(0), rateHz }
  }

  /** Number of the sample that is heard next. */
  get head(): number {
    return Math.max(this.#from, this.#head - this.#quieter.delay)
  }

  get reducedDb(): number {
    return this.#guard.reducedDb
  }

  load(samples: Int16Array, known: Uint8Array): void {
    this.#source = { samples, known, rateHz: this.rateHz }
    this.playing = false
    this.#quieter.begin()
    this.range(0, samples.length)
    this.#head = 0
  }

  /** What is played: from one sample up to another; the head moves into it. */
  range(from: number, to: number): void {
    const length = this.#source.samples.length
    this.#from = Math.min(Math.max(0, Math.floor(from)), length)
    this.#to = Math.min(Math.max(this.#from, Math.ceil(to)), length)
    if (this.#head < this.#from || this.#head >= this.#to) this.seek(this.#from)
  }

  seek(sample: number): void {
    this.#head = Math.min(Math.max(this.#from, Math.floor(sample)), this.#to)
    this.#pause = this.#open = 0
  }

  speed(speed: Speed, pitch: Pitch): void {
    this.#speed = speed
    this.#slower = speed === 1 ? null : pitch === 'same' ? new SamePitch(speed, this.rateHz) : new LowerPitch(speed)
  }

  view(view: View): void {
    this.#views.choose(view)
  }

  quieter(on: boolean): void {
    this.#quieter.choose(on)
  }

  /** Fills a block with numbers from -1 to 1. */
  render(out: Float32Array): void {
    const step = 1000 / (VOLUME_MS * this.rateHz)
    for (let index = 0; index < out.length; index += 1) {
      this.#volume += Math.max(-step, Math.min(step, this.volume - this.#volume))
      const value = this.#slower === null ? this.#pull() : this.#slower.next(this.#pull)
      out[index] = this.#guard.step(value * this.#volume)
    }
  }

  /** The next sample of the range in the chosen view: what changes it comes before the slowing, or its bands would move too. */
  readonly #pull = (): number => this.#views.step(this.#quieter.step(this.#next()))

  #next(): number {
    if (!this.playing) return this.#fadeOut()
    if (this.#pause > 0) {
      this.#pause -= 1
      return this.#fadeOut()
    }
    if (this.#head >= this.#to) return this.#ended()
    const at = this.#head
    this.#head += 1
    if (this.#source.known[at] !== HERE) {
      this.#open = 0
      return this.#fadeOut()
    }
    this.#open = Math.min(1, this.#open + 1 / this.#edge)
    const closing = Math.min(1, (this.#to - at) / this.#edge)
    this.#last = ((this.#source.samples[at] as number) / 32768) * Math.min(this.#open, closing)
    return this.#last
  }

  #ended(): number {
    this.#open = 0
    if (!this.loop || this.#to <= this.#from) {
      this.playing = false
      this.#head = this.#from
    } else {
      this.#head = this.#from
      this.#pause = Math.round((PAUSE_MS * this.#speed * this.rateHz) / 1000)
    }
    return this.#fadeOut()
  }

  #fadeOut(): number {
    this.#open = 0
    this.#last *= 1 - 2 / this.#edge
    if (Math.abs(this.#last) < 1e-5) this.#last = 0
    return this.#last
  }
}
