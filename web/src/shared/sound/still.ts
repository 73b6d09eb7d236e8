/** A still picture of a piece of sound: phonocardiogram, and its spectrogram, between two samples. */
import { coloursOf, fit, hatch } from './paint'
import { Pen } from './pen'
import { SpectrogramColumns } from './spectrogram'
import type { DrawnMark, PhonoSource } from './trace'

export interface StillPicture {
  source: PhonoSource
  marks: readonly DrawnMark[]
  from: number
  to: number
  /** Half the height in sample units; the same for two pictures that are compared. */
  scale: number
}

/** Both halves of the picture. Names are left out where they would run into each other. */
export function drawStill(trace: HTMLCanvasElement, spectrogram: HTMLCanvasElement | null, picture: StillPicture): void {
  const context = trace.getContext('2d')
  if (context === null) return
  const ratio = Math.max(1, window.devicePixelRatio)
  fit(trace, ratio)
  const pen = new Pen(context, coloursOf(trace))
  pen.ratio = ratio
  pen.scale = picture.scale
  const per = (picture.to - picture.from) / trace.width
  for (let x = 0; x < trace.width; x += 1) {
    const first = Math.floor(picture.from + x * per)
    const end = Math.max(first + 1, Math.floor(picture.from + (x + 1) * per))
    pen.column(picture.source, { x, first, end, limit: picture.source.samples.length })
  }
  names(pen, picture, per)
  if (spectrogram !== null) drawSpectrogram(spectrogram, pen, picture)
}

function names(pen: Pen, { marks, from, to }: StillPicture, per: number): void {
  const shown = marks.filter(([sample]) => sample >= from && sample < to)
  const room = pen.context.canvas.width / Math.max(1, shown.length)
  if (room < 22 * pen.ratio) return
  for (const [sample, name] of shown) pen.name(Math.floor((sample - from) / per), name)
}

function drawSpectrogram(canvas: HTMLCanvasElement, pen: Pen, { source, from, to, scale }: StillPicture): void {
  const context = canvas.getContext('2d')
  if (context === null) return
  fit(canvas, 1)
  context.clearRect(0, 0, canvas.width, canvas.height)
  const columns = new SpectrogramColumns()
  columns.theme(pen.colours.theme)
  const per = (to - from) / canvas.width
  for (let x = 0; x < canvas.width; x += 1) {
    const centre = from + (x + 0.5) * per
    const outside = centre < columns.reach(source) || centre > source.samples.length - columns.reach(source)
    if (!columns.draw(context, x, source, centre, scale) && !outside) hatch(context, x, pen.colours.gap, 1, false)
  }
}
