import { describe, expect, test } from 'vitest'
import { isCircumstance, isZoneLike, measuredWhen } from '../../src/shared/provenance'
import { reading } from './visits'

const SEEN = '2026-11-26T09:00:00Z'
type Times = ReturnType<typeof reading>['reading']['times']

function stored(times: Partial<Times>): ReturnType<typeof reading>['reading'] {
  const all = { device: null, kit_monotonic_ns: 1, kit_utc: SEEN, device_offset_s: null, device_offset_uncertainty_s: null, ...times }
  return reading({ provenance: 'stored', times: all }).reading
}

/** As a clock without zone on this page's wall would show it, `errorS` fast. */
function onTheWall(at: string, errorS = 0): string {
  const wall = new Date(Date.parse(at) + errorS * 1000)
  return new Date(wall.getTime() - wall.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

describe('when it was measured', () => {
  test('what is live or typed was measured when the kit saw it, whatever a device says', () => {
    const times = { device: '1970-01-01T00:00:00', kit_monotonic_ns: 1, kit_utc: SEEN, device_offset_s: 99, device_offset_uncertainty_s: 1 }
    expect(measuredWhen(reading({ times }).reading)).toEqual({ at: SEEN, clockErrorS: undefined })
    expect(measuredWhen(reading({ times, provenance: 'manual' }).reading).at).toBe(SEEN)
  })

  test.each([0, 37 * 60, -3600, -12 * 3600])('a stored one by its own clock, which is %s s off', (errorS) => {
    const at = '2026-11-24T06:12:00Z'
    const device = onTheWall(at, errorS)
    const offset = (Date.parse(at) - Date.parse(`${device}Z`)) / 1000
    const measured = measuredWhen(stored({ device, device_offset_s: offset }))
    expect(Date.parse(measured.at ?? '')).toBe(Date.parse(at))
    expect(measured.clockErrorS).toBe(errorS)
  })

  test.each([
    ['2026-11-26T07:32:00', 1, '2026-11-26T07:31:00.000Z'],
    ['2026-11-26T07:32:00', null, '2026-11-26T07:31:00.000Z'],
    ['2026-11-26T09:00:40', 30, SEEN],
    ['2026-11-26T09:03:00', 1, SEEN],
    ['2000-01-01T00:00:10', 1, SEEN]
  ])('one that was carried within its visit: by its clock %s, ± %s s, at %s', (device, uncertainty, at) => {
    const times = { device, kit_monotonic_ns: 1, kit_utc: SEEN, device_offset_s: -60, device_offset_uncertainty_s: uncertainty }
    expect(measuredWhen(reading({ times }).reading)).toEqual({ at, clockErrorS: undefined })
    expect(measuredWhen(reading({ times, provenance: 'manual' }).reading).at).toBe(SEEN)
  })

  test('a stored one is never as new as its arrival', () => {
    expect(measuredWhen(stored({}))).toEqual({ at: undefined, clockErrorS: undefined })
    expect(measuredWhen(stored({ device: '2026-11-24T06:12:00' })).at).toBeUndefined()
    expect(measuredWhen(stored({ device: 'yesterday', device_offset_s: 0 })).at).toBeUndefined()
  })
})

test('whole hours are summer time or a zone, minutes and days are not', () => {
  expect([3600, -3600, 7200, 3630].map(isZoneLike)).toEqual([true, true, true, true])
  expect([0, 37 * 60, 5400, 12 * 3600, -86_400].map(isZoneLike)).toEqual([false, false, false, false, false])
})

test('where it was measured is no reservation', () => {
  expect(['site_ear', 'sample_venous_plasma', 'before_meal', 'fasting'].every(isCircumstance)).toBe(true)
  expect(['sample_size_insufficient', 'irregular_pulse', 'battery_low', 'implausible_weight'].some(isCircumstance)).toBe(false)
})
