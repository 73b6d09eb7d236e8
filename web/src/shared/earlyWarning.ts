/** NEWS2 as the server or the kit counted it, sorted for showing. No points are worked out here. Pure. */
import type { EarlyWarning, ScorePart } from './wire'

const ONLY_FOR_IT: ReadonlySet<ScorePart['parameter']> = new Set(['respiration', 'oxygen', 'consciousness'])

/** Somebody set out to have it: what nobody observes for another purpose is there. */
export function isSetOut(score: EarlyWarning): boolean {
  return score.parts.some((part) => ONLY_FOR_IT.has(part.parameter) && part.reading_id !== null)
}

/** There is any value for it at all. */
export function isBegun(score: EarlyWarning): boolean {
  return score.parts.some((part) => part.reading_id !== null)
}

/** What is lacking, by why: as counted, and of a visit that goes on also what has become too old since. */
export function lacking(score: EarlyWarning, live: boolean, nowMs: number): Record<NonNullable<ScorePart['lack']>, ScorePart[]> {
  const of = (lack: ScorePart['lack']): ScorePart[] => score.parts.filter((part) => lackOf(part, live, nowMs) === lack)
  return { missing: of('missing'), stale: of('stale'), impossible: of('impossible') }
}

export function lackOf(part: ScorePart, live: boolean, nowMs: number): ScorePart['lack'] {
  if (part.lack !== null) return part.lack
  return live && part.stale_at !== null && nowMs > Date.parse(part.stale_at) ? 'stale' : null
}

/** The total may not be read as that of now: one of its values is too old by the page's clock. */
export function isOld(score: EarlyWarning, live: boolean, nowMs: number): boolean {
  return live && score.total !== null && score.stale_at !== null && nowMs > Date.parse(score.stale_at)
}

/** Parts that alone score 3: more urgent than the sum of them says (RCP 2017). */
export function threes(score: EarlyWarning): ScorePart[] {
  return score.parts.filter((part) => part.points === 3)
}
