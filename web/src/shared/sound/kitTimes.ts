/** When each chunk of a stream was heard, by the kit's one clock: what puts a sound beside the picture. */

const FAR_CHUNKS = 3000

export class KitTimes {
  /** µs of a chunk's first sample; 0 where not known. */
  #times = new Float64Array(256)

  set(chunk: number, timeUs: number): void {
    if (timeUs <= 0) return
    if (chunk >= this.#times.length) {
      const times = new Float64Array(Math.max(chunk + 1, 2 * this.#times.length))
      times.set(this.#times)
      this.#times = times
    }
    this.#times[chunk] = timeUs
  }

  /** µs of sample `at` within and beyond its chunk's nearest known neighbour, at most a minute away; null beyond. */
  of(sample: number, chunkSamples: number, rateHz: number): number | null {
    const chunk = Math.floor(sample / chunkSamples)
    for (let away = 0; away <= FAR_CHUNKS; away += 1) {
      for (const near of [chunk - away, chunk + away]) {
        const timeUs = this.#times[near]
        if (timeUs) return timeUs + ((sample - near * chunkSamples) * 1e6) / rateHz
      }
    }
    return null
  }
}
