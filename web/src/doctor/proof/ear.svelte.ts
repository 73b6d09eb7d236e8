/** The listener's end: which device plays, what it is known to play, whether it is in call mode, and the pitch aid. */
import { Aid } from '../../shared/sound/aid'
import type { Octaves } from '../../shared/sound/aidShift'
import { type CallMode, callMode } from '../../shared/sound/headphonesCallMode'
import type { HeadphoneResult } from '../../shared/sound/headphonesCheck'
import { microphoneOf, outputInUse } from '../../shared/sound/headphonesDevices'
import { remember, remembered, type Remembered } from '../../shared/sound/headphonesMemory'
import type { SoundPlayer } from '../../shared/sound/player'

/** A headset takes a moment to change its mode after its microphone was opened. */
const SETTLES_MS = 1500

export class Ear {
  octaves = $state<Octaves | 0>(0)
  /** As the browser calls the output; empty where it does not say. */
  device = $state('')
  mode = $state<CallMode>('no')
  result = $state.raw<Remembered | null>(null)
  readonly #aid: Aid
  #microphone: MediaStreamTrack | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(player: () => SoundPlayer | undefined) {
    this.#aid = new Aid(player)
  }

  /** Begins to watch the devices; returns what ends it. */
  start(): () => void {
    const changed = (): void => this.#soon()
    navigator.mediaDevices?.addEventListener('devicechange', changed)
    void this.#look()
    return () => {
      navigator.mediaDevices?.removeEventListener('devicechange', changed)
      clearTimeout(this.#timer)
    }
  }

  /** The track of the doctor's own voice; null when there is none. */
  speaksInto(track: MediaStreamTrack | null): void {
    this.#microphone = track
    this.#soon()
  }

  choose(octaves: Octaves | 0): void {
    this.octaves = octaves
    void this.#aid.choose(octaves)
  }

  checked(result: HeadphoneResult): void {
    this.result = { ...result, device: this.device, at: new Date().toISOString() }
    remember(this.result)
  }

  #soon(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#look(), SETTLES_MS)
  }

  async #look(): Promise<void> {
    const [output, microphone] = [await outputInUse(), await microphoneOf(this.#microphone)]
    this.mode = callMode(output, microphone)
    this.device = output.label
    this.result = remembered(output.label)
  }
}
