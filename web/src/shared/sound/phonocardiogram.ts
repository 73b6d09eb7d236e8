/**
 * Phonocardiogram on a canvas, and its spectrogram on a second one: a sweep of the exact samples, each column from the least
 * to the greatest of its samples. A gap is hatched, never bridged; S1 and S2 stand where the kit heard them, without their
 * names where the heart is too fast (`names.ts`). Give the canvas `role="img"` and a text twin. Colours: `paint.ts`.
 */
import { LOOK_BACK_S, named } from './names'
import { coloursOf, fit, hatch } from './paint'
import { HALF_NAME_PX, Pen } from './pen'
import { SpectrogramColumns } from './spectrogram'
import { comesOver, type DrawnMark, inSweep, LEAST_SCALE, peakOf, type PhonoSource, scaleFor, type SoundMark } from './trace'

export type { PhonoSource, SoundMark } from './trace'

/** A person's mark on the stream that is shown. */
export interface Flag {
  sample: number
  number: number
}

export interface PhonoOptions {
  /** Width of the sweep. */
  seconds?: number
  /** One past the last sample to draw: the newest, or the one being heard. */
  head: () => number
  /** Where the spectrogram is drawn, over the same seconds. */
  spectrogram?: HTMLCanvasElement
  /** Whether all sounds in the picture bear their names; told when that changes. */
  onNamed?: (all: boolean) => void
}

export const SWEEP_S = 4
const ERASE_PX = 14

