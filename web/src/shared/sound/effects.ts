/**
 * What stands between the exact samples and the loudspeaker when the listener wants it: nothing, or effects in the order
 * they were added. Without effects the way is direct: what the audio thread gives out is what is played.
 */

/** One node, or the first and last of several that are joined already. */
export type Effect = AudioNode | { input: AudioNode; output: AudioNode }
/** Builds an effect for a context (each rate has its own); null for none there. One that fails is left out. */
export type EffectBuilder = (context: BaseAudioContext) => Promise<Effect | null>

const ends = (effect: Effect): { input: AudioNode; output: AudioNode } =>
  'input' in effect ? effect : { input: effect, output: effect }

export class EffectChain {
  readonly #builders: EffectBuilder[] = []
  /** What must see all that is played: nothing comes after these but each other. */
  readonly #last = new Set<EffectBuilder>()
  #built = new Map<EffectBuilder, Effect | null>()
  #source: AudioNode | null = null
  #round = 0

  /** Another source (of another context) from now on, or none. */
  async from(source: AudioNode | null): Promise<void> {
    this.#source = source
    this.#built = new Map()
    await this.#join()
  }

  /** Adds an effect at the end, but before those that are to be last; the returned function takes it out again. */
  async add(build: EffectBuilder, last = false): Promise<() => Promise<void>> {
    const at = last ? -1 : this.#builders.findIndex((one) => this.#last.has(one))
    this.#builders.splice(at < 0 ? this.#builders.length : at, 0, build)
    if (last) this.#last.add(build)
    await this.#join()
    return async () => {
      const at = this.#builders.indexOf(build)
      if (at < 0) return
      this.#builders.splice(at, 1)
      await this.#join()
    }
  }

  async #join(): Promise<void> {
    const source = this.#source
    const round = (this.#round += 1)
    if (source === null) return
    const built = this.#built
    for (const build of [...this.#builders]) {
      if (built.has(build)) continue
      built.set(build, await build(source.context).catch(() => null))
    }
    // built too late: another effect or source came in the meantime, and joins all that is wanted then
    if (this.#round === round) this.#connect(source)
  }

  /** In one go, so that no block is played twice or not at all. */
  #connect(source: AudioNode): void {
    source.disconnect()
    for (const effect of this.#built.values()) if (effect !== null) ends(effect).output.disconnect()
    let last = source
    for (const build of this.#builders) {
      const effect = this.#built.get(build)
      if (!effect) continue
      last.connect(ends(effect).input)
      last = ends(effect).output
    }
    last.connect(source.context.destination)
  }
}
