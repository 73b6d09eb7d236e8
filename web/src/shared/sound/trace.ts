/** What a column of a phonocardiogram shows: the least and the greatest of its samples, or that there is a gap. Pure. */
import { GAP, HERE } from './stream'

export interface PhonoSource {
  readonly samples: Int16Array
  /** `UNKNOWN`, `HERE` or `GAP` for each sample. */
  readonly known: Uint8Array
  readonly rateHz: number
}

export type SoundMark = readonly [sample: number, name: 'S1' | 'S2']

/** A mark as it is drawn: without a name where S1 and S2 cannot be told apart surely (`names.ts`). */
export type DrawnMark = readonly [sample: number, name: SoundMark[1] | '']

export interface Extremes {
  /** Infinity when there is nothing to draw. */
  least: number
  most: number
  /** `kit`: the kit never had it. `here`: it has not come here (yet). */
  gap: 'none' | 'kit' | 'here'
}

/** Of the samples `first` to `end`, and the one before, so that columns join; nothing from `limit` on. */
export function extremes(source: PhonoSource, first: number, end: number, limit: number): Extremes {
  const found: Extremes = { least: Infinity, most: -Infinity, gap: 'none' }
  for (let at = Math.max(0, first - 1); at < Math.min(end, limit); at += 1) {
    if (source.known[at] === HERE) {
      found.least = Math.min(found.least, source.samples[at] as number)
      found.most = Math.max(found.most, source.samples[at] as number)
    } else if (at >= first && found.gap !== 'here') {
      found.gap = source.known[at] === GAP ? 'kit' : 'here'
    }
  }
  return found
}

export const LEAST_SCALE = 512
const FULL_SCALE = 32_768

/**
 * Of the samples `first` to `end` those that a sweep of `window` samples shows when it was drawn up to `drawn`; empty (the end
 * not after the beginning) when there is none: what left the picture has given its place to what came since.
 */
export function inSweep(first: number, end: number, drawn: number, window: number): [from: number, to: number] {
  return [Math.max(0, first, drawn - window), Math.min(end, drawn)]
}

/** Where the middle of a word of this width stands, wanted at `x`: no part of it outside `room`. */
export function middleOf(x: number, width: number, room: number): number {
  return Math.max(width / 2, Math.min(room - width / 2, x))
}

/**
 * Whether the sweep, drawn up to `drawn`, comes over the name of a mark of the sweep before: half a name is worse than none.
 * `reach`: samples from the head to where the erased strip ends, and half a name more.
 */
export function comesOver(sample: number, drawn: number, window: number, reach: number): boolean {
  return sample >= drawn - window && sample < drawn - window + reach
}

/** Greatest absolute value of the samples `from` to `to`. */
export function peakOf(source: PhonoSource, from: number, to: number): number {
  let peak = 0
  for (let at = Math.max(0, from); at < Math.min(to, source.samples.length); at += 1) {
    peak = Math.max(peak, Math.abs(source.samples[at] as number))
  }
  return peak
}

/** Half the height of a picture in sample units: the power of two that holds the peak. */
export function scaleFor(peak: number): number {
  let scale = LEAST_SCALE
  while (peak > scale && scale < FULL_SCALE) scale *= 2
  return scale
}

const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60]

/** Seconds between the ticks of an axis so that there are at most `most` of them. */
export function tickStep(seconds: number, most: number): number {
  return STEPS_S.find((step) => seconds / step <= most) ?? 300
}

/** The ticks of an axis from one second to another, each a multiple of the step. */
export function ticks(fromS: number, toS: number, most = 12): number[] {
  const step = tickStep(toS - fromS, most)
  const first = Math.ceil(fromS / step - 1e-9)
  const found: number[] = []
  for (let count = first; count * step <= toS + 1e-9; count += 1) found.push(Number((count * step).toFixed(3)))
  return found
}
