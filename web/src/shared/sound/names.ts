/**
 * Which heart sounds bear the names S1 and S2: not where the heart beats too fast to tell them apart surely. The mark stays,
 * without its name. The kit's library has the same rule (`carebag_signal/sound_names.py`), and both are tested against
 * `tests/signal/golden_names.json`. Pure.
 */
import type { DrawnMark, SoundMark } from './trace'

/** At 120/min the names are still sure; above, systole and diastole are equally long. */
const SURE_CYCLE_S = 0.5
const LONGEST_CYCLE_S = 2
const SHORTEST_CYCLE_S = 60 / 225
/** Cycles that begin so near an S1 say how fast the heart beats there: longer than a breath, not to change with it. */
const REACH_S = 4
const FEWEST_CYCLES = 4
/** So near an S1 that beats too fast no sound is named, or names would come and go in a heart of about 120/min. */
const HOLD_S = 1.5
/** Marks from so long before a sound on decide about it. */
export const LOOK_BACK_S = HOLD_S + REACH_S + LONGEST_CYCLE_S

/** For each mark, in rising order of samples, whether its name is sure; null where too few beats are near to tell. */
export function namesSure(marks: readonly SoundMark[], rateHz: number): (boolean | null)[] {
  const first = marks.filter(([, name]) => name === 'S1').map(([sample]) => sample)
  const cycles = cyclesOf(first, rateHz)
  const fast = near(first, cycles.map(([begin]) => begin), REACH_S * rateHz).map(([from, to]) => tooFast(cycles.slice(from, to), rateHz))
  return near(marks.map(([sample]) => sample), first, HOLD_S * rateHz).map(([from, to]) => {
    const around = fast.slice(from, to)
    return around.includes(true) ? false : around.includes(false) ? true : null
  })
}

/** The marks as they are drawn, in rising order; where too few beats are near to tell they keep their names. */
export function named(marks: readonly SoundMark[], rateHz: number): DrawnMark[] {
  const inOrder = [...marks].sort(([one], [other]) => one - other)
  const sure = namesSure(inOrder, rateHz)
  return inOrder.map(([sample, name], index) => [sample, sure[index] === false ? '' : name])
}

type Cycle = readonly [begin: number, length: number]

function cyclesOf(first: readonly number[], rateHz: number): Cycle[] {
  const all = first.slice(1).map((next, index): Cycle => [first[index] as number, next - (first[index] as number)])
  return all.filter(([, length]) => length >= SHORTEST_CYCLE_S * rateHz && length <= LONGEST_CYCLE_S * rateHz)
}

/** For each of `samples` which of `others` lie within reach of it, as a range of indices; both in rising order. */
function near(samples: readonly number[], others: readonly number[], reach: number): [from: number, to: number][] {
  let [from, to] = [0, 0]
  return samples.map((sample) => {
    while (to < others.length && (others[to] as number) <= sample + reach) to += 1
    while (from < to && (others[from] as number) < sample - reach) from += 1
    return [from, to]
  })
}

function tooFast(cycles: readonly Cycle[], rateHz: number): boolean | null {
  if (cycles.length < FEWEST_CYCLES) return null
  const lengths = cycles.map(([, length]) => length).sort((one, other) => one - other)
  const half = lengths.length >> 1
  const upper = lengths[half] as number
  const median = lengths.length % 2 === 1 ? upper : ((lengths[half - 1] as number) + upper) / 2
  return median < SURE_CYCLE_S * rateHz
}
