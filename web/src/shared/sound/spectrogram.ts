/** Columns of a spectrogram, 0 to 1000 Hz, drawn from the exact samples; where any of them is missing it is hatched. */
import { heat, LEVELS, type Theme } from './heat'
import { HIGHEST_HZ, Spectrum } from './spectrum'
import type { PhonoSource } from './trace'

/** From the loudest that the picture's scale holds down to what is drawn as silence. */
const RANGE_DB = 50
/** A heart sound spreads over many bins: each is well below the peak of the trace. */
const TOP_DB = -12

/** Share of the colours (0 quiet, 1 loud) of an amplitude, in a picture of this scale (half its height in sample units). */
export function loudness(amplitude: number, scale: number): number {
  const decibel = 20 * Math.log10(Math.max(amplitude, 1e-6) / scale)
  return Math.min(1, Math.max(0, (decibel - TOP_DB) / RANGE_DB + 1))
}

export class SpectrogramColumns {
  #spectrum: Spectrum | null = null
  #column: ImageData | null = null
  #colours = heat('light')
  #theme: Theme = 'light'

  /** Half the window in samples: so much on either side must be known. */
  reach(source: PhonoSource): number {
    return this.#of(source).size / 2
  }

  theme(theme: Theme): void {
    if (theme === this.#theme) return
    this.#theme = theme
    this.#colours = heat(theme)
  }

  /** One column, a pixel wide, around one sample; false if there is a gap, and nothing is drawn. */
  draw(context: CanvasRenderingContext2D, x: number, source: PhonoSource, centre: number, scale: number): boolean {
    const spectrum = this.#of(source)
    const amplitudes = spectrum.at(source, centre)
    if (amplitudes === null) return false
    const { height } = context.canvas
    if (this.#column?.height !== height) this.#column = context.createImageData(1, height)
    const pixels = this.#column.data
    for (let y = 0; y < height; y += 1) {
      const bin = ((1 - (y + 0.5) / height) * HIGHEST_HZ) / spectrum.hzPerBin
      const low = Math.min(spectrum.bins - 2, Math.floor(bin))
      const part = Math.min(1, bin - low)
      const amplitude = (amplitudes[low] as number) * (1 - part) + (amplitudes[low + 1] as number) * part
      const level = Math.round(loudness(amplitude, scale) * (LEVELS - 1))
      for (let channel = 0; channel < 3; channel += 1) pixels[4 * y + channel] = this.#colours[3 * level + channel] as number
      pixels[4 * y + 3] = 255
    }
    context.putImageData(this.#column, x, 0)
    return true
  }

  #of(source: PhonoSource): Spectrum {
    if (this.#spectrum?.rateHz !== source.rateHz) this.#spectrum = new Spectrum(source.rateHz)
    return this.#spectrum
  }
}
