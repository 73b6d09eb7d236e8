/** How somebody's connection is now: a word holds only as long as it is said anew (`LinkWatch`, and the kit, every 3 s). Pure. */
import type { LinkQuality, Participant } from '../wire'

/** What somebody said of the own connection, and when that came here (ms). */
export interface LinkTold {
  quality: LinkQuality
  atMs: number
}
export type LinksTold = Readonly<Record<string, LinkTold>>

/** `measuring`: nothing said yet. `lost`: it is not there. `unknown`: the words do not come here, so nothing can be said. */
export type LinkNow = LinkQuality | 'measuring' | 'lost' | 'unknown'

/** Three words missing. */
const HOLDS_MS = 10_000

export interface LinkSeen {
  /** This page hears of the others at all. */
  heard: boolean
  /** Nothing else says that this one is away. */
  reached?: boolean
  /** A call with this one lives, browser to browser: whatever is not heard, lost it is not. */
  seen?: boolean
}

export function linkNow(told: LinkTold | undefined, nowMs: number, { heard, reached = true, seen = false }: LinkSeen): LinkNow {
  const holds = told !== undefined && nowMs - told.atMs <= HOLDS_MS
  if (holds && reached) return told.quality
  if (!reached && !seen) return 'lost'
  if (!heard) return 'unknown'
  if (told === undefined) return 'measuring'
  return seen ? 'unknown' : 'lost'
}

/** Of this page itself, as it measures just now; null: it is connected with nobody. */
export function ownLinkNow(quality: LinkQuality | null, heard: boolean): LinkNow {
  return quality ?? (heard ? 'measuring' : 'lost')
}

/** Who comes back is measured anew. */
export function ofThoseHere(told: LinksTold, here: readonly Participant[]): LinksTold {
  const ids = new Set(here.map((one) => one.id))
  return Object.fromEntries(Object.entries(told).filter(([id]) => ids.has(id)))
}
