import { describe, expect, test } from 'vitest'
import { contextRate, Upsampler } from '../../../src/shared/sound/upsampler'

const RATE = 4000

function through(times: number, input: Float32Array, blocks: readonly number[] = [128]): Float32Array {
  const upsampler = new Upsampler(times)
  const out = new Float32Array(input.length * times)
  for (let at = 0, from = 0, turn = 0; at < out.length; turn += 1) {
    const block = out.subarray(at, Math.min(at + (blocks[turn % blocks.length] as number), out.length))
    const wanted = upsampler.wants(block.length)
    upsampler.fill(block, input.subarray(from, from + wanted))
    from += wanted
    at += block.length
  }
  return out
}

const noise = (length: number): Float32Array => {
  let seed = 1
  return Float32Array.from({ length }, () => {
    seed = (seed * 48271) % 2147483647
    return seed / 1073741824 - 1
  })
}

/** Amplitude (of 1) of a frequency in the middle of `out`. */
function amplitude(out: Float32Array, hz: number, rateHz: number): number {
  let [re, im, sum] = [0, 0, 0]
  const length = out.length - 2000
  for (let at = 0; at < length; at += 1) {
    const weight = 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / length)
    const value = (out[at + 1000] as number) * weight
    re += value * Math.cos((2 * Math.PI * hz * at) / rateHz)
    im += value * Math.sin((2 * Math.PI * hz * at) / rateHz)
    sum += weight
  }
  return (2 * Math.hypot(re, im)) / sum
}

test('every twelfth sample is the sample itself', () => {
  const input = noise(2000)
  const out = through(12, input)
  const { delay } = new Upsampler(12)
  for (let at = delay; at < input.length; at += 1) expect(out[at * 12]).toBe(input[at - delay])
})

test.each([1, 3, 12])('any cutting gives the same, %i times', (times) => {
  const input = noise(1500)
  const whole = through(times, input, [1e6])
  for (const blocks of [[128], [1], [7, 128, 3], [480]]) expect(through(times, input, blocks)).toEqual(whole)
})

describe('between the samples', () => {
  test.each([20, 40, 100, 440, 1000, 1500])('%i Hz is as loud as it was, and its image is gone', (hz) => {
    const input = Float32Array.from({ length: 8000 }, (_, at) => Math.sin((2 * Math.PI * hz * at) / RATE))
    const out = through(12, input)
    expect(20 * Math.log10(amplitude(out, hz, 48_000))).toBeCloseTo(0, 2)
    expect(20 * Math.log10(amplitude(out, RATE - hz, 48_000))).toBeLessThan(-70)
  })

  test('a standing level stays', () => {
    const out = through(12, new Float32Array(500).fill(0.25))
    for (const one of out.subarray(24 * 12)) expect(one).toBeCloseTo(0.25, 7)
  })
})

test('at the stream\'s own rate nothing is changed and nothing waits', () => {
  const input = noise(300)
  expect(through(1, input)).toEqual(input)
  expect(new Upsampler(1).delay).toBe(0)
})

test.each([
  [4000, 48_000],
  [2000, 48_000],
  [8000, 48_000],
  [16_000, 48_000],
  [11_025, 44_100],
  [44_100, 44_100],
  [4200, 16_800],
  [32_000, 32_000],
])('a stream of %i Hz goes out at %i Hz', (rate, wanted) => expect(contextRate(rate)).toBe(wanted))

test('what is no whole multiple is refused', () => {
  for (const times of [0, 1.5, Number.NaN]) expect(() => new Upsampler(times)).toThrow('not_a_whole_multiple')
})
