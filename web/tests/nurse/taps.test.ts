import { expect, test } from 'vitest'
import { ON_ITS_WAY_MS, OnItsWay, SETTLE_MS, takesTaps } from '../../src/nurse/taps'

test('what just opened takes no tap for half a second', () => {
  expect(takesTaps(undefined, 10_000)).toBe(false)
  expect(takesTaps(1000, 1000)).toBe(false)
  expect(takesTaps(1000, 1000 + SETTLE_MS - 1)).toBe(false)
  expect(takesTaps(1000, 1000 + SETTLE_MS)).toBe(true)
})

test('the same act twice within a second is one; another, or the same later, is its own', () => {
  const way = new OnItsWay()
  const start = { type: 'start_request', request_id: 'a' }
  expect(way.repeats(start, 0)).toBe(false)
  expect(way.repeats({ ...start }, 300)).toBe(true)
  expect(way.repeats({ ...start }, ON_ITS_WAY_MS - 1)).toBe(true)
  expect(way.repeats({ ...start, request_id: 'b' }, ON_ITS_WAY_MS - 1)).toBe(false)
  expect(way.repeats(start, ON_ITS_WAY_MS)).toBe(false)
  expect(way.repeats(start, 2 * ON_ITS_WAY_MS)).toBe(false)
})

test('what was refused may be tried again at once', () => {
  const way = new OnItsWay()
  expect(way.repeats({ type: 'close_visit' }, 0)).toBe(false)
  way.over()
  expect(way.repeats({ type: 'close_visit' }, 100)).toBe(false)
})
