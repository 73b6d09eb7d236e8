/**
 * When a picture that came by way of an SFU was taken, by the kit's clock. An SFU counts the RTP time of each viewer from a zero
 * of its own, so nobody can say how far that is from the kit's; but the distances between pictures stay what they were, to
 * the tick, and no two stretches of a camera's pictures have the same. So the kit tells the times of its last pictures, and the
 * one shift is sought by which many of ours are among them. While that is not clear, nothing is said.
 */
const WRAP = 2 ** 32
/** Pictures that are looked at: three to six seconds. */
const KEPT = 64
/** So many must fit before it is believed, and half as many at most for any other shift. */
const ENOUGH = 12

export class SfuClock {
  /** 90 kHz ticks of the kit's clock, as told last. */
  #kit: readonly number[] = []
  #rateHz = 90_000
  /** RTP times of the pictures shown last. */
  #shown: number[] = []
  /** From RTP time to the kit's ticks, modulo 2^32; null: not known. */
  #shift: number | null = null

  /** Take a `picture_times` message; false for anything that is not one. */
  take(message: Record<string, unknown>): boolean {
    const told = timesOf(message)
    if (told === null) return false
    this.#kit = told.ticks
    this.#rateHz = told.rateHz
    this.#seek()
    return true
  }

  /** A picture with this RTP time is shown: its kit time, microseconds; null while that is not known. */
  shown(rtp: number): number | null {
    if (this.#shown.at(-1) !== rtp) this.#shown = [...this.#shown.slice(1 - KEPT), rtp]
    const newest = this.#kit.at(-1)
    if (this.#shift === null || newest === undefined) return null
    // the nearer way round: 32 bits wrap after 13 hours
    const ahead = wrapped(rtp + this.#shift - newest + WRAP / 2) - WRAP / 2
    return ((newest + ahead) * 1_000_000) / this.#rateHz
  }

  /** A new connection counts from elsewhere. */
  forget(): void {
    this.#shown = []
    this.#shift = null
  }

  #seek(): void {
    const votes = new Map<number, number>()
    for (const kit of this.#kit) {
      for (const rtp of this.#shown) {
        const shift = wrapped(kit - rtp)
        votes.set(shift, (votes.get(shift) ?? 0) + 1)
      }
    }
    const [best, second] = [...votes].sort((a, b) => b[1] - a[1])
    if (best !== undefined && best[1] >= ENOUGH && (second?.[1] ?? 0) <= best[1] / 2) this.#shift = best[0]
    else if (this.#shift !== null && this.#contradicted(votes.get(this.#shift) ?? 0)) this.#shift = null
  }

  /** Many pictures should be among the kit's, and are not. */
  #contradicted(fitting: number): boolean {
    const [first, last] = [this.#kit[0] as number, this.#kit.at(-1) as number]
    const within = this.#shown.filter((rtp) => wrapped(rtp + (this.#shift as number) - first) <= last - first).length
    return within >= ENOUGH && fitting < within / 2
  }
}

function wrapped(ticks: number): number {
  return ((ticks % WRAP) + WRAP) % WRAP
}

/** Strictly rising ticks, at most as many as are looked at; null for anything else. */
function timesOf({ type, rate_hz: rateHz, first, after }: Record<string, unknown>): { ticks: number[]; rateHz: number } | null {
  if (type !== 'picture_times' || !whole(rateHz, 1, 1e6) || !whole(first, 0, 2 ** 52) || !Array.isArray(after)) return null
  if (after.length >= KEPT) return null
  const ticks = [first]
  for (const step of after as unknown[]) {
    if (!whole(step, 1, WRAP)) return null
    ticks.push((ticks.at(-1) as number) + step)
  }
  return { ticks, rateHz }
}

function whole(value: unknown, least: number, below: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value < below
}
