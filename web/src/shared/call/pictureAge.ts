/** Whether what a video element shows is still coming in: a picture that stands must not be taken for now. Pure. */
const OLD_MS = 3000
/** Browsers tell of no picture while the page is not seen; then the count is what is left. */
const UNTOLD_MS = 1500
/** A picture is never shown so long after it was taken: the kit's clock began anew. */
const LATE_MS = 10_000

export class PictureAge {
  #frames = -1
  #atMs = 0
  /** When it was shown. */
  #cameMs = 0
  #toldMs = -Infinity
  /** From the kit's clock to this page's; the quickest picture is nearest to the truth. */
  #shiftMs = Infinity

  /** When the last one was taken, as far as that is known; else when it came. */
  get lastMs(): number {
    return this.#atMs
  }

  /** A picture is shown at `atMs`; taken at `kitUs` by the kit's clock, microseconds, or null where that is not known. */
  shown(atMs: number, kitUs: number | null): void {
    this.#toldMs = this.#cameMs = this.#atMs = atMs
    if (kitUs === null) return
    this.#shiftMs = Math.min(this.#shiftMs, atMs - kitUs / 1000)
    if (atMs - (kitUs / 1000 + this.#shiftMs) > LATE_MS) this.#shiftMs = atMs - kitUs / 1000
    this.#atMs = kitUs / 1000 + this.#shiftMs
  }

  /** Another stream: what was said of the old one's clock holds no longer. */
  renew(): void {
    this.#shiftMs = Infinity
  }

  /** `frames`: how many the element has shown so far. Gives when the last one was taken, if it came a while ago; else null. */
  look(frames: number, nowMs: number): number | null {
    if (frames !== this.#frames) {
      this.#frames = frames
      if (nowMs - this.#toldMs > UNTOLD_MS) this.#cameMs = this.#atMs = nowMs
    }
    return nowMs - this.#cameMs > OLD_MS ? this.#atMs : null
  }
}

/** Since when something is away that is missed now: since its last word `lastMs`, if that is what was waited for. */
export function awaySince(lastMs: number, nowMs: number, withinMs: number): number {
  return lastMs <= nowMs && nowMs - lastMs <= withinMs ? lastMs : nowMs
}
