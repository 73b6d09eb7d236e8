/** Clicks of up to 2 ms replaced by straight lines, 32 ms late at 4 kHz. Part of the quieter view; see `quieter.ts`. */

const SPIKE_S = 0.002
/** So much steeper than what is usual is a click. */
const SPIKE_TIMES = 12
const USUAL = 0.8

export class QuieterClicks {
  readonly #hop: number
  readonly #reach: number
  /** Three pieces: what is judged has a neighbour on either side. */
  readonly #block: Float64Array
  readonly #steps: Float64Array
  readonly #sorted: Float64Array
  readonly #bad: Uint8Array

  constructor(hop: number, rateHz: number) {
    this.#hop = hop
    this.#reach = Math.max(1, Math.round((SPIKE_S / 2) * rateHz))
    this.#block = new Float64Array(3 * hop)
    this.#steps = new Float64Array(3 * hop)
    this.#sorted = new Float64Array(3 * hop)
    this.#bad = new Uint8Array(3 * hop)
  }

  reset(): void {
    this.#block.fill(0)
  }

  /** A piece in, the one before it out; true where that is nothing but silence. */
  hop(piece: Float64Array, out: Float64Array): boolean {
    this.#block.copyWithin(0, this.#hop)
    this.#block.set(piece, 2 * this.#hop)
    const mend = this.#look()
    let silent = true
    for (let at = 0; at < this.#hop; at += 1) {
      const value = mend && this.#bad[this.#hop + at] === 1 ? this.#line(this.#hop + at) : (this.#block[this.#hop + at] as number)
      out[at] = value
      if (value !== 0) silent = false
    }
    return silent
  }

  /** Finds what is to be replaced; false: nothing. */
  #look(): boolean {
    const usual = this.#usual()
    if (usual <= 0) return false
    let clicks = 0
    this.#bad.fill(0)
    const wide = Math.floor(this.#reach / 2)
    for (let at = 0; at < this.#steps.length; at += 1) {
      if ((this.#steps[at] as number) <= SPIKE_TIMES * usual) continue
      clicks += 1
      this.#bad.fill(1, Math.max(0, at - wide), at + wide + 1)
    }
    // heart sounds have steep slopes too, for longer
    return clicks > 0 && clicks <= 2 * this.#reach && this.#good() >= 2
  }

  /** How much slopes change usually: the 80th percentile, between its neighbours. */
  #usual(): number {
    const last = this.#block.length - 1
    for (let at = 0; at <= last; at += 1) {
      const before = this.#block[Math.max(0, at - 1)] as number
      const after = this.#block[Math.min(last, at + 1)] as number
      const here = this.#block[at] as number
      this.#steps[at] = Math.abs(after - here - (here - before))
    }
    this.#sorted.set(this.#steps)
    this.#sorted.sort()
    const place = USUAL * last
    const below = Math.floor(place)
    const low = this.#sorted[below] as number
    return low + ((this.#sorted[below + 1] as number) - low) * (place - below)
  }

  #good(): number {
    let good = 0
    for (let at = 0; at < this.#bad.length; at += 1) if (this.#bad[at] === 0) good += 1
    return good
  }

  /** Between the nearest samples that are good; at an end, the nearest one. */
  #line(at: number): number {
    let [left, right] = [at, at]
    while (left >= 0 && this.#bad[left] === 1) left -= 1
    while (right < this.#bad.length && this.#bad[right] === 1) right += 1
    if (left < 0) return this.#block[right] as number
    const from = this.#block[left] as number
    if (right >= this.#bad.length) return from
    return from + (((this.#block[right] as number) - from) / (right - left)) * (at - left)
  }
}
