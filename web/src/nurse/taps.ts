/** A double tap is one act. */

/** Its second tap lands on what came under the finger: for so long, what just opened takes none. */
export const SETTLE_MS = 500

/** Whether what opened then takes taps now; `undefined` is not open. */
export function takesTaps(openedMs: number | undefined, nowMs: number): boolean {
  return openedMs !== undefined && nowMs - openedMs >= SETTLE_MS
}

/** So long may the kit's answer take: the same act before that is the second tap of a double tap. */
export const ON_ITS_WAY_MS = 1000

/** The act that was sent last, as long as it may be on its way. */
export class OnItsWay {
  #what = ''
  #atMs = 0

  /** Whether this very act was sent just now; if not, it is from now on. */
  repeats(act: object, nowMs: number): boolean {
    const what = JSON.stringify(act)
    if (what === this.#what && nowMs - this.#atMs < ON_ITS_WAY_MS) return true
    this.#what = what
    this.#atMs = nowMs
    return false
  }

  /** It was refused, or did not go out: it may be tried again at once. */
  over(): void {
    this.#what = ''
  }
}
