/**
 * The pitch aid: what lies at 20-150 Hz sounds one or two octaves higher as well, where a small loudspeaker can play it.
 * For the ear only, and not the true sound: it says when something is there and how loud, not what it sounds like.
 *
 * Three bands are each turned into amplitude and phase (heterodyned to 0 Hz, smoothed by two one-pole filters); the phase
 * is multiplied by two or four, the amplitude kept. Nothing is stretched: all bands and the sound itself are delayed by
 * the same 27 ms. Pure; the audio thread owns one.
 */

export type Octaves = 1 | 2

/** Middle of a band and half its width, Hz. */
const BANDS_HZ = [
  [28, 12],
  [55, 20],
  [106, 40],
] as const
/** The shifted sound against the sound itself. */
const BOOST = 2
const LOUDEST = 0.9

/** From input to output (s): what smoothing the narrowest band takes. */
export const DELAY_S = delayOf(BANDS_HZ[0][1])

/** Group delay of two one-pole low-passes (s). */
function delayOf(halfWidthHz: number): number {
  return 2 / (2 * Math.PI * halfWidthHz)
}

class Delay {
  readonly #line: Float64Array
  #at = 0

  constructor(samples: number) {
    this.#line = new Float64Array(Math.max(1, samples + 1))
  }

  step(input: number): number {
    this.#line[this.#at] = input
    this.#at = (this.#at + 1) % this.#line.length
    return this.#line[this.#at] as number
  }
}

class Band {
  readonly #turn: number
  readonly #share: number
  readonly #delay: Delay
  #phase = 0
  #re1 = 0
  #im1 = 0
  #re = 0
  #im = 0

  constructor(middleHz: number, halfWidthHz: number, rateHz: number) {
    this.#turn = (2 * Math.PI * middleHz) / rateHz
    this.#share = 1 - Math.exp((-2 * Math.PI * halfWidthHz) / rateHz)
    this.#delay = new Delay(Math.round((DELAY_S - delayOf(halfWidthHz)) * rateHz))
  }

  step(input: number, octaves: Octaves): number {
    this.#phase = (this.#phase + this.#turn) % (2 * Math.PI)
    const [cosine, sine] = [Math.cos(this.#phase), Math.sin(this.#phase)]
    this.#re1 += this.#share * (input * cosine - this.#re1)
    this.#im1 += this.#share * (-input * sine - this.#im1)
    this.#re += this.#share * (this.#re1 - this.#re)
    this.#im += this.#share * (this.#im1 - this.#im)
    const size = Math.hypot(this.#re, this.#im)
    if (size < 1e-9) return this.#delay.step(0)
    // a unit vector at the sound's own phase; squared, it turns twice as fast
    let re = (this.#re * cosine - this.#im * sine) / size
    let im = (this.#re * sine + this.#im * cosine) / size
    for (let times = 0; times < octaves; times += 1) [re, im] = [re * re - im * im, 2 * re * im]
    return this.#delay.step(2 * size * re)
  }
}

export class PitchAid {
  octaves: Octaves
  readonly #bands: Band[]
  readonly #itself: Delay

  constructor(rateHz: number, octaves: Octaves) {
    this.octaves = octaves
    this.#bands = BANDS_HZ.map(([middle, half]) => new Band(middle, half, rateHz))
    this.#itself = new Delay(Math.round(DELAY_S * rateHz))
  }

  step(input: number): number {
    let shifted = 0
    for (const band of this.#bands) shifted += band.step(input, this.octaves)
    return limited(this.#itself.step(input) + BOOST * shifted)
  }
}

/** Straight up to half of full scale, then ever flatter: never cut off hard. */
function limited(value: number): number {
  const size = Math.abs(value)
  if (size <= 0.5) return value
  const room = LOUDEST - 0.5
  return Math.sign(value) * (0.5 + room * (1 - Math.exp(-(size - 0.5) / room)))
}
