type Said = ['net.damaged' | 'net.kit.damaged' | 'net.mended' | 'net.kit.mended', { n: number }]

/** What is to be said to the nurse of a damaged disk; null: nothing that she has not read. */
export function damageForNurse(damage: { lost: number; mended: number } | null | undefined): Said | null {
  if (!damage) return null
  if (damage.lost > 0) return ['net.damaged', { n: damage.lost }]
  return damage.mended > 0 ? ['net.mended', { n: 0 }] : null
}

/** The same to the doctor: `seen` is the highest number of a notice that this doctor has read. A kit of before has no number. */
export function damageForDoctor(kit: { damaged?: number; damage_number?: number; mended?: number } | null, seen: number): Said | null {
  const number = kit?.damage_number ?? 0
  if (!kit || (number > 0 && number <= seen)) return null
  if (kit.damaged) return ['net.kit.damaged', { n: kit.damaged }]
  return kit.mended ? ['net.kit.mended', { n: 0 }] : null
}
