/**
 * Narrow notches at mains and its harmonics, and at a telephone's bursts, heard only while these tones stand still. Part of the
 * quieter view; see `quieter.ts`.
 */

const HUM_HZ = [50, 60] as const
const BUZZ_HZ = 216.68
const HARMONICS = 5
/** Seconds in a row with the tone before anything is done: a heart is no hum, and a buzz does not wait. */
const HUM_LOOKS = 2
const BUZZ_LOOKS = 1
const TONE_TIMES = 20
/** What is usual is looked for so far on both sides of a line. */
const AROUND_HZ = 12
const HIGHEST_OF_RATE = 0.45
const NOTCH_HZ = 2
const FADE_S = 0.05
/** Rests of filters smaller than this are nothing, and numbers much smaller are slow to compute with. */
const NOTHING = 1e-30

export class QuieterTones {
  readonly #look: Look
  readonly #combs: Comb[]

  constructor(hop: number, rateHz: number) {
    this.#look = new Look(hop, rateHz)
    const comb = (baseHz: number, enough: number): Comb => new Comb(baseHz, hop, rateHz, enough, this.#look)
    this.#combs = [...HUM_HZ.map((base) => comb(base, HUM_LOOKS)), comb(BUZZ_HZ, BUZZ_LOOKS)]
  }

  reset(): void {
    this.#look.reset()
    for (const comb of this.#combs) comb.reset()
  }

  /** In place. */
  hop(piece: Float64Array): void {
    if (this.#look.hop(piece)) for (const comb of this.#combs) comb.look()
    for (const comb of this.#combs) comb.hop(piece)
  }
}

/** Power at some frequencies in each second of sound (Goertzel 1958), computed as it comes and not at its end. */
class Look {
  readonly #window: Float64Array
  readonly #piece: Float64Array
  readonly #bins: { turn: number; one: number; two: number; power: number }[] = []
  /** Of one bin, Hz. */
  readonly stepHz: number
  #at = 0

  constructor(hop: number, rateHz: number) {
    const size = Math.ceil(rateHz / hop) * hop
    this.stepHz = rateHz / size
    this.#window = Float64Array.from({ length: size }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / (size - 1)))
    this.#piece = new Float64Array(hop)
  }

  /** Look at this bin too; returns where to find it. */
  add(bin: number): number {
    return this.#bins.push({ turn: 2 * Math.cos((2 * Math.PI * bin) / this.#window.length), one: 0, two: 0, power: 0 }) - 1
  }

  power(index: number): number {
    return this.#bins[index]?.power ?? 0
  }

  reset(): void {
    this.#at = 0
    for (const bin of this.#bins) bin.one = bin.two = bin.power = 0
  }

  /** Whether a second is over. */
  hop(piece: Float64Array): boolean {
    const windowed = this.#piece
    for (let at = 0; at < piece.length; at += 1) windowed[at] = (piece[at] as number) * (this.#window[this.#at + at] as number)
    for (const bin of this.#bins) {
      let { one, two } = bin
      for (let at = 0; at < windowed.length; at += 1) {
        const value = (windowed[at] as number) + bin.turn * one - two
        two = one
        one = value
      }
      bin.one = one
      bin.two = two
    }
    this.#at += piece.length
    if (this.#at < this.#window.length) return false
    this.#at = 0
    for (const bin of this.#bins) {
      bin.power = bin.one ** 2 + bin.two ** 2 - bin.turn * bin.one * bin.two
      bin.one = bin.two = 0
    }
    return true
  }
}

/** One tone and its harmonics: filtered all the time, heard only while the tone is there. */
class Comb {
  readonly #look: Look
  readonly #enough: number
  readonly #lines: Line[] = []
  readonly #step: number
  readonly #notched: Float64Array
  #looks = 0
  #share = 0

  constructor(baseHz: number, hop: number, rateHz: number, enough: number, look: Look) {
    this.#look = look
    this.#enough = enough
    this.#notched = new Float64Array(hop)
    this.#step = 1 / Math.max(1, Math.round(FADE_S * rateHz))
    for (let n = 1; n <= HARMONICS && n * baseHz < HIGHEST_OF_RATE * rateHz; n += 1) this.#lines.push(new Line(n * baseHz, rateHz, look))
  }

  reset(): void {
    this.#looks = this.#share = 0
    for (const line of this.#lines) line.reset()
  }

  /** A second of sound is over: is the tone there? */
  look(): void {
    let above = 0
    for (const line of this.#lines) if (line.stands(this.#look)) above += 1
    const there = above >= Math.min(2, this.#lines.length)
    this.#looks = there ? Math.min(this.#looks + 1, this.#enough + 1) : Math.max(this.#looks - 1, 0)
  }

  /** In place. */
  hop(piece: Float64Array): void {
    const aim = this.#looks >= this.#enough ? 1 : 0
    this.#notched.set(piece)
    for (const line of this.#lines) line.hop(this.#notched)
    if (this.#share === 0 && aim === 0) return
    for (let at = 0; at < piece.length; at += 1) {
      const value = piece[at] as number
      if (this.#share < aim) this.#share = Math.min(1, this.#share + this.#step)
      else if (this.#share > aim) this.#share = Math.max(0, this.#share - this.#step)
      piece[at] = value + this.#share * ((this.#notched[at] as number) - value)
    }
  }
}

/** A notch of second order, 2 Hz wide at -3 dB, and the bins around it that tell whether it is needed. */
class Line {
  readonly #gain: number
  readonly #turn: number
  readonly #bins: number[] = []
  /** Where among the bins the line itself stands. */
  readonly #own: number
  readonly #sorted: Float64Array
  #one = 0
  #two = 0

  constructor(hz: number, rateHz: number, look: Look) {
    this.#gain = 1 / (1 + Math.tan((Math.PI * NOTCH_HZ) / rateHz))
    this.#turn = -2 * Math.cos((2 * Math.PI * hz) / rateHz)
    const at = Math.round(hz / look.stepHz)
    const around = Math.round(AROUND_HZ / look.stepHz)
    for (let bin = Math.max(at - around, 1); bin <= at + around; bin += 1) this.#bins.push(look.add(bin))
    this.#own = at - Math.max(at - around, 1)
    this.#sorted = new Float64Array(this.#bins.length)
  }

  reset(): void {
    this.#one = this.#two = 0
  }

  /** Whether it stands out from its neighbourhood. */
  stands(look: Look): boolean {
    for (let at = 0; at < this.#bins.length; at += 1) this.#sorted[at] = look.power(this.#bins[at] as number)
    const own = Math.max(this.#sorted[this.#own - 1] as number, this.#sorted[this.#own] as number, this.#sorted[this.#own + 1] as number)
    this.#sorted.sort()
    const [low, high] = [Math.floor((this.#bins.length - 1) / 2), Math.floor(this.#bins.length / 2)]
    const usual = ((this.#sorted[low] as number) + (this.#sorted[high] as number)) / 2
    return own > TONE_TIMES * usual + 1e-9
  }

  /** In place. */
  hop(piece: Float64Array): void {
    const [gain, turn, back] = [this.#gain, this.#gain * this.#turn, 2 * this.#gain - 1]
    let [one, two] = [this.#one, this.#two]
    for (let at = 0; at < piece.length; at += 1) {
      const input = piece[at] as number
      const output = gain * input + one
      one = turn * (input - output) + two
      two = gain * input - back * output
      piece[at] = output
    }
    this.#one = Math.abs(one) < NOTHING ? 0 : one
    this.#two = Math.abs(two) < NOTHING ? 0 : two
  }
}
