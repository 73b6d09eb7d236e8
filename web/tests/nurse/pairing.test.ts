import { expect, test } from 'vitest'
import { inFoundOrder, isGoing, KINDS, pressedTwice, pressOf, secondsLeft } from '../../src/nurse/pairing'
import { sv } from '../../src/shared/i18n/sv'
import type { Found, Pairing } from '../../src/shared/wire'

const found = (id: string, over: Partial<Found> = {}): Found => ({ id, name: id, signal: 'fair', inviting: false, known: false, press: null, ...over })

test('those that want to be paired stand first, then new ones, then the nearest', () => {
  const list = [found('known', { known: true, signal: 'strong' }), found('far', { signal: 'weak' }), found('near', { signal: 'strong' }), found('wants', { inviting: true, signal: 'weak' })]
  expect(inFoundOrder(list).map((one) => one.id)).toEqual(['wants', 'near', 'far', 'known'])
})

test('equals do not change places while the nurse aims at one', () => {
  expect(inFoundOrder([found('b'), found('a')]).map((one) => one.id)).toEqual(inFoundOrder([found('a'), found('b')]).map((one) => one.id))
})

test.each([
  ['cuff', null, 'hold_start'],
  ['cuff', 'hold_memory', 'hold_memory'],
  ['scale', 'hold_set', 'hold_set'],
  ['scale', 'nothing that this page knows', 'step_on'],
] as const)('%s %s: %s', (kind, told, press) => {
  expect(pressOf(kind, told)).toBe(press)
})

test.each(KINDS)('what to press on a %s is said in words', (kind) => {
  expect(sv).toHaveProperty([`press.${pressOf(kind)}`])
})

test('seconds are counted down to nought and stay there', () => {
  const now = Date.parse('2026-11-26T07:00:00Z')
  expect(secondsLeft('2026-11-26T07:01:00Z', now)).toBe(60)
  expect(secondsLeft('2026-11-26T07:00:00.200Z', now)).toBe(1)
  expect(secondsLeft('2026-11-26T06:59:00Z', now)).toBe(0)
})

test('a key pressed twice is one press; a second later it is another', () => {
  expect(pressedTwice(1000, 1150)).toBe(true)
  expect(pressedTwice(1000, 2000)).toBe(false)
  expect(pressedTwice(-Infinity, 0)).toBe(false)
})

test('a search that has ended is not shown again after a reload', () => {
  const at = (stage: Pairing['stage']): Pairing => ({ stage, kind: 'cuff', until: '2026-11-23T09:00:00Z', found: [], device_id: '', problem: null })
  expect((['searching', 'pairing', 'passkey', 'done', 'failed'] as const).map((stage) => isGoing(at(stage)))).toEqual([true, true, true, false, false])
  expect(isGoing(null)).toBe(false)
})
