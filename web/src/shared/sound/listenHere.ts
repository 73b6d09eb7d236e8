/** The stretch of sound to play again for the places that the kit points at. Pure. */
type Stretch = [from: number, to: number]

const BEFORE_S = 0.4
const AFTER_S = 0.6
const LONGEST_S = 5

/**
 * From the first sample and one past the last, around the newest places that lie near each other; null where none of them lies
 * whole between samples `first` and `end`. Places: first sample and one past the last, in rising order.
 */
export function stretchOf(places: readonly (readonly number[])[], rateHz: number, first: number, end: number): Stretch | null {
  const within = places.map(([from = 0, to = 0]): Stretch => [from, to]).filter(([from, to]) => from >= first && to <= end)
  const newest = within.at(-1)
  if (newest === undefined) return null
  const [from] = within.find(([begin]) => newest[1] - begin <= LONGEST_S * rateHz) ?? newest
  return [Math.max(first, Math.round(from - BEFORE_S * rateHz)), Math.min(end, Math.round(newest[1] + AFTER_S * rateHz))]
}
