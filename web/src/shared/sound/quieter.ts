/**
 * The quieter view: steady noise, mains hum, a telephone's buzz and clicks taken down, for the ear only. The same numbers
 * as `carebag_signal.listening_noise`, sample by sample; `tests/signal/golden_listening.json` binds both. What is taken
 * away wrongly stays audible: no more than 6 dB are. It feeds no picture, no mark, no record and no measurement.
 *
 * Pure; the audio thread owns one. Nothing is allocated after the beginning: work is done once in 16 ms of sound.
 */
import { QuieterClicks } from './quieterClicks'
import { QuieterGains } from './quieterGains'
import { QuieterTones } from './quieterTones'

const HOP_S = 0.016
/** Louder than any sample can be; this and what is no number is silence. */
const NONSENSE = 1e9

export class Quieter {
  /** Samples between what comes in and the same moment going out: 48 ms at 4 kHz. */
  readonly delay: number
  readonly #hop: number
  readonly #clicks: QuieterClicks
  readonly #tones: QuieterTones
  readonly #gains: QuieterGains
  readonly #in: Float64Array
  readonly #out: Float64Array
  #at = 0

  /** `rateHz` at least 1000. */
  constructor(rateHz: number) {
    this.#hop = 2 ** Math.round(Math.log2(HOP_S * rateHz))
    this.delay = 3 * this.#hop
    this.#clicks = new QuieterClicks(this.#hop, rateHz)
    this.#tones = new QuieterTones(this.#hop, rateHz)
    this.#gains = new QuieterGains(this.#hop, rateHz)
    this.#in = new Float64Array(this.#hop)
    this.#out = new Float64Array(this.#hop)
  }

  /** Forgets the past: another stream. */
  reset(): void {
    this.#clicks.reset()
    this.#tones.reset()
    this.#gains.reset()
    this.#out.fill(0)
    this.#at = 0
  }

  /** A sample as the kit has it (-32768 to 32767) in, the one of `delay` ago out. */
  step(input: number): number {
    const value = this.#out[this.#at] as number
    this.#in[this.#at] = Math.abs(input) < NONSENSE ? input : 0
    this.#at += 1
    if (this.#at === this.#hop) this.#work()
    return value
  }

  #work(): void {
    this.#at = 0
    const silent = this.#clicks.hop(this.#in, this.#out)
    this.#tones.hop(this.#out)
    this.#gains.hop(this.#out, silent)
  }
}

const FADE_MS = 20
/** Sound moves against time only across a silence that is longer than any systole (`playout.ts`). */
const BREAK_MS = 400
const FULL_SCALE = 32_768

/**
 * The quieter view as the listener switches it. It is heard 48 ms later, so each switch is a break: the sound fades out, is
 * silent for 0.4 s, and comes in again, so that nobody reads an interval across it. Off, every sample passes as it is.
 */
export class QuieterSwitch {
  readonly #quieter: Quieter
  readonly #step: number
  readonly #break: number
  #wanted = false
  #on = false
  #anew = false
  #silent = 0
  #gain = 1

  constructor(rateHz: number) {
    this.#quieter = new Quieter(rateHz)
    this.#step = 1000 / (FADE_MS * rateHz)
    this.#break = Math.ceil((BREAK_MS * rateHz) / 1000)
  }

  /** How much later a sample is heard than it would be without, in samples. */
  get delay(): number {
    return this.#on ? this.#quieter.delay : 0
  }

  choose(on: boolean): void {
    this.#wanted = on
  }

  /** Another sound begins: nothing of what was learned is true of it, and no interval reaches into it. */
  begin(): void {
    this.#anew = this.#on
  }

  /** From -1 to 1. */
  step(input: number): number {
    const value = this.#on ? this.#quieter.step(input * FULL_SCALE) / FULL_SCALE : input
    this.#move()
    return this.#gain === 1 ? value : value * this.#gain
  }

  #move(): void {
    const closing = this.#anew || this.#wanted !== this.#on
    if (closing && this.#gain > 0) this.#gain = Math.max(0, this.#gain - this.#step)
    else if (closing) this.#turn()
    else if (this.#silent > 0) this.#silent -= 1
    else if (this.#gain < 1) this.#gain = Math.min(1, this.#gain + this.#step)
  }

  #turn(): void {
    if (this.#wanted !== this.#on) this.#silent = this.#break
    this.#on = this.#wanted
    this.#anew = false
    if (this.#on) this.#quieter.reset()
  }
}
