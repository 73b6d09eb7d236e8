/** Short-time spectrum of the exact samples: Hann window, radix-2 FFT. Pure; used by pictures and the audio thread. */
import { HERE } from './stream'
import type { PhonoSource } from './trace'

const WINDOW_S = 0.064
export const HIGHEST_HZ = 1000

/** In-place radix-2 FFT of complex numbers; the inverse is not divided by the length. */
export class Fft {
  readonly #cos: Float64Array
  readonly #sin: Float64Array
  readonly #order: Uint32Array

  /** Raises: RangeError unless `size` is a power of two. */
  constructor(readonly size: number) {
    const bits = Math.log2(size)
    if (!Number.isInteger(bits) || size < 2) throw new RangeError('size must be a power of two')
    this.#cos = Float64Array.from({ length: size / 2 }, (_, at) => Math.cos((2 * Math.PI * at) / size))
    this.#sin = Float64Array.from({ length: size / 2 }, (_, at) => Math.sin((2 * Math.PI * at) / size))
    this.#order = new Uint32Array(size)
    for (let at = 0; at < size; at += 1) {
      this.#order[at] = ((this.#order[at >> 1] as number) >> 1) | ((at & 1) << (bits - 1))
    }
  }

  transform(re: Float64Array, im: Float64Array, inverse = false): void {
    this.#shuffle(re, im)
    const sign = inverse ? 1 : -1
    for (let half = 1; half < this.size; half *= 2) {
      const stride = this.size / (2 * half)
      for (let block = 0; block < this.size; block += 2 * half) {
        for (let at = 0; at < half; at += 1) this.#butterfly(re, im, block + at, half, at * stride, sign)
      }
    }
  }

  #butterfly(re: Float64Array, im: Float64Array, low: number, half: number, turn: number, sign: number): void {
    const high = low + half
    const c = this.#cos[turn] as number
    const s = sign * (this.#sin[turn] as number)
    const x = (re[high] as number) * c - (im[high] as number) * s
    const y = (re[high] as number) * s + (im[high] as number) * c
    re[high] = (re[low] as number) - x
    im[high] = (im[low] as number) - y
    re[low] = (re[low] as number) + x
    im[low] = (im[low] as number) + y
  }

  #shuffle(re: Float64Array, im: Float64Array): void {
    for (let at = 0; at < this.size; at += 1) {
      const to = this.#order[at] as number
      if (to <= at) continue
      const [x, y] = [re[at] as number, im[at] as number]
      re[at] = re[to] as number
      im[at] = im[to] as number
      re[to] = x
      im[to] = y
    }
  }
}

export function hann(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / size))
}

/** Amplitudes of one moment from 0 to 1000 Hz, as a sine of that amplitude would have, in sample units. */
export class Spectrum {
  /** Length of the window in samples: a power of two near 64 ms. */
  readonly size: number
  /** Bins from 0 Hz up to the highest one shown. */
  readonly bins: number
  readonly hzPerBin: number
  readonly #fft: Fft
  readonly #window: Float64Array
  readonly #re: Float64Array
  readonly #im: Float64Array
  readonly #found: Float32Array

  constructor(readonly rateHz: number) {
    this.size = 2 ** Math.round(Math.log2(WINDOW_S * rateHz))
    this.hzPerBin = rateHz / this.size
    this.bins = Math.min(this.size / 2, Math.ceil(HIGHEST_HZ / this.hzPerBin)) + 1
    this.#fft = new Fft(this.size)
    this.#window = hann(this.size)
    this.#re = new Float64Array(this.size)
    this.#im = new Float64Array(this.size)
    this.#found = new Float32Array(this.bins)
  }

  /**
   * Around one sample, good until the next call. Null where any sample of the window is missing: nothing is computed
   * from what was never heard.
   */
  at(source: PhonoSource, centre: number): Float32Array | null {
    const first = Math.round(centre) - this.size / 2
    if (first < 0 || first + this.size > source.samples.length) return null
    for (let at = 0; at < this.size; at += 1) {
      if (source.known[first + at] !== HERE) return null
      this.#re[at] = (source.samples[first + at] as number) * (this.#window[at] as number)
    }
    this.#im.fill(0)
    this.#fft.transform(this.#re, this.#im)
    // a sine of amplitude A gives A times a quarter of the window's length in its bin
    const whole = 4 / this.size
    for (let bin = 0; bin < this.bins; bin += 1) {
      this.#found[bin] = whole * Math.hypot(this.#re[bin] as number, this.#im[bin] as number)
    }
    return this.#found
  }
}
