import { expect, test } from 'vitest'
import { comesOver, inSweep, middleOf } from '../../../src/shared/sound/trace'

test('late samples are drawn where they are in the picture, and not over what came since', () => {
  expect(inSweep(900, 950, 1000, 400)).toEqual([900, 950])
  expect(inSweep(500, 700, 1000, 400)).toEqual([600, 700])
  expect(inSweep(980, 1100, 1000, 400)).toEqual([980, 1000])
  expect(inSweep(-20, 30, 100, 400)).toEqual([0, 30])
  for (const [first, end] of [[0, 100], [300, 600], [1000, 1100]] as const) {
    const [from, to] = inSweep(first, end, 1000, 400)
    expect(to).toBeLessThanOrEqual(from)
  }
})

test('a name stands whole inside the picture', () => {
  expect(middleOf(100, 18, 600)).toBe(100)
  expect(middleOf(0, 18, 600)).toBe(9)
  expect(middleOf(598, 18, 600)).toBe(591)
})

test('what the sweep comes over loses its whole name, what is new keeps it', () => {
  // drawn up to 1000 of a sweep of 400: 600 is just being overdrawn
  expect(comesOver(600, 1000, 400, 30)).toBe(true)
  expect(comesOver(629, 1000, 400, 30)).toBe(true)
  expect(comesOver(630, 1000, 400, 30)).toBe(false)
  expect(comesOver(599, 1000, 400, 30)).toBe(false)
  expect(comesOver(990, 1000, 400, 30)).toBe(false)
})
