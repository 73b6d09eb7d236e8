/** Which values the nurse can say were entered in error: those she typed or observed, until someone decided; what was moved here was typed in another visit. Pure. */
import type { ReadingView } from '../shared/wire'

export function canWithdraw(view: ReadingView): boolean {
  return (view.reading.provenance === 'manual' || view.reading.provenance === 'observed') && view.decision === 'draft' && view.move !== 'here'
}
