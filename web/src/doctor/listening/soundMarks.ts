import type { SoundMark } from '../../shared/sound/phonocardiogram'

/** S1 and S2 of one stream as the kit said them, by the data channel or by way of the hub, perhaps twice. */
export class SoundMarks {
  readonly all: SoundMark[] = []
  readonly #samples = new Set<number>()

  /** Those that are new. */
  take(said: readonly SoundMark[]): SoundMark[] {
    const fresh = said.filter(([sample]) => !this.#samples.has(sample))
    for (const [sample] of fresh) this.#samples.add(sample)
    this.all.push(...fresh)
    return fresh
  }
}
