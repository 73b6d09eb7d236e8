import { expect, test } from 'vitest'
import { isBegun, isOld, isSetOut, lacking, threes } from '../../src/shared/earlyWarning'
import type { EarlyWarning, ScorePart } from '../../src/shared/wire'
import { applyChange } from '../../src/shared/visit'
import { snapshot, VISIT } from './visits'

const AT = Date.parse('2026-11-23T09:00:00Z')
const HOUR = 3_600_000

function part(parameter: ScorePart['parameter'], over: Partial<ScorePart> = {}): ScorePart {
  const measured_at = new Date(AT).toISOString()
  return { parameter, points: 0, lack: null, reading_id: 'r', quantity: null, consciousness: null, breathes: null, measured_at, stale_at: new Date(AT + HOUR).toISOString(), draft: false, doubts: [], ...over }
}

const NONE = { points: null, lack: 'missing', reading_id: null, measured_at: null, stale_at: null } as const

function score(parts: ScorePart[], over: Partial<EarlyWarning> = {}): EarlyWarning {
  return { id: VISIT, state: 'complete', total: 0, risk: 'low', scale: 1, parts, asks: [], refusals: [], preliminary: false, as_of: new Date(AT).toISOString(), stale_at: new Date(AT + HOUR).toISOString(), ...over }
}

test('a total of a visit that goes on is out of date after the hour, that of a closed one is as it was', () => {
  const whole = score([part('pulse')])
  expect(isOld(whole, true, AT + HOUR)).toBe(false)
  expect(isOld(whole, true, AT + HOUR + 1)).toBe(true)
  expect(isOld(whole, false, AT + 9 * HOUR)).toBe(false)
})

test('what has become too old since stands among what is too old, by name', () => {
  const one = score([part('pulse'), part('spo2', { stale_at: new Date(AT + 2 * HOUR).toISOString() }), part('oxygen', NONE)])
  const lack = lacking(one, true, AT + HOUR + 1)
  expect(lack.stale.map((each) => each.parameter)).toEqual(['pulse'])
  expect(lack.missing.map((each) => each.parameter)).toEqual(['oxygen'])
  expect(lacking(one, false, AT + HOUR + 1).stale).toEqual([])
})

test('a blood pressure alone is no attempt at the score', () => {
  expect([isBegun(score([part('systolic')])), isSetOut(score([part('systolic')]))]).toEqual([true, false])
  expect(isSetOut(score([part('oxygen')]))).toBe(true)
  expect(isBegun(score([part('systolic', NONE)]))).toBe(false)
})

test('single threes are found', () => {
  expect(threes(score([part('pulse', { points: 2 }), part('consciousness', { points: 3 })])).map((one) => one.parameter)).toEqual(['consciousness'])
})

test('a score told anew takes the place of the one before', () => {
  const before = snapshot({ news2: score([part('pulse')]) })
  const change = { type: 'changed', visit_id: VISIT, visit: null, request: null, reading: null, sound: null, photo: null, note: null, mark: null, guest: null, premise: null, question: null, news2: score([], { total: 7 }) } as const
  expect(applyChange(before, { ...change }).news2?.total).toBe(7)
  expect(applyChange(before, { ...change, news2: null }).news2).toEqual(before.news2)
})
