/**
 * From the stream's own rate to that of the loudspeaker: whole multiples, by band-limited interpolation. Every `times`-th
 * sample given out is the kit's sample itself, untouched; between them stands what the band below 40 % of the stream's rate
 * implies (windowed sinc: Oppenheim & Schafer, Discrete-Time Signal Processing, 4.6). Pure; an audio thread owns one.
 *
 * Why not an AudioContext at the stream's rate: at 4 kHz Chromium renders 32 ms at once and waits 96 ms until it is heard,
 * at 48 kHz 10 and 32 ms; and other browsers have no contexts below 8 kHz at all.
 */

/** Samples of the stream on each side that one between them is made of: so many come before it can be known. */
const REACH = 12
/** Of the Kaiser window: 80 dB. */
const BETA = 7.86
const LOUDSPEAKERS_HZ = [48_000, 44_100] as const
/** From here on an own context is quick enough. */
const QUICK_HZ = 16_000

/** The rate (Hz) at which a stream of this rate is given to the loudspeaker; a whole multiple of it. */
export function contextRate(rateHz: number): number {
  const usual = LOUDSPEAKERS_HZ.find((one) => one % rateHz === 0)
  return usual ?? rateHz * Math.max(1, Math.ceil(QUICK_HZ / rateHz))
}

export class Upsampler {
  /** Weight of each of the 2 REACH samples around, for each place between two samples; place 0 needs none. */
  readonly #weights: Float64Array[] = []
  /** The newest 2 REACH samples, twice in a row, so that they always stand in one piece. */
  readonly #samples = new Float64Array(4 * REACH)
  #newest = 2 * REACH - 1
  #place = 0

  /** `times` >= 1: samples out for each one in. */
  constructor(readonly times: number) {
    if (!Number.isInteger(times) || times < 1) throw new Error('not_a_whole_multiple')
    for (let place = 0; place < times; place += 1) this.#weights.push(weights(place / times))
  }

  /** How much later a sample comes out than it went in, in samples of the stream. */
  get delay(): number {
    return this.times === 1 ? 0 : REACH
  }

  /** How many samples of the stream the next `length` of the loudspeaker take. */
  wants(length: number): number {
    return Math.ceil((length - ((this.times - this.#place) % this.times)) / this.times)
  }

  /** Fills `out`; `input` has `wants(out.length)` samples. */
  fill(out: Float32Array, input: Float32Array): void {
    let next = 0
    for (let at = 0; at < out.length; at += 1) {
      if (this.#place === 0) this.#take(input[next++] ?? 0)
      out[at] = this.#between()
      this.#place = (this.#place + 1) % this.times
    }
  }

  #take(sample: number): void {
    this.#newest = (this.#newest + 1) % (2 * REACH)
    this.#samples[this.#newest] = this.#samples[this.#newest + 2 * REACH] = sample
  }

  #between(): number {
    const oldest = this.#newest + 1
    if (this.times === 1) return this.#samples[this.#newest] as number
    // the newest of 2 REACH samples stands REACH after the one that is given out
    if (this.#place === 0) return this.#samples[oldest + REACH - 1] as number
    const row = this.#weights[this.#place] as Float64Array
    let sum = 0
    for (let at = 0; at < row.length; at += 1) sum += (row[at] as number) * (this.#samples[oldest + at] as number)
    return sum
  }
}

/** Weights for a place `part` (0 to 1) after the sample that stands REACH before the newest. */
function weights(part: number): Float64Array {
  const found = Float64Array.from({ length: 2 * REACH }, (_, at) => kernel(at - (REACH - 1) - part))
  // a standing level stays what it is
  const sum = found.reduce((total, one) => total + one, 0)
  return found.map((one) => one / sum)
}

function kernel(away: number): number {
  const inside = 1 - (away / REACH) ** 2
  if (inside <= 0) return 0
  const sinc = away === 0 ? 1 : Math.sin(Math.PI * away) / (Math.PI * away)
  return (sinc * bessel(BETA * Math.sqrt(inside))) / bessel(BETA)
}

/** Modified Bessel function of the first kind, order 0 (Abramowitz & Stegun 9.6.12). */
function bessel(x: number): number {
  let [sum, term] = [1, 1]
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}
