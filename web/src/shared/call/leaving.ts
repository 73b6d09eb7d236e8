/** Whether the other one has left: a page loaded anew, or a kit that comes back, is away for a moment only. */
import { LEFT_MS } from './patience'

export class Leaving {
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `left` is called once the other stays away. */
  constructor(readonly left: () => void) {}

  here(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  away(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.left()
    }, LEFT_MS)
  }
}
