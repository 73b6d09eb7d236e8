/** What the doctor listens to: the live sound, its last seconds again, or a recording; and one beside it to compare. */
import { codeOf } from '../../shared/http'
import { lastSeconds, recordingOf } from '../../shared/sound/excerpt'
import type { Pitch } from '../../shared/sound/replay'
import { ReplayPlayer } from '../../shared/sound/replayPlayer'
import type { Speed } from '../../shared/sound/slow'
import { digest } from '../../shared/sound/stream'
import { scaleFor } from '../../shared/sound/trace'
import type { EarlierSound, ListeningMark, SoundView } from '../../shared/wire'
import type { Media } from '../media.svelte'
import type { Hearing } from './hearing'
import { Piece } from './piece.svelte'

export const SPEEDS: readonly Speed[] = [1, 0.5, 0.25]
const SPEED_WORDS = { 1: 'normal', 0.5: 'half', 0.25: 'quarter' } as const
export const speedWord = (speed: Speed): 'normal' | 'half' | 'quarter' => SPEED_WORDS[speed]

export class ListeningTools {
  /** null while it is live. */
  piece = $state.raw<Piece | null>(null)
  other = $state.raw<Piece | null>(null)
  /** Which of the two is in the player. */
  active = $state<'piece' | 'other'>('piece')
  playing = $state(false)
  loop = $state(true)
  speed = $state<Speed>(1)
  pitch = $state<Pitch>('same')
  turnedDown = $state(0)
  /** Code of what went wrong with a recording; empty when nothing did. */
  problem = $state('')
  #earlier = $state.raw<EarlierSound[]>([])
  /** Point and ground of what was looked for last. */
  #looked: string | undefined
  readonly #player = new ReplayPlayer()

  constructor(readonly media: Media) {
    this.#player.onReplayed = ({ head, playing, reducedDb }) => {
      if (this.#inPlayer) this.#inPlayer.place = head
      this.playing = playing
      this.turnedDown = Math.round(reducedDb)
    }
  }

  get #inPlayer(): Piece | null {
    return this.active === 'piece' ? this.piece : this.other
  }

  /** Recordings from earlier visits, at the point of the last `lookForEarlier`. */
  get earlier(): readonly EarlierSound[] {
    return this.#earlier
  }

  /** The same for both pictures, so that louder looks louder. */
  get scale(): number {
    return scaleFor(Math.max(this.piece?.peak ?? 0, this.other?.peak ?? 0))
  }

  /** What was heard just now, again; stands at its last seconds, playing. */
  async replay(visitId: string, point: string | null): Promise<void> {
    const sound = this.media.sound
    if (sound === null || sound.length === 0) return
    const excerpt = lastSeconds(sound, this.media.soundMarks)
    const about = { kind: 'replay', soundId: '', visitId, at: new Date().toISOString(), circumstances: { point }, marks: [] } as const
    await this.#put(new Piece(excerpt, about))
    await this.play(true)
  }

  /** A recording that the hub has, in place of the live sound. */
  async open(view: SoundView, visitId: string): Promise<void> {
    const piece = await this.#fetch(view, visitId, [])
    if (piece) await this.#put(piece)
  }

  /** The same beside it; null takes it away. */
  async compare(view: SoundView | null, visitId: string, marks: readonly ListeningMark[] = []): Promise<void> {
    if (this.active === 'other') await this.use('piece')
    this.other = view === null ? null : await this.#fetch(view, visitId, marks)
  }

  /** Back to the live sound, at once. */
  live(): void {
    this.#player.play(false, false)
    this.piece = this.other = null
    this.active = 'piece'
    this.playing = false
    this.turnedDown = 0
    this.problem = ''
    this.media.aside(false)
  }

  async use(which: 'piece' | 'other'): Promise<void> {
    if (this.active === which) return
    this.#player.play(false, this.loop)
    this.playing = false
    this.active = which
    await this.#load()
  }

  async play(on: boolean, which = this.active): Promise<void> {
    await this.use(which)
    if (this.#inPlayer === null) return
    this.media.aside(true)
    this.playing = on
    this.#player.play(on, this.loop)
  }

  setLoop(on: boolean): void {
    this.loop = on
    this.#player.play(this.playing, on)
  }

  setSpeed(speed: Speed, pitch: Pitch): void {
    this.speed = speed
    this.pitch = pitch
    this.#player.speed(speed, pitch)
  }

  nextSpeed(): void {
    const at = SPEEDS.indexOf(this.speed)
    this.setSpeed(SPEEDS[(at + 1) % SPEEDS.length] as Speed, this.pitch)
  }

  hear({ view, quieter }: Hearing, volume: number): void {
    this.#player.view = view
    this.#player.quieter = quieter
    this.#player.volume = volume
  }

  choose(piece: Piece, one: number, other: number): void {
    piece.choose(one, other)
    if (piece === this.#inPlayer) this.#player.range(piece.from, piece.to)
  }

  seek(piece: Piece, sample: number): void {
    piece.place = Math.round(Math.min(Math.max(piece.from, sample), piece.to - 1))
    if (piece === this.#inPlayer) this.#player.seek(piece.place)
  }

  /** Once for each point and each ground on which earlier visits are open; what fails is said when something is chosen. */
  async lookForEarlier(visitId: string, point: string | null, ground: string): Promise<void> {
    const asked = JSON.stringify([point, ground])
    if (this.#looked === asked) return
    this.#looked = asked
    this.#earlier = []
    const query = point === null ? '' : `?point=${encodeURIComponent(point)}`
    try {
      this.#earlier = await this.media.desk.api.get<EarlierSound[]>(`/api/visits/${visitId}/sounds/earlier${query}`)
    } catch (error) {
      this.#looked = undefined
      this.problem = codeOf(error)
    }
  }

  close(): void {
    this.live()
    void this.#player.close()
  }

  async #put(piece: Piece): Promise<void> {
    this.other = null
    this.active = 'piece'
    this.piece = piece
    this.playing = false
    this.media.aside(true)
    await this.#load()
  }

  async #load(): Promise<void> {
    const piece = this.#inPlayer
    if (piece === null) return
    this.problem = ''
    try {
      await this.#player.load(piece.excerpt)
    } catch {
      this.problem = 'not_playable'
      return
    }
    this.#player.range(piece.from, piece.to)
    this.#player.seek(piece.place)
    this.#player.speed(this.speed, this.pitch)
  }

  /** The file must be what its signed record says, whole. */
  async #fetch(view: SoundView, visitId: string, marks: readonly ListeningMark[]): Promise<Piece | null> {
    const { sound } = view
    this.problem = ''
    try {
      const file = await this.media.desk.api.blob(`/api/media/${visitId}/${sound.media_sha256}`)
      const excerpt = recordingOf(sound, await file.arrayBuffer())
      const whole = !('refused' in excerpt) && ['', sound.media_sha256].includes(await digest(excerpt.samples))
      if (!whole) {
        this.problem = 'recording_damaged'
        return null
      }
      const { point } = sound.circumstances
      return new Piece(excerpt, { kind: 'recording', soundId: sound.id, visitId, at: sound.times.kit_utc, circumstances: { point }, marks })
    } catch (error) {
      this.problem = codeOf(error)
      return null
    }
  }
}
