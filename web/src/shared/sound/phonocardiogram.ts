/**
 * Phonocardiogram on a canvas: a sweep of the exact samples, each column from the least to the greatest of its samples.
 * A gap is hatched, never bridged; S1 and S2 stand where the kit heard them. Give the canvas `role="img"` and a text twin.
 *
 * Colours are custom properties of the canvas: --phono-trace, --phono-grid, --phono-mark, --phono-gap, --phono-cursor.
 */
import { GAP, HERE } from './stream'

export interface PhonoSource {
  readonly samples: Int16Array
  readonly known: Uint8Array
  readonly rateHz: number
}

export type SoundMark = readonly [sample: number, name: 'S1' | 'S2']

export interface PhonoOptions {
  /** Width of the sweep. */
  seconds?: number
  /** One past the last sample to draw: the newest, or the one being heard. */
  head: () => number
}

const MARK_PX = 18
const ERASE_PX = 14
const LEAST_SCALE = 512

interface Colours {
  trace: string
  grid: string
  mark: string
  gap: string
  cursor: string
}

export class Phonocardiogram {
  readonly #canvas: HTMLCanvasElement
  readonly #seconds: number
  readonly #head: () => number
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)')
  readonly #observer: ResizeObserver
  #source: PhonoSource | null = null
  #marks: SoundMark[] = []
  #drawn = 0
  #scale = LEAST_SCALE
  #ratio = 1
  #colours: Colours | null = null
  #frame = 0

  constructor(canvas: HTMLCanvasElement, options: PhonoOptions) {
    this.#canvas = canvas
    this.#seconds = options.seconds ?? 4
    this.#head = options.head
    this.#observer = new ResizeObserver(() => this.#fit())
    this.#observer.observe(canvas)
    this.#fit()
    this.#frame = requestAnimationFrame(this.#draw)
  }

  /** Begin with another stream, or none. */
  show(source: PhonoSource | null): void {
    this.#source = source
    this.#marks = []
    this.#scale = LEAST_SCALE
    this.#again()
  }

  /** Samples came late: draw their columns once more. */
  changed(first: number, length: number): void {
    if (this.#source === null || first >= this.#drawn) return
    this.#columns(first, Math.min(first + length, this.#drawn))
  }

  /** New marks, as in `ListeningState.sound_marks`. */
  mark(marks: readonly SoundMark[]): void {
    this.#marks.push(...marks)
    const oldest = this.#drawn - this.#window()
    this.#marks = this.#marks.filter(([sample]) => sample > oldest)
    for (const mark of marks) this.#drawMark(mark)
  }

  /** Read the colours again: the theme changed. */
  recolour(): void {
    this.#colours = null
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
    const context = this.#canvas.getContext('2d')
    context?.clearRect(0, 0, this.#canvas.width, this.#canvas.height)
    const head = Math.floor(this.#source === null ? 0 : this.#head())
    this.#drawn = Math.max(0, head - this.#window())
    if (this.#source === null) this.#columns(0, 0)
  }

  #fit(): void {
    this.#ratio = Math.max(1, window.devicePixelRatio)
    const box = this.#canvas.getBoundingClientRect()
    const width = Math.max(1, Math.round(box.width * this.#ratio))
    const height = Math.max(1, Math.round(box.height * this.#ratio))
    if (this.#canvas.width === width && this.#canvas.height === height) return
    this.#canvas.width = width
    this.#canvas.height = height
    this.#again()
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
    this.#columns(from, head)
    this.#cursor(head)
  }

  /** Half height in sample units: doubles at once when needed, halves when four times too large for a whole sweep. */
  #rescale(source: PhonoSource, head: number): boolean {
    let peak = 0
    for (let at = Math.max(0, head - this.#window()); at < head; at += 1) {
      peak = Math.max(peak, Math.abs(source.samples[at] as number))
    }
    const before = this.#scale
    while (peak > this.#scale && this.#scale < 32768) this.#scale *= 2
    if (head > this.#window()) while (peak * 4 < this.#scale && this.#scale > LEAST_SCALE) this.#scale /= 2
    return this.#scale !== before
  }

  #columnOf(sample: number): number {
    return Math.floor(((sample % this.#window()) / this.#window()) * this.#canvas.width)
  }

  #columns(from: number, to: number): void {
    const context = this.#canvas.getContext('2d')
    const source = this.#source
    if (context === null || source === null || to <= from) return
    const per = this.#window() / this.#canvas.width
    const last = Math.floor((to - 1) / per)
    for (let column = Math.floor(from / per); column <= last; column += 1) {
      const first = Math.floor(column * per)
      this.#column(context, source, column % this.#canvas.width, first, Math.max(first + 1, Math.floor((column + 1) * per)))
    }
    for (const mark of this.#marks) if (mark[0] >= from - per && mark[0] < to) this.#drawMark(mark)
  }

  #column(context: CanvasRenderingContext2D, source: PhonoSource, x: number, first: number, end: number): void {
    const { height } = this.#canvas
    const colours = this.#paint()
    context.clearRect(x, 0, 1, height)
    let least = Infinity
    let most = -Infinity
    let gap = false
    // one sample back, so that columns join
    for (let at = Math.max(0, first - 1); at < Math.min(end, this.#drawn); at += 1) {
      if (source.known[at] === HERE) {
        least = Math.min(least, source.samples[at] as number)
        most = Math.max(most, source.samples[at] as number)
      } else if (at >= first) {
        gap = true
      }
    }
    context.fillStyle = colours.grid
    context.fillRect(x, this.#y(0), 1, this.#ratio)
    if (gap) this.#hatch(context, x, source.known[first] === GAP)
    if (gap || least === Infinity) return
    context.fillStyle = colours.trace
    const top = this.#y(most)
    context.fillRect(x, top, 1, Math.max(1.5 * this.#ratio, this.#y(least) - top))
  }

  /** Dense hatching: the kit has no sound there; wide: it has not come here (yet). */
  #hatch(context: CanvasRenderingContext2D, x: number, dense: boolean): void {
    const step = Math.round((dense ? 6 : 12) * this.#ratio)
    context.fillStyle = this.#paint().gap
    for (let y = step - (x % step); y < this.#canvas.height; y += step) {
      context.fillRect(x, y, 1, this.#ratio)
    }
  }

  #y(value: number): number {
    const top = MARK_PX * this.#ratio
    const middle = (this.#canvas.height + top) / 2
    return middle - (value / this.#scale) * ((this.#canvas.height - top) / 2) * 0.94
  }

  #drawMark([sample, name]: SoundMark): void {
    const context = this.#canvas.getContext('2d')
    if (context === null || sample >= this.#drawn || sample < this.#drawn - this.#window()) return
    const x = this.#columnOf(sample)
    context.fillStyle = this.#paint().mark
    context.fillRect(x, MARK_PX * this.#ratio, Math.max(1, this.#ratio / 2), this.#canvas.height)
    context.font = `600 ${12 * this.#ratio}px ${getComputedStyle(this.#canvas).fontFamily}`
    context.textAlign = 'center'
    context.fillText(name, x, (MARK_PX - 5) * this.#ratio)
  }

  #cursor(head: number): void {
    const context = this.#canvas.getContext('2d')
    if (context === null) return
    const { width, height } = this.#canvas
    const x = this.#columnOf(head)
    context.clearRect(x + 1, 0, ERASE_PX * this.#ratio, height)
    if (x + ERASE_PX * this.#ratio > width) context.clearRect(0, 0, x + ERASE_PX * this.#ratio - width, height)
    context.fillStyle = this.#paint().cursor
    context.fillRect(x, MARK_PX * this.#ratio, Math.max(1, this.#ratio), height)
  }

  #paint(): Colours {
    if (this.#colours !== null) return this.#colours
    // a canvas does not understand light-dark(): let the browser work the colour out on a real element
    const probe = document.createElement('span')
    this.#canvas.parentElement?.append(probe)
    const colour = (name: string, otherwise: string): string => {
      probe.style.color = `var(--phono-${name}, var(${otherwise}, CanvasText))`
      return getComputedStyle(probe).color
    }
    this.#colours = {
      trace: colour('trace', '--accent'),
      grid: colour('grid', '--line'),
      mark: colour('mark', '--ink-2'),
      gap: colour('gap', '--edge'),
      cursor: colour('cursor', '--edge'),
    }
    probe.remove()
    return this.#colours
  }
}
