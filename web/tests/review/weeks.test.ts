import { describe, expect, it } from 'vitest'
import { addDays, lastWeek, mondayOf, weekNumber, withoutEmptyEnd } from '../../src/review/weeks'
import { judgedAfter, progress, sentencesOf, toneOf } from '../../src/review/why'

describe('weeks', () => {
  it('begin on Monday, also at the ends of months, years and daylight time', () => {
    for (const [day, monday] of [
      ['2026-11-16', '2026-11-16'],
      ['2026-11-22', '2026-11-16'],
      ['2026-11-27', '2026-11-23'],
      ['2027-01-01', '2026-12-28'],
      ['2026-03-29', '2026-03-23'],
      ['2028-02-29', '2028-02-28'],
    ] as const)
      expect(mondayOf(day)).toBe(monday)
  })
  it('have the number of ISO 8601', () => {
    for (const [monday, n] of [
      ['2026-11-16', 47],
      ['2025-12-29', 1],
      ['2026-12-28', 53],
      ['2027-01-04', 1],
      ['2024-12-30', 1],
    ] as const)
      expect(weekNumber(monday)).toBe(n)
  })
  it('that are over: the one before this', () => {
    expect(lastWeek('2026-11-23')).toBe('2026-11-16')
    expect(lastWeek('2026-11-29')).toBe('2026-11-16')
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01')
  })
})

describe('why', () => {
  it('has a sentence for each relation, none of them twice', () => {
    const all = (['treated', 'assigned', 'listed', 'emergency', 'none'] as const).flatMap((relation) => sentencesOf({ relation, purpose: 'care' }))
    expect(new Set(all).size).toBe(5)
    expect(sentencesOf({ relation: 'none', purpose: 'care' })).toEqual(['why.nothing'])
  })
  it('says of an emergency that it was one, and never in green, also where its doctor had treated the patient', () => {
    expect(sentencesOf({ relation: 'treated', purpose: 'emergency' })).toEqual(['why.by_emergency', 'why.treated'])
    expect(sentencesOf({ relation: 'emergency', purpose: 'emergency' })).toEqual(['why.in_emergency'])
    const tones = (['treated', 'assigned', 'listed', 'emergency', 'none'] as const).map((relation) => toneOf({ relation, purpose: 'emergency' }))
    expect(tones).toEqual(['medium', 'medium', 'medium', 'medium', 'high'])
    expect(toneOf({ relation: 'treated', purpose: 'care' })).toBe('sure')
  })
  it('counts what was judged anew after the minutes were signed, whatever way the moment is written', () => {
    const judged = (...at: string[]) => ({ judgements: at.map((one) => ({ at: one })) })
    const signed = '2026-11-23T09:00:00Z'
    expect(judgedAfter([judged('2026-11-23T08:59:59Z'), judged(), judged('2026-11-23T10:00:00+01:00')], signed)).toBe(0)
    expect(judgedAfter([judged('2026-11-23T08:00:00Z', '2026-11-23T09:00:00.5Z'), judged('2026-11-23T08:00:00Z')], signed)).toBe(1)
  })
  it('counts what is judged', () => {
    expect(progress([{ judgements: [] }, { judgements: [1, 2] }])).toEqual({ done: 1, of: 2 })
  })
})

describe('weeks of which nothing is known', () => {
  const week = (visits: number, emergencies = 0) => ({ visits, emergencies })
  it('are left out at the far end only', () => {
    expect(withoutEmptyEnd([week(0), week(3), week(0), week(0, 1), week(0), week(0)])).toEqual([week(0), week(3), week(0), week(0, 1)])
  })
  it('but for the present one', () => {
    expect(withoutEmptyEnd([week(0), week(0)])).toEqual([week(0)])
    expect(withoutEmptyEnd([])).toEqual([])
  })
})
