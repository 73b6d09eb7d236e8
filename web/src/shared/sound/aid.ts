/** The pitch aid in the way to the loudspeaker, or taken out: then nothing of it is left, the way is direct again. */
import type { Octaves } from './aidShift'
import workletUrl from './aid.worklet.ts?worker&url'
import type { SoundPlayer } from './player'

export class Aid {
  readonly #player: () => SoundPlayer | undefined
  #octaves: Octaves | 0 = 0
  #node: AudioWorkletNode | null = null
  #remove: Promise<() => Promise<void>> | null = null

  constructor(player: () => SoundPlayer | undefined) {
    this.#player = player
  }

  get octaves(): Octaves | 0 {
    return this.#octaves
  }

  /** 0 is the raw sound. */
  async choose(octaves: Octaves | 0): Promise<void> {
    this.#octaves = octaves
    if (octaves === 0) {
      const remove = this.#remove
      this.#remove = this.#node = null
      await (await remove)?.()
    } else if (this.#remove === null) {
      const player = this.#player()
      if (player !== undefined) await (this.#remove = player.through((context) => this.#build(context)))
    } else {
      this.#node?.port.postMessage(octaves)
    }
  }

  async #build(context: BaseAudioContext): Promise<AudioNode | null> {
    if (this.#octaves === 0) return null
    await context.audioWorklet.addModule(workletUrl)
    this.#node = new AudioWorkletNode(context, 'pitch-aid', {
      outputChannelCount: [1],
      processorOptions: { octaves: this.#octaves },
    })
    return this.#node
  }
}
