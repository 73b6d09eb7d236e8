import { expect, test } from 'vitest'
import { inSweep } from '../../../src/shared/sound/trace'

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
