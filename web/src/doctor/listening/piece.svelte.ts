/** A piece of sound on the doctor's desk: what it is, which part of it is chosen, and where in it one stands. */
import type { Excerpt } from '../../shared/sound/excerpt'
import { peakOf } from '../../shared/sound/trace'
import type { ListeningMark } from '../../shared/wire'

export interface About {
  kind: 'replay' | 'recording'
  /** Id of the recording; empty for what was heard just now. */
  soundId: string
  visitId: string
  /** When the recording began. */
  at: string
  circumstances: { point: string | null }
  /** Marks of an earlier visit come with its recording; those of this visit are in the snapshot. */
  marks: readonly ListeningMark[]
}

const USUAL_S = 5
const LEAST_S = 0.5

export class Piece {
  from = $state(0)
  to = $state(0)
  /** Sample within the excerpt. */
  place = $state(0)

  constructor(
    readonly excerpt: Excerpt,
    readonly about: About,
  ) {
    this.to = excerpt.samples.length
    this.from = about.kind === 'replay' ? Math.max(0, this.to - USUAL_S * excerpt.rateHz) : 0
    if (about.kind === 'recording') this.to = Math.min(this.to, USUAL_S * excerpt.rateHz)
    this.place = this.from
  }

  get seconds(): number {
    return this.excerpt.samples.length / this.excerpt.rateHz
  }

  get chosenSeconds(): number {
    return (this.to - this.from) / this.excerpt.rateHz
  }

  /** Peak of the whole piece: what a picture's scale is made of. */
  get peak(): number {
    return peakOf(this.excerpt, 0, this.excerpt.samples.length)
  }

  /** Choose from one sample to another, in either order; never less than half a second, never outside. */
  choose(one: number, other: number): void {
    const all = this.excerpt.samples.length
    const least = Math.min(all, LEAST_S * this.excerpt.rateHz)
    const length = Math.min(all, Math.max(least, Math.abs(other - one)))
    this.from = Math.round(Math.min(Math.max(0, Math.min(one, other)), all - length))
    this.to = Math.round(this.from + length)
    if (this.place < this.from || this.place >= this.to) this.place = this.from
  }

  /** Second within the stream of a sample of the excerpt. */
  secondOf(sample: number): number {
    return (this.excerpt.first + sample) / this.excerpt.rateHz
  }
}
