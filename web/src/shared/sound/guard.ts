/**
 * Keeps loud sound from being cut off: turns it down before a peak comes, holds that for longer than a heart beat, lets go
 * slowly, and says by how much. What is below the ceiling passes untouched, a few milliseconds later. Pure.
 */

export const CEILING = 0.98
const AHEAD_MS = 3
/** Longer than the slowest heart's beat, so that the next one is not turned up and down again. */
const HOLD_S = 2.5
const RELEASE_DB_PER_S = 6

export class Guard {
  readonly #ahead: Float32Array
  readonly #holdFor: number
  readonly #release: number
  #at = 0
  #gain = 1
  #target = 1
  #slope = 0
  #hold = 0

  constructor(rateHz: number) {
    this.#ahead = new Float32Array(Math.max(1, Math.round((AHEAD_MS * rateHz) / 1000)))
    this.#holdFor = Math.round(HOLD_S * rateHz)
    this.#release = 10 ** (RELEASE_DB_PER_S / 20 / rateHz)
  }

  /** By how much the sound is turned down now, dB; 0 when it is untouched. */
  get reducedDb(): number {
    return this.#gain > 0.999 ? 0 : -20 * Math.log10(this.#gain)
  }

  step(input: number): number {
    this.#look(Math.abs(input))
    const output = this.#ahead[this.#at] as number
    this.#ahead[this.#at] = input
    this.#at = (this.#at + 1) % this.#ahead.length
    return output * this.#gain
  }

  /** A sample that comes out `ahead` steps from now must find the gain low enough by then. */
  #look(loud: number): void {
    if (this.#gain > this.#target) this.#gain = Math.max(this.#target, this.#gain - this.#slope)
    const needed = CEILING / Math.max(loud, CEILING)
    if (needed < this.#target) {
      this.#target = needed
      this.#slope = Math.max(this.#slope, (this.#gain - needed) / this.#ahead.length)
    }
    if (needed < 1 && needed <= this.#target * 1.01) this.#hold = this.#holdFor
    else if (this.#hold > 0) this.#hold -= 1
    else this.#letGo()
  }

  #letGo(): void {
    if (this.#target === 1 && this.#gain === 1) return
    this.#slope = 0
    this.#target = this.#gain = Math.min(1, this.#gain * this.#release)
  }
}
