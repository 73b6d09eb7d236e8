import { expect, test } from 'vitest'
import { isNewer } from '../../src/doctor/newest'
import type { LiveVitals } from '../../src/shared/wire'

const vitals = (seq: number, measured: string | null, over: Partial<LiveVitals> = {}): LiveVitals => ({
  type: 'live_vitals',
  seq,
  state: 'live',
  since: '2026-11-26T10:00:00Z',
  spo2_percent: '97',
  pulse_per_min: '72',
  problem: null,
  measured_at: measured,
  device_id: 'A',
  pleth: [],
  ...over,
})

test('what comes late by another way does not replace what is newer', () => {
  const shown = vitals(100, '2026-11-26T10:01:00Z')
  expect(isNewer(vitals(101, '2026-11-26T10:01:01Z'), shown)).toBe(true)
  expect(isNewer(vitals(99, '2026-11-26T10:00:59Z'), shown)).toBe(false)
  expect(isNewer(vitals(1, null), null)).toBe(true)
})

test('a kit that started again counts anew and is believed at once', () => {
  const shown = vitals(5000, '2026-11-26T10:20:00Z')
  expect(isNewer(vitals(0, null, { since: '2026-11-26T10:20:09Z', state: 'lost' }), shown)).toBe(true)
  expect(isNewer(vitals(3, '2026-11-26T10:20:11Z'), shown)).toBe(true)
})

test('another oximeter is another story', () => {
  expect(isNewer(vitals(1, '2026-11-26T09:00:00Z', { device_id: 'B' }), vitals(5000, '2026-11-26T10:20:00Z'))).toBe(true)
})
