type Said = ['net.unsent' | 'net.unsent.lost' | 'net.unsent.none', { n: number }]

/** What of the bag is not at the hub yet, for `t`. Never "everything sent" while something can no longer be read. */
export function sentWords({ unsent, damaged = 0 }: { unsent: number; damaged?: number }): Said {
  if (unsent > 0) return ['net.unsent', { n: unsent }]
  return [damaged > 0 ? 'net.unsent.lost' : 'net.unsent.none', { n: damaged }]
}

/** What is sent within this time needs no word of its age. */
const USUAL_MS = 60_000

/** When the oldest that is unsent was kept, once that is worth a word. */
export function oldestUnsent({ unsent, oldest_unsent_at: at }: { unsent: number; oldest_unsent_at?: string | null }, nowMs: number): string | undefined {
  return unsent > 0 && at && nowMs - Date.parse(at) >= USUAL_MS ? at : undefined
}
