/** Which word stands with the examination on a guest's page. Pure. */
import type { LinkState } from '../shared/call/instrumentPeer'

export interface Seen {
  distrusted: boolean
  full: boolean
  link: LinkState
  /** The kit's own picture was offered to this page. */
  own: boolean
  /** A picture has shown, and still stands. */
  picture: boolean
  /** It has not moved for a while. */
  old: boolean
  back: boolean
  /** Somebody made the picture stand still. */
  frozen: boolean
  kitHere: boolean
  /** The picture comes by way of a doctor's page. */
  passedOn: boolean
}

export type CameraWord = 'distrust' | 'full' | 'lost' | 'old' | 'away' | 'connecting' | 'waiting' | 'back' | 'frozen' | 'live'

/** Lost is only what was there: a picture that never came is still to come. */
export function cameraWord(seen: Seen): CameraWord {
  if (seen.distrusted) return 'distrust'
  if (seen.full) return 'full'
  if (seen.picture && seen.own && (seen.link === 'interrupted' || seen.link === 'rejoining')) return 'lost'
  if (seen.old) return 'old'
  if (seen.picture && seen.frozen) return 'frozen'
  if (seen.picture) return seen.back ? 'back' : 'live'
  if (seen.passedOn) return 'waiting'
  if (!seen.kitHere) return 'away'
  return seen.link === 'connected' ? 'waiting' : 'connecting'
}

/** Nobody knows here whether somebody listens while there is no connection with the kit. */
export function soundWord(sounding: boolean, link: LinkState): 'now' | 'none' | 'away' {
  if (sounding) return 'now'
  return link === 'connected' ? 'none' : 'away'
}
