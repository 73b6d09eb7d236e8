/** How long each end of a call waits before it tries again: short for what may be lost, longer for what may be slow. */

const AGAIN_MS = 1000
const AGAIN_AT_MOST_MS = 4000
const CONNECT_MS = 5000
const CONNECT_AT_MOST_MS = 15_000

/** Before the same words are sent again, after they were sent `times` times without an answer. */
export function againMs(times: number): number {
  return Math.min(AGAIN_MS * 2 ** Math.max(0, times - 1), AGAIN_AT_MOST_MS)
}

/** For an agreed connection to come up, after `failures` that did not: a slow machine must not be hurried for ever. */
export function connectMs(failures: number): number {
  return Math.min(CONNECT_MS * 1.5 ** failures, CONNECT_AT_MOST_MS)
}

/** Browsers revive short outages themselves. */
export const REVIVE_MS = 4000
/** An offer that nobody answered for so long is made anew, in case it is the offer. */
export const UNANSWERED_MS = 20_000
/** A page that is loaded anew is away for a moment; who stays away for longer has left. */
export const LEFT_MS = 3000
/** A call begins without camera and microphone if they take longer (a question to the person), and takes them later. */
export const MEDIA_MS = 2000
