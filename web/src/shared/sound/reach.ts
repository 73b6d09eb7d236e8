/**
 * Whether a chunk number can be true: a stream goes on as fast as time does. A number far ahead is believed when others
 * confirm it (a counter of the instrument that jumped), one alone is not.
 */

const SLACK_MS = 10_000
const CONFIRMED_BY = 3
const CONFIRM_WITHIN_CHUNKS = 250

export class Reach {
  #next = 0
  #atMs: number
  #far = -1
  #confirmed = 0

  constructor(
    readonly chunkMs: number,
    nowMs: number,
  ) {
    this.#atMs = nowMs
  }

  /** True when `number` may be the newest chunk at `nowMs`; the first of a stream always may. */
  take(number: number, nowMs: number): boolean {
    const reach = this.#next + (nowMs - this.#atMs + SLACK_MS) / this.chunkMs
    if (this.#next > 0 && number > reach && !this.#confirm(number)) return false
    if (number >= this.#next) {
      this.#next = number + 1
      this.#atMs = nowMs
    }
    return true
  }

  #confirm(number: number): boolean {
    const near = this.#far >= 0 && number > this.#far && number - this.#far < CONFIRM_WITHIN_CHUNKS
    this.#confirmed = near ? this.#confirmed + 1 : 1
    this.#far = number
    return this.#confirmed >= CONFIRMED_BY
  }
}
