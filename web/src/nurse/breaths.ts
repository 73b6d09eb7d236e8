/** Counting breaths against a clock: from the start of the clock, each press is one. Pure; times are milliseconds. */
export type Count = {
  startedMs: number
  lengthS: 30 | 60
  breaths: number
}

export const begin = (nowMs: number, lengthS: Count['lengthS']): Count => ({ startedMs: nowMs, lengthS, breaths: 0 })

export const isOver = (count: Count, nowMs: number): boolean => nowMs - count.startedMs >= count.lengthS * 1000

/** Whole seconds that are left, 0 when it is over. */
export const secondsLeft = (count: Count, nowMs: number): number => Math.max(0, Math.ceil(count.lengthS - (nowMs - count.startedMs) / 1000))

/** One more; a press after the end is none. */
export const breathed = (count: Count, nowMs: number): Count => (isOver(count, nowMs) ? count : { ...count, breaths: count.breaths + 1 })

/** A finger that slipped; also after the end. */
export const oneLess = (count: Count): Count => ({ ...count, breaths: Math.max(0, count.breaths - 1) })

/** Breaths a minute; both lengths give whole numbers. */
export const rateOf = (count: Count): number => (count.breaths * 60) / count.lengthS

/** A typed rate: a whole number up to 200, or undefined. */
export function typedRate(text: string): string | undefined {
  const match = /^0*(\d{1,3})$/.exec(text.trim())
  const rate = match?.[1]
  return rate !== undefined && Number(rate) <= 200 ? rate : undefined
}

/** Litres a minute, `2,5` or `2.5`: up to 100 with two decimals; '' where nothing was typed, undefined for no number. */
export function typedFlow(text: string): string | undefined {
  const typed = text.trim()
  if (typed === '') return ''
  const match = /^0*(\d{1,3})(?:[.,](\d{1,2}))?$/.exec(typed)
  if (match === null) return undefined
  const flow = match[2] === undefined ? (match[1] ?? '') : `${match[1]}.${match[2]}`
  return Number(flow) <= 100 ? flow : undefined
}
