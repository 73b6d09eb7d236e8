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

const CROSSFADE_MS = 40
const FULL_SCALE = 32_768

/**
 * The quieter view as the listener switches it: fades in when it has caught up with what is heard, and out at once. Off, every
 * sample passes as it is.
 */
export class QuieterSwitch {
  readonly #quieter: Quieter
  readonly #fade: number
  #wanted = false
  #running = false
  #anew = false
  #wait = 0
  /** How far it has come in, of `#fade`. */
  #in = 0

  constructor(rateHz: number) {
    this.#quieter = new Quieter(rateHz)
    this.#fade = Math.max(1, Math.round((CROSSFADE_MS * rateHz) / 1000))
  }

  /** How much later a sample is heard than it would be without, in samples. */
  get delay(): number {
    return this.#in > 0 ? this.#quieter.delay : 0
  }

  choose(on: boolean): void {
    this.#wanted = on
  }

  /** Another sound begins: nothing of what was learned is true of it. */
  begin(): void {
    this.#anew = this.#running
  }

  /** From -1 to 1. */
  step(input: number): number {
    if (!this.#running) {
      if (!this.#wanted) return input
      this.#start()
    }
    const quieter = this.#quieter.step(input * FULL_SCALE) / FULL_SCALE
    this.#move()
    if (this.#in === this.#fade) return quieter
    return this.#in === 0 ? input : input + (this.#in / this.#fade) * (quieter - input)
  }

  #start(): void {
    this.#quieter.reset()
    this.#running = true
    this.#wait = this.#quieter.delay
  }

  #move(): void {
    const on = this.#wanted && !this.#anew
    if (on && this.#wait > 0) this.#wait -= 1
    else this.#in = on ? Math.min(this.#fade, this.#in + 1) : Math.max(0, this.#in - 1)
    if (!on && this.#in === 0) this.#running = this.#anew = false
  }
}
