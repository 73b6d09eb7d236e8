/** Where a value comes from and when it was really measured, by the instrument's own clock and what is known of its error. Pure. */
import type { ReadingView } from './wire'

type Reading = ReadingView['reading']

export type Measured = {
  /** When it was measured, in true time; undefined where the instrument's clock says nothing that can be trusted. */
  at: string | undefined
  /** The instrument's clock minus the right time, in s; positive is fast. Undefined: not known. */
  clockErrorS: number | undefined
}

/**
 * Only what lay in an instrument's memory was measured at another time than the kit saw it. Its clock has no zone: the
 * offset takes it to UTC, and its error is counted against the wall clock of whoever reads.
 */
export function measuredWhen(reading: Reading): Measured {
  const { device, device_offset_s: offsetS, kit_utc: seen } = reading.times
  if (reading.provenance !== 'stored') return { at: seen, clockErrorS: undefined }
  const shown = device === null ? NaN : Date.parse(`${device}Z`)
  if (Number.isNaN(shown) || offsetS === null) return { at: undefined, clockErrorS: undefined }
  const at = shown + offsetS * 1000
  return { at: new Date(at).toISOString(), clockErrorS: Math.round((Date.parse(device ?? '') - at) / 1000) }
}

/** Less than this is a clock that is right enough to say nothing of. */
export const CLOCK_RIGHT_S = 90

/** A whole hour or two off is nearly always summer time or another zone, and is said so. */
export function isZoneLike(errorS: number): boolean {
  const hours = Math.round(errorS / 3600)
  return hours !== 0 && Math.abs(hours) <= 3 && Math.abs(errorS - hours * 3600) < CLOCK_RIGHT_S
}

/** Flags that tell how it was measured; all others are reservations. */
const CIRCUMSTANCE = /^site_|^sample_\w+_(blood|plasma|fluid)$|^(before_meal|after_meal|fasting|casual|bedtime)$/

export function isCircumstance(flag: string): boolean {
  return CIRCUMSTANCE.test(flag)
}
