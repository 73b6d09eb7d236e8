/** The list of visits to work off: one rule, by the time that stands with each. Pure. */
import type { VisitHead } from '../shared/wire'

/** When the visit was opened; planned, when it is to be. */
export function shownTime(visit: Pick<VisitHead, 'opened_at' | 'scheduled_at'>): string {
  return visit.opened_at ?? visit.scheduled_at
}

/** Newest on top. */
export function newestFirst<V extends Pick<VisitHead, 'opened_at' | 'scheduled_at'>>(visits: readonly V[]): V[] {
  return [...visits].sort((a, b) => Date.parse(shownTime(b)) - Date.parse(shownTime(a)))
}
