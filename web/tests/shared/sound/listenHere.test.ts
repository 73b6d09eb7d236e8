import { expect, test } from 'vitest'
import { stretchOf } from '../../../src/shared/sound/listenHere'

const RATE = 1000

test('three beats, with a little before and after', () => {
  expect(stretchOf([[10_000, 10_200], [10_800, 11_000], [11_600, 11_800]], RATE, 0, 20_000)).toEqual([9600, 12_400])
})

test('of places far from each other the newest', () => {
  expect(stretchOf([[1000, 1200], [10_000, 10_200], [12_000, 12_300]], RATE, 0, 20_000)).toEqual([9600, 12_900])
  expect(stretchOf([[1000, 1200], [12_000, 12_300]], RATE, 0, 20_000)).toEqual([11_600, 12_900])
})

test('never outside, and nothing that cannot be played whole', () => {
  expect(stretchOf([[1000, 1200], [1800, 2000]], RATE, 900, 2100)).toEqual([900, 2100])
  expect(stretchOf([[1000, 1200], [1800, 2000]], RATE, 1100, 1900)).toBeNull()
  expect(stretchOf([[1000, 1200], [1800, 2000]], RATE, 1100, 20_000)).toEqual([1400, 2600])
  expect(stretchOf([], RATE, 0, 20_000)).toBeNull()
})
