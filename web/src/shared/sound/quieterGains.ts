/**
 * Steady noise taken down: frames of two pieces, half overlapping, each bin with its own gain (Ephraim & Malah 1984; Scalart &
 * Filho 1996). The noise is what the quietest moments of the last seconds sound like (after Martin 2001). Part of the quieter
 * view; see `quieter.ts`.
 */
import { Fft, hann } from './spectrum'

/** Lowest gain: -6 dB. */
const FLOOR = 0.5
const SMOOTH = 0.85
const MEMORY_S = 3
/** The minimum is kept over so many slices of the memory. */
const SLICES = 6
/** How far the mean lies above the minimum of a smoothed noise. */
const BIAS = 2.6
/** Of the decision-directed rule: how much the last frame counts. */
const TRUST = 0.96
/** Noise is taken to be so much stronger where nothing says that there is a sound. */
const CAUTIOUS = 3
/** So much above the noise a frame is left alone. */
const CLEAR = 3.4

export class QuieterGains {
  readonly #hop: number
  readonly #perSlice: number
  readonly #fft: Fft
  readonly #window: Float64Array
  readonly #re: Float64Array
  readonly #im: Float64Array
  readonly #past: Float64Array
  readonly #tail: Float64Array
  readonly #power: Float64Array
  readonly #above: Float64Array
  readonly #smooth: Float64Array
  readonly #least: Float64Array
  readonly #slices: Float64Array[]
  /** The least of all slices that are over. */
  readonly #floor: Float64Array
  readonly #last: Float64Array
  #frames = 0
  #silent = true

  constructor(hop: number, rateHz: number) {
    this.#hop = hop
    this.#perSlice = Math.max(1, Math.round(((MEMORY_S / SLICES) * rateHz) / hop))
    this.#fft = new Fft(2 * hop)
    this.#window = hann(2 * hop).map(Math.sqrt)
    const bins = hop + 1
    ;[this.#re, this.#im] = [new Float64Array(2 * hop), new Float64Array(2 * hop)]
    ;[this.#past, this.#tail] = [new Float64Array(hop), new Float64Array(hop)]
    ;[this.#power, this.#above, this.#last] = [new Float64Array(bins), new Float64Array(bins), new Float64Array(bins)]
    ;[this.#smooth, this.#least, this.#floor] = [new Float64Array(bins), new Float64Array(bins), new Float64Array(bins)]
    this.#slices = Array.from({ length: SLICES }, () => new Float64Array(bins))
    this.reset()
  }

  reset(): void {
    for (const one of [this.#past, this.#tail, this.#last, this.#smooth]) one.fill(0)
    // nothing is taken for noise before the memory is full
    this.#least.fill(0)
    this.#floor.fill(Infinity)
    for (const one of this.#slices) one.fill(Infinity)
    this.#frames = 0
    this.#silent = true
  }

  /** In place; a piece comes out one piece late. `silent`: a gap, which teaches no noise. */
  hop(piece: Float64Array, silent: boolean): void {
    const hop = this.#hop
    for (let at = 0; at < hop; at += 1) {
      this.#re[at] = (this.#past[at] as number) * (this.#window[at] as number)
      this.#re[hop + at] = (piece[at] as number) * (this.#window[hop + at] as number)
    }
    this.#past.set(piece)
    this.#im.fill(0)
    this.#fft.transform(this.#re, this.#im)
    for (let bin = 0; bin <= hop; bin += 1) this.#power[bin] = (this.#re[bin] as number) ** 2 + (this.#im[bin] as number) ** 2
    if (!silent && !this.#silent) this.#learn()
    this.#silent = silent
    this.#shape()
    this.#fft.transform(this.#re, this.#im, true)
    this.#overlap(piece)
  }

  #learn(): void {
    for (let bin = 0; bin <= this.#hop; bin += 1) {
      const smooth = SMOOTH * (this.#smooth[bin] as number) + (1 - SMOOTH) * (this.#power[bin] as number)
      this.#smooth[bin] = smooth
      this.#least[bin] = Math.min(this.#least[bin] as number, smooth)
    }
    this.#frames += 1
    if (this.#frames % this.#perSlice !== 0) return
    const oldest = this.#slices[(this.#frames / this.#perSlice - 1) % SLICES] as Float64Array
    oldest.set(this.#least)
    this.#least.fill(Infinity)
    this.#floor.set(oldest)
    for (const slice of this.#slices) {
      for (let bin = 0; bin <= this.#hop; bin += 1) this.#floor[bin] = Math.min(this.#floor[bin] as number, slice[bin] as number)
    }
  }

  /** Each bin with its gain, and its mirror. */
  #shape(): void {
    const hop = this.#hop
    for (let bin = 0; bin <= hop; bin += 1) this.#above[bin] = (this.#power[bin] as number) / this.#noise(bin)
    for (let bin = 0; bin <= hop; bin += 1) {
      const gain = Math.max(this.#single(bin), this.#near(bin))
      this.#last[bin] = gain ** 2 * (this.#power[bin] as number)
      this.#re[bin] = (this.#re[bin] as number) * gain
      this.#im[bin] = (this.#im[bin] as number) * gain
      if (bin === 0 || bin === hop) continue
      this.#re[2 * hop - bin] = this.#re[bin] as number
      this.#im[2 * hop - bin] = -(this.#im[bin] as number)
    }
  }

  #noise(bin: number): number {
    return BIAS * Math.min(this.#floor[bin] as number, this.#least[bin] as number) + 1e-12
  }

  #single(bin: number): number {
    const above = Math.max((this.#above[bin] as number) - 1, 0)
    const prior = (TRUST * (this.#last[bin] as number)) / this.#noise(bin) + (1 - TRUST) * above
    return Math.max(prior / (prior + CAUTIOUS), FLOOR)
  }

  /** Neighbours in frequency tell of a sound better than one bin does. */
  #near(bin: number): number {
    const low = this.#above[Math.max(0, bin - 1)] as number
    const high = this.#above[Math.min(this.#hop, bin + 1)] as number
    const near = (low + (this.#above[bin] as number) + high) / 3
    return near > CLEAR / 2 ? Math.min(1, near / CLEAR) : 0
  }

  #overlap(out: Float64Array): void {
    const hop = this.#hop
    // the inverse transform is not divided by its length
    const whole = 1 / (2 * hop)
    for (let at = 0; at < hop; at += 1) {
      out[at] = (this.#tail[at] as number) + (this.#re[at] as number) * whole * (this.#window[at] as number)
      this.#tail[at] = (this.#re[hop + at] as number) * whole * (this.#window[hop + at] as number)
    }
  }
}
