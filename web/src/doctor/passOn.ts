/** To which guests a doctor's page passes the examination camera on. Pure. */
import type { Guest } from '../shared/wire'

/** The kit calls a guest within a moment of the word; only who still has nothing then gets the picture second-hand. */
export const PASS_ON_AFTER_MS = 3000

/** Participant ids of guests who may see the camera and are not `served` by the kit. */
export function withoutKit(guests: readonly Guest[], served: readonly string[]): string[] {
  const may = guests.filter((one) => one.camera && one.state === 'admitted').map((one) => `guest:${one.id}`)
  return may.filter((one) => !served.includes(one))
}
