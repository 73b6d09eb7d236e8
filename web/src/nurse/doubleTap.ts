/** The second tap of a double tap goes where the finger is, not where the eye was: what came under it in between takes none. */
import { SETTLE_MS } from './taps'

export type Tap = { x: number; y: number; atMs: number; /** What took it. */ on: unknown }

/** So far apart may two taps of one finger be, CSS pixels. */
const NEAR_PX = 24
/** A label passes its own click on at once; no finger is so quick. */
const AT_ONCE_MS = 20

export class DoubleTap {
  #last: Tap | undefined

  /** Whether this one was meant for something else that stood here. */
  slips(tap: Tap): boolean {
    const last = this.#last
    if (last === undefined || tap.on === last.on) return false
    const apartMs = tap.atMs - last.atMs
    return apartMs > AT_ONCE_MS && apartMs < SETTLE_MS && Math.hypot(tap.x - last.x, tap.y - last.y) <= NEAR_PX
  }

  took(tap: Tap): void {
    this.#last = tap
  }

  /** Something was typed in between. */
  over(): void {
    this.#last = undefined
  }
}
