/** The kit's visits by day: today first, then the days ahead, last what was planned for a day before and never opened. Pure. */
import { careDay } from '../shared/format'
import type { VisitHead } from '../shared/wire'

export type Day = { kind: 'today' | 'ahead' | 'before'; /** `2026-11-28`. */ day: string; visits: VisitHead[] }

/** Today is always there. An open visit is today's, whenever it was planned; so is what was opened or closed today. */
export function daysOf(visits: readonly VisitHead[], now: string): Day[] {
  const today = careDay(now)
  const found = new Map<string, VisitHead[]>([[today, []]])
  for (const visit of [...visits].sort((a, b) => a.scheduled_at.localeCompare(b.scheduled_at))) {
    const day = dayOf(visit, today)
    found.set(day, [...(found.get(day) ?? []), visit])
  }
  const kindOf = (day: string): Day['kind'] => (day === today ? 'today' : day > today ? 'ahead' : 'before')
  const order = { today: 0, ahead: 1, before: 2 }
  return [...found].map(([day, inside]) => ({ kind: kindOf(day), day, visits: inside })).sort((a, b) => order[a.kind] - order[b.kind] || a.day.localeCompare(b.day))
}

/** Care goes on at midnight: what is so near is of no other day. */
const NEAR_MS = 4 * 3_600_000

/** It is planned for another day than this one: two visits to one patient must not be taken for each other. */
export function isOfAnotherDay(visit: VisitHead, nowMs: number): boolean {
  if (visit.state !== 'planned' || Math.abs(new Date(visit.scheduled_at).getTime() - nowMs) <= NEAR_MS) return false
  return careDay(visit.scheduled_at) !== careDay(new Date(nowMs).toISOString())
}

function dayOf(visit: VisitHead, today: string): string {
  if (visit.state === 'open') return today
  const touched = [visit.opened_at, visit.closed_at].some((at) => at !== null && careDay(at) === today)
  return touched ? today : careDay(visit.scheduled_at)
}
