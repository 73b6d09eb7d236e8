/** What the nurse ought to know before she ends the visit. */
import { openRequests, signedNotes } from '../shared/visit'
import type { RequestKind, VisitSnapshot } from '../shared/wire'

export type Closing = {
  /** The doctor's plan: not signed, signed and not read here, or read. */
  plan: 'none' | 'unread' | 'read'
  /** What was asked for and is not done, each kind once, in the order it was asked. */
  asked: RequestKind[]
}

export function closingOf(visit: VisitSnapshot, read: boolean): Closing {
  const signed = signedNotes(visit).length > 0
  return {
    plan: signed ? (read ? 'read' : 'unread') : 'none',
    asked: [...new Set(openRequests(visit).map((one) => one.kind))],
  }
}
