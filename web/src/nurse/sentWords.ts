type Said = ['net.unsent' | 'net.unsent.lost' | 'net.unsent.none', { n: number }]

/** What of the bag is not at the hub yet, for `t`. Never "everything sent" while something can no longer be read. */
export function sentWords({ unsent, damaged = 0 }: { unsent: number; damaged?: number }): Said {
  if (unsent > 0) return ['net.unsent', { n: unsent }]
  return [damaged > 0 ? 'net.unsent.lost' : 'net.unsent.none', { n: damaged }]
}
