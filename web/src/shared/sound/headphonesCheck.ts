/** What the listener's own device can reproduce: low tones, deeper and deeper, and which ear is which. Pure. */

export const TONES_HZ = [150, 100, 80, 60, 40, 30, 20] as const
export type Tone = (typeof TONES_HZ)[number]
export const EARS = ['left', 'right'] as const
export type Ear = (typeof EARS)[number]
/** Where the tone of one ear was heard. */
export type Place = Ear | 'both' | 'nowhere'

/** The third heart sound and rumbles lie at 20-60 Hz. */
export const DEEP_ENOUGH_HZ = 40
const MISSES = 2
/** So often where there was no tone, and the answers mean little. */
const GUESSES = 3

export interface HeadphoneResult {
  /** Deepest tone heard, with all above it; null when not even 150 Hz was. */
  lowestHz: Tone | null
  left: Place
  right: Place
  /** Tones were reported that were not played. */
  unsure: boolean
}

export type HeadphoneWord = 'deep' | 'shallow' | 'swapped' | 'one_ear' | 'unsure'

/** One check, answer by answer. */
export class HeadphoneCheck {
  readonly #places = new Map<Ear, Place>()
  #at = 0
  #misses = 0
  #guesses = 0
  #ended = false

  /** The ear whose tone is to be placed next; null once both are. */
  get ear(): Ear | null {
    return EARS.find((ear) => !this.#places.has(ear)) ?? null
  }

  /** The tone to play next; null before the ears are placed, and at the end. */
  get tone(): Tone | null {
    return this.ear !== null || this.#ended ? null : (TONES_HZ[this.#at] ?? null)
  }

  place(place: Place): void {
    if (this.ear !== null) this.#places.set(this.ear, place)
  }

  /** It was heard while it played. */
  heard(): void {
    if (this.tone === null) return
    this.#at += 1
    this.#misses = 0
  }

  /** It was not: played once more, then the check ends, for what is deeper will not be heard either. */
  missed(): void {
    if (this.tone === null) return
    this.#misses += 1
    if (this.#misses >= MISSES) this.#ended = true
  }

  /** A tone was reported in silence. */
  guessed(): void {
    this.#guesses += 1
  }

  /** Null before the end. */
  get result(): HeadphoneResult | null {
    if (this.ear !== null || this.tone !== null) return null
    return {
      lowestHz: TONES_HZ[this.#at - 1] ?? null,
      left: this.#places.get('left') ?? 'nowhere',
      right: this.#places.get('right') ?? 'nowhere',
      unsure: this.#guesses >= GUESSES,
    }
  }
}

/** What matters most about a result. */
export function judged(result: HeadphoneResult): HeadphoneWord {
  if (result.unsure) return 'unsure'
  if (result.lowestHz === null || result.lowestHz > DEEP_ENOUGH_HZ) return 'shallow'
  if (result.left === 'right' && result.right === 'left') return 'swapped'
  // both ears from one loudspeaker is how a room sounds; silence on one side is a broken cable
  if (result.left === 'nowhere' || result.right === 'nowhere') return 'one_ear'
  return 'deep'
}
