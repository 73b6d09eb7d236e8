/** Which of two states of the vital signs is the later one: they come by three ways, and a kit that starts again counts anew. */
import type { LiveVitals } from '../shared/wire'

const timeOf = (vitals: LiveVitals): number => Math.max(Date.parse(vitals.since), vitals.measured_at ? Date.parse(vitals.measured_at) : -Infinity)

export function isNewer(come: LiveVitals, shown: LiveVitals | null): boolean {
  if (shown === null || come.device_id !== shown.device_id) return true
  return come.seq >= shown.seq || timeOf(come) > timeOf(shown)
}
