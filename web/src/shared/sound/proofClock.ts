/**
 * The kit's monotonic clock seen from this page: questions and answers on the data channel, the quickest of which counts.
 * The answer was given some time between question and return, so the clocks are known to half of that time, whatever the
 * two ways are like. Pure.
 */

export const QUESTIONS = 8

interface Ask {
  type: 'clock_ask'
  id: number
}

export class ProofClock {
  readonly #asked = new Map<number, number>()
  readonly #now: () => number
  #next = 0
  #offset: number | null = null
  #quickest = Infinity

  /** `now` is the Unix time by the page's clock, ms: the one that the audio thread stamps with. */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** The next question, to be sent at once. */
  ask(): Ask {
    this.#next += 1
    this.#asked.set(this.#next, this.#now())
    return { type: 'clock_ask', id: this.#next }
  }

  /** The kit's answer; one that was not asked for, or came twice, is dropped. */
  told(id: unknown, kitMs: unknown): void {
    const asked = typeof id === 'number' ? this.#asked.get(id) : undefined
    if (asked === undefined || typeof kitMs !== 'number' || !Number.isFinite(kitMs)) return
    this.#asked.delete(id as number)
    const around = this.#now() - asked
    if (around < 0 || around >= this.#quickest) return
    this.#quickest = around
    this.#offset = asked + around / 2 - kitMs
  }

  /** A time of the kit's clock as Unix time of this page, ms; null before the first answer. */
  here(kitMs: number): number | null {
    return this.#offset === null ? null : kitMs + this.#offset
  }

  /** How far off that may be, ms, whichever way was the slower; 1 ms of it is the clock's own step. */
  get errorMs(): number {
    return this.#quickest / 2 + 1
  }
}
