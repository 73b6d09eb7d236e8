import { expect, test } from 'vitest'
import { canWithdraw } from '../../src/nurse/withdrawal'
import { momentsOf } from '../../src/shared/timeline'
import { reading, snapshot } from '../shared/visits'

const struck = { decision: 'rejected', decided_by: 'Anna Lind', decided_at: '2026-11-23T09:05:00Z', taken_back: true } as const

test('only what she typed, and only as long as nobody decided', () => {
  expect(canWithdraw(reading({ provenance: 'manual' }))).toBe(true)
  expect(canWithdraw(reading({ provenance: 'live' }))).toBe(false)
  expect(canWithdraw(reading({ provenance: 'manual' }, { decision: 'kept' }))).toBe(false)
  expect(canWithdraw(reading({ provenance: 'manual' }, struck))).toBe(false)
  expect(canWithdraw(reading({ provenance: 'manual' }, { move: 'here' }))).toBe(false)
})

test('the visit tells who struck it through, and does not mix it with what was filed and taken back', () => {
  const typed = reading({ id: 't', provenance: 'manual' }, struck)
  const filed = reading({ id: 'f', provenance: 'stored' }, { ...struck, filed_by: 'Anna Lind', filed_at: '2026-11-23T09:01:00Z' })
  const told = momentsOf(snapshot({ readings: [typed, filed] })).filter((moment) => moment.about === 't' || moment.about === 'f')
  expect(told.map((moment) => [moment.about, moment.kind, moment.who])).toEqual(expect.arrayContaining([['t', 'withdrawn', 'Anna Lind'], ['f', 'rejected', 'Anna Lind']]))
})
