/** Whether what a video element shows is still coming in: a picture that stands must not be taken for now. Pure. */
const OLD_MS = 3000

export class PictureAge {
  #frames = -1
  #atMs = 0

  /** When the last one came, as far as that was looked at. */
  get lastMs(): number {
    return this.#atMs
  }

  /** `frames`: how many the element has shown so far. Gives when the last one came, if that is a while ago; else null. */
  look(frames: number, nowMs: number): number | null {
    if (frames !== this.#frames) {
      this.#frames = frames
      this.#atMs = nowMs
    }
    return nowMs - this.#atMs > OLD_MS ? this.#atMs : null
  }
}