export class Phonocardiogram {
  readonly #canvas: HTMLCanvasElement
  readonly #below: CanvasRenderingContext2D | null
  readonly #columns = new SpectrogramColumns()
  readonly #pen: Pen
  readonly #seconds: number
  readonly #head: () => number
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)')
  readonly #observer: ResizeObserver
  readonly #onNamed: (all: boolean) => void
  #allNamed = true
  #source: PhonoSource | null = null
  #marks: SoundMark[] = []
  /** The same as they are drawn. */
  #drawnMarks: DrawnMark[] = []
  #flags: readonly Flag[] = []
  #drawn = 0
  /** One past the last sample of the columns of the spectrogram: half a window behind. */
  #heard = 0
  #frame = 0

  constructor(canvas: HTMLCanvasElement, options: PhonoOptions) {
    const context = canvas.getContext('2d')
    if (context === null) throw new Error('no canvas')
    this.#canvas = canvas
    this.#below = options.spectrogram?.getContext('2d') ?? null
    this.#pen = new Pen(context, coloursOf(canvas))
    this.#pen.scale = LEAST_SCALE
    this.#columns.theme(this.#pen.colours.theme)
    this.#seconds = options.seconds ?? SWEEP_S
    this.#head = options.head
    this.#onNamed = options.onNamed ?? (() => undefined)
    this.#observer = new ResizeObserver(() => this.#fit())
    this.#observer.observe(canvas)
    this.#fit()
    this.#frame = requestAnimationFrame(this.#draw)
  }

  /** Begin with another stream, or none. */
  show(source: PhonoSource | null): void {
    this.#source = source
    this.#marks = []
    this.#nameAnew()
    this.#flags = []
    this.#pen.scale = LEAST_SCALE
    this.#again()
  }

  /** Samples came late: draw their columns once more. */
  changed(first: number, length: number): void {
    const source = this.#source
    if (source === null) return
    const [window, reach] = [this.#window(), this.#columns.reach(source)]
    const [from, to] = inSweep(first, first + length, this.#drawn, window)
    // what is newest is drawn when its time comes
    if (to <= from) return
    this.#trace(from, to)
    this.#spectrum(...inSweep(first - reach, first + length + reach, this.#heard, window))
    this.#cursor(this.#drawn)
  }

  /** New marks, as in `ListeningState.sound_marks`. */
  mark(marks: readonly SoundMark[]): void {
    this.#marks.push(...marks)
    // what is out of the picture still says how fast the heart beat
    const oldest = this.#drawn - this.#window() - LOOK_BACK_S * (this.#source?.rateHz ?? 1)
    this.#marks = this.#marks.filter(([sample]) => sample > oldest)
    const changed = this.#nameAnew()
    if (!changed) {
      const added = new Set(marks.map(([sample]) => sample))
      for (const mark of this.#drawnMarks) if (added.has(mark[0])) this.#name(mark)
      return
    }
    this.#trace(Math.max(0, this.#drawn - this.#window()), this.#drawn)
    this.#cursor(this.#drawn)
  }

  /** Whether a mark that was there lost its name, or got it back. */
  #nameAnew(): boolean {
    const before = new Map(this.#drawnMarks)
    this.#drawnMarks = named(this.#marks, this.#source?.rateHz ?? 1)
    const all = this.#drawnMarks.every(([sample, name]) => name !== '' || sample <= this.#drawn - this.#window())
    if (all !== this.#allNamed) this.#onNamed((this.#allNamed = all))
    return this.#drawnMarks.some(([sample, name]) => before.has(sample) && before.get(sample) !== name)
  }

  /** The persons' marks on this stream, all of them. */
  flag(flags: readonly Flag[]): void {
    this.#flags = flags
    this.#again()
  }

  /** Read the colours again: the theme changed. */
  recolour(): void {
    this.#pen.colours = coloursOf(this.#canvas)
    this.#columns.theme(this.#pen.colours.theme)
    this.#again()
  }

  close(): void {
    cancelAnimationFrame(this.#frame)
    this.#observer.disconnect()
  }

  #window(): number {
    return this.#seconds * (this.#source?.rateHz ?? 1)
  }

  #again(): void {
    this.#pen.context.clearRect(0, 0, this.#canvas.width, this.#canvas.height)
    if (this.#below) this.#below.clearRect(0, 0, this.#below.canvas.width, this.#below.canvas.height)
    const head = Math.floor(this.#source === null ? 0 : this.#head())
    this.#drawn = this.#heard = Math.max(0, head - this.#window())
  }

  #fit(): void {
    this.#pen.ratio = Math.max(1, window.devicePixelRatio)
    const above = fit(this.#canvas, this.#pen.ratio)
    // the picture of the sound's pitch is coarse by nature: one pixel for each of the screen's is enough
    const below = this.#below !== null && fit(this.#below.canvas, 1)
    if (above || below) this.#again()
  }

  readonly #draw = (): void => {
    this.#frame = requestAnimationFrame(this.#draw)
    const source = this.#source
    if (source === null) return
    const head = Math.min(Math.floor(this.#head()), source.samples.length)
    // with reduced motion the picture changes once a second
    const step = this.#still.matches ? source.rateHz : 1
    if (head - this.#drawn < step) return
    if (this.#rescale(source, head)) this.#again()
    const from = Math.max(this.#drawn, head - this.#window())
    this.#drawn = head
    this.#trace(from, head)
    this.#cursor(head)
    const heard = Math.max(0, head - this.#columns.reach(source))
    const unheard = Math.max(this.#heard, head - this.#window())
    this.#heard = Math.max(this.#heard, heard)
    this.#spectrum(unheard, heard)
    if (this.#below) this.#below.clearRect(Math.floor(((heard % this.#window()) / this.#window()) * this.#below.canvas.width) + 1, 0, ERASE_PX, this.#below.canvas.height)
  }

  /** Half height in sample units: doubles at once when needed, halves when four times too large for a whole sweep. */
  #rescale(source: PhonoSource, head: number): boolean {
    const peak = peakOf(source, head - this.#window(), head)
    const before = this.#pen.scale
    this.#pen.scale = Math.max(before, scaleFor(peak))
    if (head > this.#window()) while (peak * 4 < this.#pen.scale && this.#pen.scale > LEAST_SCALE) this.#pen.scale /= 2
    return this.#pen.scale !== before
  }

  #xOf(sample: number): number {
    return Math.floor(((sample % this.#window()) / this.#window()) * this.#canvas.width)
  }

  #trace(from: number, to: number): void {
    const source = this.#source
    if (source === null || to <= from) return
    const { width } = this.#canvas
    const per = this.#window() / width
    const last = Math.floor((to - 1) / per)
    for (let column = Math.floor(from / per); column <= last; column += 1) {
      const first = Math.floor(column * per)
      const end = Math.max(first + 1, Math.floor((column + 1) * per))
      this.#pen.column(source, { x: column % width, first, end, limit: this.#drawn })
    }
    // a name is wider than its column: the new columns may have taken a half of it
    const half = (HALF_NAME_PX * this.#pen.ratio + 1) * per
    for (const mark of this.#drawnMarks) if (mark[0] >= from - half && mark[0] < to + half) this.#name(mark)
    // a flag is wider than its column
    for (const { sample, number } of this.#flags) {
      if (sample >= from - 20 * per * this.#pen.ratio && sample < to) this.#flag(sample, number)
    }
  }

  #spectrum(from: number, to: number): void {
    const [source, below] = [this.#source, this.#below]
    if (source === null || below === null || to <= from) return
    const { width } = below.canvas
    const per = this.#window() / width
    // whole columns only: a part of one is drawn when it is complete
    for (let column = Math.floor(Math.max(0, from) / per); (column + 1) * per <= to; column += 1) {
      const x = column % width
      const drawn = this.#columns.draw(below, x, source, (column + 0.5) * per, this.#pen.scale)
      if (drawn) continue
      below.clearRect(x, 0, 1, below.canvas.height)
      if (column * per > this.#columns.reach(source)) hatch(below, x, this.#pen.colours.gap, 1, false)
    }
  }

  #name([sample, name]: DrawnMark): void {
    if (this.#shown(sample)) this.#pen.name(this.#xOf(sample), name)
  }

  #flag(sample: number, number: number): void {
    if (this.#shown(sample)) this.#pen.flag(this.#xOf(sample), number)
  }

  #shown(sample: number): boolean {
    return sample < this.#drawn && sample >= this.#drawn - this.#window()
  }

  #cursor(head: number): void {
    const { context, ratio } = this.#pen
    const { width, height } = this.#canvas
    const x = this.#xOf(head)
    context.clearRect(x + 1, 0, ERASE_PX * ratio, height)
    if (x + ERASE_PX * ratio > width) context.clearRect(0, 0, x + ERASE_PX * ratio - width, height)
    const sweep = this.#window()
    const reach = ((ERASE_PX + HALF_NAME_PX) * ratio * sweep) / width
    for (const [sample] of this.#drawnMarks) if (comesOver(sample, head, sweep, reach)) this.#pen.unname(this.#xOf(sample))
    this.#pen.cursor(x)
  }
}
