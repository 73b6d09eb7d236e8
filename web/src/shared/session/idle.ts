/** When a page that nobody touches is locked. The hub decides; the page decides alone only while the hub cannot be asked. Pure. */

/** A hand on mouse or keyboard is told to the hub at most so often. */
export const TELL_EVERY_MS = 30_000
/** An answer of the hub that is older says nothing about now. */
const ANSWER_GOOD_MS = 60_000

export type Seen = {
  nowMs: number
  /** Last hand on mouse, keyboard or screen. */
  inputMs: number
  /** When the hub was last told of one. */
  toldMs: number
  /** When the hub last said that the session is open. */
  openMs: number
  idleMs: number
}

/** Whether the hub is to be told now that the page is used. */
export const tellNow = (seen: Seen): boolean => seen.inputMs > seen.toldMs && seen.nowMs - seen.toldMs >= TELL_EVERY_MS

/** Whether the page locks by itself: nobody was here for so long, and the hub has not said lately that it is open. */
export const lockAlone = (seen: Seen): boolean => seen.nowMs - seen.inputMs >= seen.idleMs && seen.nowMs - seen.openMs >= ANSWER_GOOD_MS

/** What the hub's word on the session means for a page that shows `whose` data. */
export function verdict(whose: string, now: { state: 'open' | 'locked' | 'over'; practitioner_id: string }): 'open' | 'locked' | 'leave' {
  // somebody else signed in, in this browser: nothing of this page is theirs
  if (whose !== '' && now.practitioner_id !== whose) return 'leave'
  return now.state === 'open' ? 'open' : 'locked'
}
