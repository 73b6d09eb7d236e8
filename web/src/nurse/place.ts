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
