/** Where a value comes from and when it was really measured, by the instrument's own clock and what is known of its error. Pure. */
import type { ReadingView } from './wire'

type Reading = ReadingView['reading']

export type Measured = {
  /** When it was measured, in true time; undefined where the instrument's clock says nothing that can be trusted. */
  at: string | undefined
  /** The instrument's clock minus the right time, in s; positive is fast. Undefined: not known. */
  clockErrorS: number | undefined
}

/** In ms. What is bound to a visit was measured in it: a clock that says less was not set when it stamped the value. */
const LONGEST_VISIT = 24 * 3_600_000

/**
 * What lay in an instrument's memory was measured before the kit saw it; within its visit the kit calls it live, and only
 * the corrected clock tells. That clock has no zone: the offset takes it to UTC, and its error is counted against the
 * wall clock of whoever reads.
 */
export function measuredWhen(reading: Reading): Measured {
  const { device, device_offset_s: offsetS, device_offset_uncertainty_s: uncertaintyS, kit_utc: seen } = reading.times
  const shown = device === null || reading.provenance === 'manual' ? NaN : Date.parse(`${device}Z`)
  const at = offsetS === null ? NaN : shown + offsetS * 1000
  if (reading.provenance !== 'stored') {
    const age = Date.parse(seen) - at
    const earlier = age > Math.max(0, uncertaintyS ?? 0) * 1000 && age <= LONGEST_VISIT
    return { at: earlier ? new Date(at).toISOString() : seen, clockErrorS: undefined }
  }
  if (Number.isNaN(at)) return { at: undefined, clockErrorS: undefined }
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
