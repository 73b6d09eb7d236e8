/**
 * Listening views: what a stethoscope's bell and diaphragm let through, for the ear only. The same 4th-order Butterworth
 * band-passes as `carebag_signal.views`, computed for the stream's rate; `tests/signal/golden_views.json` binds both.
 */

export type View = 'raw' | 'bell' | 'diaphragm' | 'extended' | 'lung'

export const BANDS_HZ: Readonly<Record<Exclude<View, 'raw'>, readonly [number, number]>> = {
  bell: [20, 200],
  diaphragm: [100, 500],
  extended: [20, 1000],
  lung: [100, 1800],
}
const ORDER = 4
const HIGHEST_OF_NYQUIST = 0.95

/** One biquad, a0 = 1: b0 b1 b2 a1 a2. */
export type Section = readonly [number, number, number, number, number]

interface Complex {
  re: number
  im: number
}

/** Sections of a view at a rate (Hz); none for `raw`. */
export function sections(view: View, rateHz: number): Section[] {
  if (view === 'raw') return []
  const [low, high] = BANDS_HZ[view]
  return butterworthBandpass(ORDER, low, Math.min(high, (HIGHEST_OF_NYQUIST * rateHz) / 2), rateHz)
}

/** Butterworth band-pass of a prototype of even order n: n sections, gain 1 in the middle of the band. */
export function butterworthBandpass(order: number, lowHz: number, highHz: number, rateHz: number): Section[] {
  const low = Math.tan((Math.PI * lowHz) / rateHz)
  const high = Math.tan((Math.PI * highHz) / rateHz)
  const width = high - low
  const middle = Math.sqrt(low * high)
  const found: Section[] = []
  for (let index = 0; index < order / 2; index += 1) {
    const angle = (Math.PI * (2 * index + order + 1)) / (2 * order)
    const half = { re: (Math.cos(angle) * width) / 2, im: (Math.sin(angle) * width) / 2 }
    // a prototype pole p gives two band-pass poles: p w/2 ± sqrt((p w/2)² - middle²)
    const root = squareRoot({ re: half.re ** 2 - half.im ** 2 - middle ** 2, im: 2 * half.re * half.im })
    for (const sign of [1, -1]) found.push(section({ re: half.re + sign * root.re, im: half.im + sign * root.im }))
  }
  return normalised(found, 2 * Math.atan(middle))
}

/** A conjugate pair of analogue poles, made digital by the bilinear transform, with zeros at 0 Hz and Nyquist. */
function section(pole: Complex): Section {
  const down = (1 - pole.re) ** 2 + pole.im ** 2
  const re = (1 - pole.re ** 2 - pole.im ** 2) / down
  const im = (2 * pole.im) / down
  return [1, 0, -1, -2 * re, re ** 2 + im ** 2]
}

function normalised(found: Section[], radians: number): Section[] {
  return found.map(([b0, b1, b2, a1, a2]) => {
    const gain = 1 / magnitude([b0, b1, b2, a1, a2], radians)
    return [b0 * gain, b1 * gain, b2 * gain, a1, a2]
  })
}

/** Gain of one section at an angular frequency (radians per sample). */
export function magnitude([b0, b1, b2, a1, a2]: Section, radians: number): number {
  const at = (c0: number, c1: number, c2: number): number =>
    Math.hypot(
      c0 + c1 * Math.cos(radians) + c2 * Math.cos(2 * radians),
      c1 * Math.sin(radians) + c2 * Math.sin(2 * radians),
    )
  return at(b0, b1, b2) / at(1, a1, a2)
}

function squareRoot({ re, im }: Complex): Complex {
  const length = Math.hypot(re, im)
  const real = Math.sqrt((length + re) / 2)
  return { re: real, im: Math.sign(im || 1) * Math.sqrt((length - re) / 2) }
}

/** A cascade with its state: samples in, filtered samples out, one at a time. */
export class Cascade {
  readonly #sections: Section[]
  readonly #state: Float64Array

  constructor(view: View, rateHz: number) {
    this.#sections = sections(view, rateHz)
    this.#state = new Float64Array(2 * this.#sections.length)
  }

  step(input: number): number {
    let value = input
    for (let index = 0; index < this.#sections.length; index += 1) {
      const [b0, b1, b2, a1, a2] = this.#sections[index] as Section
      const out = b0 * value + (this.#state[2 * index] as number)
      this.#state[2 * index] = b1 * value - a1 * out + (this.#state[2 * index + 1] as number)
      this.#state[2 * index + 1] = b2 * value - a2 * out
      value = out
    }
    return value
  }
}

const CROSSFADE_MS = 40

/** The chosen view; a change fades from the old to the new one without a click. */
export class ViewSwitch {
  #now: Cascade
  #before: Cascade | null = null
  #left = 0
  #view: View = 'raw'
  readonly #fade: number

  constructor(readonly rateHz: number) {
    this.#now = new Cascade('raw', rateHz)
    this.#fade = Math.max(1, Math.round((CROSSFADE_MS * rateHz) / 1000))
  }

  choose(view: View): void {
    if (view === this.#view) return
    this.#view = view
    this.#before = this.#now
    this.#now = new Cascade(view, this.rateHz)
    this.#left = this.#fade
  }

  step(input: number): number {
    const value = this.#now.step(input)
    if (this.#before === null) return value
    const share = this.#left / this.#fade
    const mixed = this.#before.step(input) * share + value * (1 - share)
    this.#left -= 1
    if (this.#left <= 0) this.#before = null
    return mixed
  }
}
