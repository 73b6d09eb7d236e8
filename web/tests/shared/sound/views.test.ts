import { describe, expect, test } from 'vitest'
import golden from '../../../../tests/signal/golden_views.json'
import { BANDS_HZ, Cascade, magnitude, sections, ViewSwitch, type View } from '../../../src/shared/sound/views'

const decibel = (view: View, hz: number, rateHz: number): number =>
  20 *
  Math.log10(sections(view, rateHz).reduce((gain, one) => gain * magnitude(one, (2 * Math.PI * hz) / rateHz), 1))

describe.each(Object.entries(BANDS_HZ))('%s', (name, [low, high]) => {
  const view = name as Exclude<View, 'raw'>
  test.each([4000, 8000, 16_000])('passes its band and nothing else at %i Hz', (rate) => {
    const top = Math.min(high, (0.95 * rate) / 2)
    expect(decibel(view, low, rate)).toBeCloseTo(-3.01, 1)
    expect(decibel(view, top, rate)).toBeCloseTo(-3.01, 1)
    expect(Math.abs(decibel(view, Math.sqrt(low * top), rate))).toBeLessThan(0.3)
    expect(decibel(view, low / 2, rate)).toBeLessThan(-22)
    if (top * 2 < rate / 2) expect(decibel(view, top * 2, rate)).toBeLessThan(-22)
  })
})

describe('the same numbers as the kit', () => {
  test.each(golden.views)('$view at $rate_hz Hz', ({ view, rate_hz: rate, impulse_response: wanted }) => {
    const cascade = new Cascade(view as View, rate)
    wanted.forEach((value, index) => expect(cascade.step(index === 0 ? 1 : 0)).toBeCloseTo(value, 8))
  })
})

test('the cascade does what its sections say, and is stable', () => {
  const cascade = new Cascade('bell', 4000)
  let power = 0
  for (let index = 0; index < 40_000; index += 1) {
    const value = cascade.step(Math.sin((2 * Math.PI * 63 * index) / 4000))
    if (index >= 20_000) power += value * value
  }
  expect(10 * Math.log10((2 * power) / 20_000)).toBeCloseTo(decibel('bell', 63, 4000), 2)
  let rest = 1
  for (let index = 0; index < 40_000; index += 1) rest = cascade.step(0)
  expect(Math.abs(rest)).toBeLessThan(1e-9)
})

test('changing the view makes no click', () => {
  const views = new ViewSwitch(4000)
  let before = 0
  let steepest = 0
  for (let index = 0; index < 8000; index += 1) {
    if (index === 4000) views.choose('extended')
    const value = views.step(0.5 * Math.sin((2 * Math.PI * 60 * index) / 4000))
    if (index > 10) steepest = Math.max(steepest, Math.abs(value - before))
    before = value
  }
  // a 60 Hz tone of 0.5 moves at most 0.047 a sample by itself
  expect(steepest).toBeLessThan(0.07)
})
