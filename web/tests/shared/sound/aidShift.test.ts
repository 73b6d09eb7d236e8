import { describe, expect, test } from 'vitest'
import { DELAY_S, type Octaves, PitchAid } from '../../../src/shared/sound/aidShift'

const RATE = 4000

function through(input: (at: number) => number, seconds: number, octaves: Octaves, rateHz = RATE): Float64Array {
  const aid = new PitchAid(rateHz, octaves)
  return Float64Array.from({ length: seconds * rateHz }, (_, index) => aid.step(input(index / rateHz)))
}

/** Amplitude at a frequency over the second half. */
function level(samples: Float64Array, hz: number, rateHz = RATE): number {
  let [re, im] = [0, 0]
  const from = samples.length / 2
  for (let index = from; index < samples.length; index += 1) {
    re += (samples[index] as number) * Math.cos((2 * Math.PI * hz * index) / rateHz)
    im += (samples[index] as number) * Math.sin((2 * Math.PI * hz * index) / rateHz)
  }
  return (2 * Math.hypot(re, im)) / (samples.length - from)
}

/** Where the loudness of a part is greatest (s). */
function peak(samples: Float64Array, from: number, to: number, rateHz = RATE): number {
  const [first, last, half] = [Math.round(from * rateHz), Math.round(to * rateHz), Math.round(0.015 * rateHz)]
  let [best, at] = [0, 0]
  for (let middle = first; middle < last; middle += 1) {
    let power = 0
    for (let index = Math.max(0, middle - half); index <= middle + half; index += 1) power += (samples[index] ?? 0) ** 2
    if (power > best) [best, at] = [power, middle]
  }
  return at / rateHz
}

describe.each([1, 2] as const)('%i octaves higher', (octaves) => {
  test.each([20, 30, 40, 60, 80, 100, 150])('a tone of %i Hz is heard there too, as loud or louder', (hz) => {
    const heard = through((at) => 0.1 * Math.sin(2 * Math.PI * hz * at), 4, octaves)
    expect(level(heard, hz * 2 ** octaves)).toBeGreaterThan(0.08)
    expect(level(heard, hz * 2 ** octaves)).toBeLessThan(0.4)
    expect(level(heard, hz)).toBeCloseTo(0.1, 1)
  })

  test('the first and the second heart sound stay as far apart as they were', () => {
    const thump = (at: number, when: number, hz: number): number =>
      0.3 * Math.exp(-(((at - when) / 0.028) ** 2)) * Math.sin(2 * Math.PI * hz * (at - when))
    const heart = (at: number): number => thump(at, 0.4, 45) + thump(at, 0.72, 70)
    const heard = through(heart, 1.2, octaves)
    const itself = Float64Array.from({ length: 1.2 * RATE }, (_, index) => heart(index / RATE))
    const apart = (samples: Float64Array, late: number): number => peak(samples, 0.55 + late, 0.9 + late) - peak(samples, 0.25 + late, 0.55 + late)
    expect(Math.abs(apart(heard, DELAY_S) - apart(itself, 0))).toBeLessThan(0.008)
    expect(peak(heard, 0.25, 0.55) - peak(itself, 0.25, 0.55)).toBeCloseTo(DELAY_S, 1)
  })

  test('what a loudspeaker plays anyway is only delayed', () => {
    const heard = through((at) => 0.1 * Math.sin(2 * Math.PI * 600 * at), 2, octaves)
    expect(level(heard, 600)).toBeCloseTo(0.1, 2)
    expect(level(heard, 600 * 2 ** octaves % RATE)).toBeLessThan(0.02)
  })

  test('it never exceeds full scale, and silence stays silence', () => {
    const loud = through((at) => Math.sign(Math.sin(2 * Math.PI * 40 * at)), 2, octaves)
    expect(Math.max(...loud.map(Math.abs))).toBeLessThan(1)
    expect(Math.max(...through(() => 0, 1, octaves).map(Math.abs))).toBe(0)
  })
})

test('at another rate it is the same', () => {
  const heard = through((at) => 0.1 * Math.sin(2 * Math.PI * 40 * at), 3, 1, 16_000)
  expect(level(heard, 80, 16_000)).toBeGreaterThan(0.08)
})
