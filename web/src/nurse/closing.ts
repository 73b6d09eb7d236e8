/** What the nurse ought to know before she ends the visit. */
import { openRequests, signedNotes } from '../shared/visit'
import type { RequestKind, VisitSnapshot } from '../shared/wire'

export type Closing = {
  /** The doctor's plan: not signed, signed and not read here, or read. */
  plan: 'none' | 'unread' | 'read'
  /** What was asked for and is not done, each kind once, in the order it was asked. */
  asked: RequestKind[]
}

/** `read` is the id of the note that she said she has read: a version signed since then is another one. */
export function closingOf(visit: VisitSnapshot, read: string): Closing {
  const plan = signedNotes(visit)[0]
  return {
    plan: plan === undefined ? 'none' : plan.id === read ? 'read' : 'unread',
    asked: [...new Set(openRequests(visit).map((one) => one.kind))],
  }
}
