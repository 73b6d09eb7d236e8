import { expect, test } from 'vitest'
import { mayMove, othersNear } from '../../src/doctor/move'
import { momentsOf } from '../../src/shared/timeline'
import { reading, snapshot } from '../shared/visits'

test('whatever was decided about it can be said to be of another patient', () => {
  for (const decision of ['draft', 'kept', 'rejected'] as const) expect(mayMove(reading({}, { decision }))).toBe(true)
  expect(mayMove(reading({}, { move: 'here' }))).toBe(true)
})

test('not what was taken back, what went away, or what waits for the medical lead', () => {
  expect(mayMove(reading({}, { taken_back: true }))).toBe(false)
  expect(mayMove(reading({}, { move: 'away' }))).toBe(false)
  expect(mayMove(reading({}, { move: 'proposed' }))).toBe(false)
})

test('the other visits, the nearest in time first; this one is not among them', () => {
  const visit = (id: string, scheduled: string, opened: string | null = null): { id: string; scheduled_at: string; opened_at: string | null } => ({ id, scheduled_at: `2026-11-27T${scheduled}:00Z`, opened_at: opened && `2026-11-27T${opened}:00Z` })
  const queue = [visit('late', '15:00'), visit('this', '09:00', '09:05'), visit('next', '10:00'), visit('early', '06:00', '08:50')]
  expect(othersNear(queue, 'this', '2026-11-27T09:10:00Z').map((one) => one.id)).toEqual(['early', 'next', 'late'])
  expect(othersNear([visit('this', '09:00')], 'this', '2026-11-27T09:10:00Z')).toEqual([])
})

test('the visit it came to tells that it was moved there, not that it was filed', () => {
  const filed = { filed_by: 'Elena Ruiz', filed_at: '2026-11-23T09:05:00Z' }
  const told = momentsOf(snapshot({ readings: [reading({ id: 'm' }, { ...filed, move: 'here' }), reading({ id: 'f' }, filed)] }))
  expect(told.filter((moment) => moment.who === 'Elena Ruiz').map((moment) => [moment.about, moment.kind])).toEqual([['m', 'moved'], ['f', 'filed']])
})
