/**
 * Slower sound, in two ways. Both pull samples from a source, one after the other. Pure; the audio thread owns one.
 *
 * `LowerPitch` plays the exact samples at a lower rate: nothing is made up, and the pitch falls with the speed, so that what
 * was near 40 Hz can no longer be heard. `SamePitch` computes a sound of the same pitch (phase vocoder): low sounds stay
 * audible. It does not repeat pieces as simpler ways do, since a piece of S2 said twice sounds like a split S2.
 */
import { Fft, hann } from './spectrum'

export type Pull = () => number
export type Speed = 1 | 0.5 | 0.25

export interface Slower {
  /** The next sample to be heard. */
  next(pull: Pull): number
}

const TAPS = 16
const PHASES = 4

/** Windowed-sinc interpolation at quarters of a sample. */
export class LowerPitch implements Slower {
  readonly #kernels: Float64Array[]
  readonly #past = new Float64Array(TAPS)
  readonly #step: number
  #newest = 0
  #phase = PHASES

  constructor(speed: Speed) {
    this.#step = speed * PHASES
    this.#kernels = Array.from({ length: PHASES }, (_, phase) => kernel(phase / PHASES))
  }

  next(pull: Pull): number {
    while (this.#phase >= PHASES) {
      this.#phase -= PHASES
      this.#newest = (this.#newest + 1) % TAPS
      this.#past[this.#newest] = pull()
    }
    const taps = this.#kernels[this.#phase] as Float64Array
    let value = 0
    for (let tap = 0; tap < TAPS; tap += 1) {
      value += (taps[tap] as number) * (this.#past[(this.#newest + TAPS - tap) % TAPS] as number)
    }
    this.#phase += this.#step
    return value
  }
}

/** Weights of the newest sample and those before it, for a moment so far after the middle; their sum is 1. */
function kernel(after: number): Float64Array {
  const taps = new Float64Array(TAPS)
  for (let tap = 0; tap < TAPS; tap += 1) {
    const at = TAPS / 2 - tap - after
    const sinc = at === 0 ? 1 : Math.sin(Math.PI * at) / (Math.PI * at)
    taps[tap] = Math.abs(at) >= TAPS / 2 ? 0 : sinc * Math.cos((Math.PI * at) / TAPS) ** 2
  }
  const sum = taps.reduce((all, one) => all + one, 0)
  return taps.map((one) => one / sum)
}

/** Short, so that two sounds 20 ms apart stay two; long enough for 40 Hz. */
const WINDOW_S = 0.032
const OVERLAP = 4

/** Phase vocoder whose bins follow the nearest peak (Laroche and Dolson 1999), so that onsets stay sharp. */
export class SamePitch implements Slower {
  readonly #size: number
  readonly #hop: number
  readonly #step: number
  readonly #fft: Fft
  readonly #window: Float64Array
  readonly #input: Float64Array
  readonly #output: Float64Array
  readonly #re: Float64Array
  readonly #im: Float64Array
  readonly #before: Float64Array
  readonly #said: Float64Array
  #fresh = true
  #given: number

  constructor(speed: Speed, rateHz: number) {
    this.#size = 2 ** Math.round(Math.log2(WINDOW_S * rateHz))
    this.#hop = this.#size / OVERLAP
    this.#step = Math.max(1, Math.round(this.#hop * speed))
    this.#fft = new Fft(this.#size)
    this.#window = hann(this.#size)
    this.#input = new Float64Array(this.#size)
    this.#output = new Float64Array(this.#size)
    this.#re = new Float64Array(this.#size)
    this.#im = new Float64Array(this.#size)
    this.#before = new Float64Array(this.#size / 2 + 1)
    this.#said = new Float64Array(this.#size / 2 + 1)
    this.#given = this.#hop
  }

  next(pull: Pull): number {
    if (this.#given >= this.#hop) this.#frame(pull)
    const value = this.#output[this.#given] as number
    this.#given += 1
    return value
  }

  #frame(pull: Pull): void {
    this.#input.copyWithin(0, this.#step)
    for (let at = this.#size - this.#step; at < this.#size; at += 1) this.#input[at] = pull()
    this.#output.copyWithin(0, this.#hop)
    this.#output.fill(0, this.#size - this.#hop)
    this.#given = 0
    for (let at = 0; at < this.#size; at += 1) this.#re[at] = (this.#input[at] as number) * (this.#window[at] as number)
    this.#im.fill(0)
    this.#fft.transform(this.#re, this.#im)
    this.#turn()
    this.#fft.transform(this.#re, this.#im, true)
    // squared Hann windows at a quarter's hop add up to one and a half
    const gain = 1 / (1.5 * this.#size)
    for (let at = 0; at < this.#size; at += 1) {
      this.#output[at] = (this.#output[at] as number) + (this.#re[at] as number) * (this.#window[at] as number) * gain
    }
  }

  /** Gives every bin the phase that its peak has reached after a whole hop instead of a part of one. */
  #turn(): void {
    const half = this.#size / 2
    const power = Float64Array.from({ length: half + 1 }, (_, bin) => (this.#re[bin] as number) ** 2 + (this.#im[bin] as number) ** 2)
    const phase = Float64Array.from(power, (_, bin) => Math.atan2(this.#im[bin] as number, this.#re[bin] as number))
    const turned = this.#fresh ? Float64Array.from(phase) : this.#advanced(power, phase)
    this.#fresh = power.every((one) => one < 1e-12)
    this.#before.set(phase)
    this.#said.set(turned)
    for (let bin = 0; bin <= half; bin += 1) {
      const size = Math.sqrt(power[bin] as number)
      this.#re[bin] = size * Math.cos(turned[bin] as number)
      this.#im[bin] = size * Math.sin(turned[bin] as number)
      if (bin === 0 || bin === half) continue
      this.#re[this.#size - bin] = this.#re[bin] as number
      this.#im[this.#size - bin] = -(this.#im[bin] as number)
    }
  }

  #advanced(power: Float64Array, phase: Float64Array): Float64Array {
    const peaks = peaksOf(power)
    const turned = new Float64Array(phase.length)
    let nearest = 0
    for (let bin = 0; bin < phase.length; bin += 1) {
      while (nearest + 1 < peaks.length && Math.abs((peaks[nearest + 1] as number) - bin) < Math.abs((peaks[nearest] as number) - bin)) nearest += 1
      const peak = peaks[nearest] ?? bin
      turned[bin] = this.#phaseOf(peak, phase[peak] as number) + (phase[bin] as number) - (phase[peak] as number)
    }
    return turned
  }

  #phaseOf(bin: number, phase: number): number {
    const expected = (2 * Math.PI * bin * this.#step) / this.#size
    const off = phase - (this.#before[bin] as number) - expected
    const wrapped = off - 2 * Math.PI * Math.round(off / (2 * Math.PI))
    return (this.#said[bin] as number) + ((expected + wrapped) * this.#hop) / this.#step
  }
}

/** Bins that are louder than the two on either side. */
function peaksOf(power: Float64Array): number[] {
  const at = (bin: number): number => power[bin] ?? 0
  const found: number[] = []
  for (let bin = 0; bin < power.length; bin += 1) {
    if (at(bin) > 0 && at(bin) >= Math.max(at(bin - 1), at(bin - 2)) && at(bin) > Math.max(at(bin + 1), at(bin + 2))) found.push(bin)
  }
  return found
}
