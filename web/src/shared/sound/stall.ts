/**
 * A stall: nothing comes for a moment, and then all that was held up comes together. A Wi-Fi radio that looks at other
 * channels does so, and a processor that had something else to do. The hole in the sound is heard already when it is seen;
 * a longer delay would help only the next one. So one or two of them say nothing about the way; four within half a minute do.
 */

const SILENT_MS = 80
/** With so little behind the quickest, a packet was not held up. */
const BEHIND_MS = 40
/** By then half of what was held up has been caught up, or it is the way that became longer. */
const HALF_MS = 200
const LONGEST_MS = 350
/** Stalls within half a minute: from so many on they are waited for, and no more when there are so few. */
const OFTEN = 4
const SELDOM = 1
const WITHIN_MS = 30_000

/** `stall`: what comes may have been held up once. `way`: it was not, the way became longer. */
export type Pace = 'steady' | 'stall' | 'way'

export class Stall {
  #on = false
  #since = 0
  #worst = 0
  #last = Infinity
  /** Those of late: when they ended, and for how long the first packet was held up. */
  #past: { ended: number; worst: number }[] = []
  #often = false

  /** The newest packet came at this time, so much later than by the quickest way. `way` is said once, at the end of what looked like a stall. */
  came(nowMs: number, behindMs: number): Pace {
    const silentMs = nowMs - this.#last
    this.#last = nowMs
    if (this.#on) return this.#goesOn(nowMs, behindMs)
    if (silentMs < SILENT_MS || behindMs <= BEHIND_MS) return 'steady'
    this.#on = true
    this.#since = nowMs
    this.#worst = behindMs
    return 'stall'
  }

  /** Those so far say nothing about what comes. */
  forget(): void {
    this.#past = []
    this.#often = false
  }

  /** What would spare the listener most of the stalls, ms over the quickest way: 0 while they are seldom. */
  needsMs(nowMs: number): number {
    this.#past = this.#past.filter(({ ended }) => nowMs - ended <= WITHIN_MS)
    this.#often = this.#past.length > (this.#often ? SELDOM : OFTEN - 1)
    if (!this.#often) return 0
    const sorted = this.#past.map(({ worst }) => worst).toSorted((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] as number
  }

  #goesOn(nowMs: number, behindMs: number): Pace {
    this.#worst = Math.max(this.#worst, behindMs)
    const forMs = nowMs - this.#since
    const over = behindMs <= BEHIND_MS
    const way = forMs > LONGEST_MS || (forMs > HALF_MS && behindMs > this.#worst / 2)
    if (!over && !way) return 'stall'
    this.#on = false
    if (over) this.#past.push({ ended: nowMs, worst: this.#worst })
    return over ? 'steady' : 'way'
  }
}
