import { expect, test } from 'vitest'
import { inTrayOrder, needsAsking } from '../../src/nurse/tray'
import type { TrayItem } from '../../src/shared/wire'
import { reading } from '../shared/visits'

const NOW = Date.parse('2026-11-26T09:00:00Z')

function item(id: string, measured: string | null, over: Partial<TrayItem> = {}): TrayItem {
  const times = { device: measured, kit_monotonic_ns: 1, kit_utc: '2026-11-26T08:59:00Z', device_offset_s: measured === null ? null : 0, device_offset_uncertainty_s: null }
  return { reading: reading({ id, provenance: 'stored', times }).reading, received_at: null, offered: false, set_aside_by: '', set_aside_at: null, ...over }
}

test('what may belong here stands first, then the newest by its own clock, last what has no time', () => {
  const items = [item('none', null), item('old', '2026-11-20T07:00:00'), item('new', '2026-11-26T08:00:00'), item('offered', '2026-11-26T07:00:00', { offered: true })]
  expect(inTrayOrder(items).map((one) => one.reading.id)).toEqual(['offered', 'new', 'old', 'none'])
})

test('more than a day old, or of unknown age, is asked about twice', () => {
  expect(needsAsking(item('a', '2026-11-25T09:00:00'), NOW)).toBe(false)
  expect(needsAsking(item('a', '2026-11-25T08:59:59'), NOW)).toBe(true)
  expect(needsAsking(item('a', null), NOW)).toBe(true)
})
