import { expect, test } from 'vitest'
import { isRaw, quieten, through, USUAL_HEARING } from '../../src/doctor/listening/hearing'
import { VIEWS } from '../../src/doctor/listening/keys'

test('the quieter view is off until it is asked for, and stays with any filter', () => {
  expect(USUAL_HEARING.quieter).toBe(false)
  for (const view of VIEWS.slice(1)) {
    expect(through(USUAL_HEARING, view)).toEqual({ view, quieter: false })
    expect(through(quieten(USUAL_HEARING), view)).toEqual({ view, quieter: true })
  }
})

test('unfiltered is raw: it ends the quieter view', () => {
  const raw = through(quieten(USUAL_HEARING), 'raw')
  expect(raw).toEqual({ view: 'raw', quieter: false })
  expect(isRaw(raw)).toBe(true)
})

test('quieter without a filter is not called raw', () => {
  const quiet = quieten(through(USUAL_HEARING, 'raw'))
  expect(quiet).toEqual({ view: 'raw', quieter: true })
  expect(isRaw(quiet)).toBe(false)
  expect(isRaw(through(quiet, 'raw'))).toBe(true)
  expect(isRaw(quieten(quiet))).toBe(true)
})
