/** Draws columns, names and flags of a phonocardiogram; where on the canvas they stand is the caller's. */
import { type Colours, hatch } from './paint'
import { extremes, middleOf, type PhonoSource } from './trace'

/** The names S1 and S2 stand above the trace. */
export const NAMES_PX = 18
/** Room for half a name. */
export const HALF_NAME_PX = 9

export interface Column {
  x: number
  first: number
  end: number
  /** Nothing from here on is drawn. */
  limit: number
}

export class Pen {
  scale = 1
  ratio = 1

  constructor(
    readonly context: CanvasRenderingContext2D,
    public colours: Colours,
  ) {}

  y(value: number): number {
    const top = NAMES_PX * this.ratio
    const { height } = this.context.canvas
    return (height + top) / 2 - (value / this.scale) * ((height - top) / 2) * 0.94
  }

  column(source: PhonoSource, { x, first, end, limit }: Column): void {
    const { context, colours, ratio } = this
    context.clearRect(x, 0, 1, context.canvas.height)
    const { least, most, gap } = extremes(source, first, end, limit)
    context.fillStyle = colours.grid
    context.fillRect(x, this.y(0), 1, ratio)
    this.#second(source, x, first, end)
    if (gap !== 'none') return hatch(context, x, colours.gap, ratio, gap === 'kit')
    if (least === Infinity) return
    context.fillStyle = colours.trace
    const top = this.y(most)
    context.fillRect(x, top, 1, Math.max(1.5 * ratio, this.y(least) - top))
  }

  /** A line for each second, a tick for each fifth of it. */
  #second(source: PhonoSource, x: number, first: number, end: number): void {
    const crosses = (step: number): boolean => Math.floor((end - 1) / step) !== Math.floor((first - 1) / step)
    const { height } = this.context.canvas
    if (crosses(source.rateHz)) this.context.fillRect(x, NAMES_PX * this.ratio, Math.max(1, this.ratio), height)
    else if (crosses(source.rateHz / 5)) this.context.fillRect(x, height - 5 * this.ratio, Math.max(1, this.ratio), height)
  }

  /** S1 or S2, where the kit heard it; a line and no more where the name is not sure. */
  name(x: number, name: string): void {
    const { context, ratio } = this
    context.fillStyle = this.colours.mark
    context.fillRect(x, NAMES_PX * ratio, Math.max(1, ratio / 2), context.canvas.height)
    context.font = `600 ${12 * ratio}px ${getComputedStyle(context.canvas).fontFamily}`
    context.textAlign = 'center'
    this.unname(x)
    context.fillText(name, this.#middle(x), (NAMES_PX - 5) * ratio)
  }

  /** Takes the whole name away that stands at `x`, and leaves the line. */
  unname(x: number): void {
    const half = HALF_NAME_PX * this.ratio
    this.context.clearRect(this.#middle(x) - half, 0, 2 * half, NAMES_PX * this.ratio)
  }

  #middle(x: number): number {
    return middleOf(x, 2 * HALF_NAME_PX * this.ratio, this.context.canvas.width)
  }

  /** A person's mark, with its number in a flag. */
  flag(x: number, number: number): void {
    const { context, ratio } = this
    const { height } = context.canvas
    const [wide, high] = [16 * ratio, 15 * ratio]
    context.fillStyle = this.colours.flag
    context.fillRect(x, NAMES_PX * ratio, Math.max(2, 1.5 * ratio), height)
    context.fillRect(x, height - high, wide, high)
    context.fillStyle = this.colours.theme === 'dark' ? '#000000' : '#ffffff'
    context.font = `700 ${11 * ratio}px ${getComputedStyle(context.canvas).fontFamily}`
    context.textAlign = 'center'
    context.fillText(String(number), x + wide / 2 + ratio / 2, height - 4 * ratio)
  }

  cursor(x: number): void {
    this.context.fillStyle = this.colours.cursor
    this.context.fillRect(x, NAMES_PX * this.ratio, Math.max(1, this.ratio), this.context.canvas.height)
  }
}
