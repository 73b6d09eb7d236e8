import { expect, test } from 'vitest'
import { begin, breathed, isOver, oneLess, rateOf, secondsLeft, typedFlow, typedRate } from '../../src/nurse/breaths'

test('each press within the time is a breath, and none after it', () => {
  let count = begin(1000, 30)
  for (const at of [1000, 2000, 30_999]) count = breathed(count, at)
  expect(count.breaths).toBe(3)
  expect(isOver(count, 30_999)).toBe(false)
  expect(isOver(count, 31_000)).toBe(true)
  expect(breathed(count, 31_000)).toEqual(count)
  expect(rateOf(count)).toBe(6)
})

test('sixty seconds are counted as they are', () => {
  let count = begin(0, 60)
  for (let at = 0; at < 17; at++) count = breathed(count, at * 3000)
  expect(rateOf(count)).toBe(17)
  expect(secondsLeft(count, 0)).toBe(60)
  expect(secondsLeft(count, 59_001)).toBe(1)
  expect(secondsLeft(count, 61_000)).toBe(0)
})

test('a finger that slipped is taken back, never below none', () => {
  const count = breathed(begin(0, 30), 1)
  expect(oneLess(count).breaths).toBe(0)
  expect(oneLess(oneLess(count)).breaths).toBe(0)
})

test('a typed rate is a whole number', () => {
  expect(['18', ' 018 ', '0', '200'].map(typedRate)).toEqual(['18', '18', '0', '200'])
  expect(['', '17,5', '201', 'x', '-1'].map(typedRate)).toEqual([undefined, undefined, undefined, undefined, undefined])
})

test('litres may be left out', () => {
  expect(['', ' ', '2', '2,5', '0.25', '15'].map(typedFlow)).toEqual(['', '', '2', '2.5', '0.25', '15'])
  expect(['x', '2,555', '101', '-2'].map(typedFlow)).toEqual([undefined, undefined, undefined, undefined])
})
