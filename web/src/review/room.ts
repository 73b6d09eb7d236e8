/** Which room the address names, so that a reload stays in it and "back" goes to the one before. Pure. */

export const ROOMS = ['log', 'sample', 'questions', 'moves', 'quality', 'proof'] as const
export type Room = (typeof ROOMS)[number]

/** Of `#sample`; anything else is the first room. */
export function roomOf(hash: string): Room {
  return ROOMS.find((one) => hash === `#${one}`) ?? 'log'
}
