/** Values that belong to no visit yet: order, age, and when one must be asked about twice. Pure. */
import { measuredWhen } from '../shared/provenance'
import type { ReadingView, TrayItem } from '../shared/wire'

const DAY_MS = 86_400_000

/** Those that may be of the open visit first, then the newest; what has no known time stands last. */
export function inTrayOrder(tray: readonly TrayItem[]): TrayItem[] {
  const when = (item: TrayItem): number => Date.parse(measuredWhen(item.reading).at ?? '') || 0
  return [...tray].sort((a, b) => Number(b.offered) - Number(a.offered) || when(b) - when(a) || b.reading.binding.kit_seq - a.reading.binding.kit_seq)
}

/** Older than a day, or of unknown age: easily somebody else's. */
export function needsAsking(item: TrayItem, nowMs: number): boolean {
  const { at } = measuredWhen(item.reading)
  return at === undefined || nowMs - Date.parse(at) > DAY_MS
}

/** The card of a value that nobody has decided about. */
export function asView(item: TrayItem): ReadingView {
  const undecided = { decision: 'draft', decided_by: '', decided_at: null, reason: '', move: '' } as const
  return { ...undecided, received_at: item.received_at, reading: item.reading, filed_by: '', filed_at: null, taken_back: false }
}
