/**
 * Colours of the spectrogram: lightness rises or falls evenly with loudness, hue goes from blue to yellow, so that it reads
 * the same to the colour-blind and in grey. Quiet is the page's own ground, in the light and in the dark.
 */

export type Theme = 'light' | 'dark'
type Colour = readonly [lightness: number, a: number, b: number]

/** OKLab: quiet … loud. */
const STOPS: Readonly<Record<Theme, readonly Colour[]>> = {
  dark: [
    [0.18, 0, -0.005],
    [0.34, -0.01, -0.1],
    [0.53, -0.035, -0.07],
    [0.73, -0.03, 0.06],
    [0.94, -0.02, 0.13],
  ],
  light: [
    [0.93, 0.002, 0.012],
    [0.82, -0.01, 0.085],
    [0.64, -0.035, 0.02],
    [0.44, -0.015, -0.085],
    [0.23, 0.005, -0.09],
  ],
}
export const LEVELS = 64

/** RGB of each level, three bytes each, quiet first. */
export function heat(theme: Theme): Uint8ClampedArray {
  const table = new Uint8ClampedArray(3 * LEVELS)
  for (let level = 0; level < LEVELS; level += 1) table.set(rgb(between(STOPS[theme], level / (LEVELS - 1))), 3 * level)
  return table
}

function between(stops: readonly Colour[], share: number): Colour {
  const place = share * (stops.length - 1)
  const low = Math.min(stops.length - 2, Math.floor(place))
  const [from, to, part] = [stops[low] as Colour, stops[low + 1] as Colour, place - low]
  const mixed = (index: 0 | 1 | 2): number => from[index] + (to[index] - from[index]) * part
  return [mixed(0), mixed(1), mixed(2)]
}

/** OKLab to sRGB (Björn Ottosson's matrices, public domain). */
function rgb([lightness, a, b]: Colour): [number, number, number] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    byte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ]
}

function byte(linear: number): number {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * Math.max(0, linear) ** (1 / 2.4) - 0.055
  return Math.round(255 * Math.min(1, Math.max(0, value)))
}
