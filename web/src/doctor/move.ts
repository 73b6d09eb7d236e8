/** What may be said to be another patient's, and whose it may be. Pure. */
import type { Decided, VisitHead } from '../shared/wire'

/** Whatever was decided about it; not what counts here no more, nor what somebody has said it of already. */
export function mayMove(view: Pick<Decided, 'move'> & { taken_back?: boolean }): boolean {
  return view.taken_back !== true && view.move !== 'away' && view.move !== 'proposed'
}

/** When the visit was opened; planned, when it is to be. */
export function visitTime(visit: Pick<VisitHead, 'opened_at' | 'scheduled_at'>): string {
  return visit.opened_at ?? visit.scheduled_at
}

/** The doctor's other visits, the nearest to when it was measured first: a mistake is made between neighbours. */
export function othersNear<V extends Pick<VisitHead, 'id' | 'opened_at' | 'scheduled_at'>>(queue: readonly V[], visitId: string, at: string): V[] {
  const away = (visit: V): number => Math.abs(Date.parse(visitTime(visit)) - Date.parse(at))
  return queue.filter((visit) => visit.id !== visitId).sort((a, b) => away(a) - away(b))
}
