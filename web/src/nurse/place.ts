/** What the nurse's page shows while no visit is open. The tab remembers it: a reload leaves her where she was. */
export type Place = 'today' | 'check' | 'tray'

const TAB = 'carebag.place'
const PLACES: readonly string[] = ['today', 'check', 'tray'] satisfies Place[]

export function rememberedPlace(tab: Pick<Storage, 'getItem'>): Place {
  const kept = tab.getItem(TAB) ?? ''
  return PLACES.includes(kept) ? (kept as Place) : 'today'
}

export function rememberPlace(tab: Pick<Storage, 'setItem'>, place: Place): void {
  tab.setItem(TAB, place)
}

const MUTED = 'carebag.muted'

/** Whether her microphone was off in this visit: a reload does not switch it on. */
export function rememberedMute(tab: Pick<Storage, 'getItem'>, visitId: string): boolean {
  return tab.getItem(MUTED) === visitId
}

export function rememberMute(tab: Pick<Storage, 'setItem' | 'removeItem'>, visitId: string, muted: boolean): void {
  if (muted) tab.setItem(MUTED, visitId)
  else tab.removeItem(MUTED)
}
