import { describe, expect, test } from 'vitest'
import { heat, LEVELS } from '../../../src/shared/sound/heat'
import { loudness } from '../../../src/shared/sound/spectrogram'
import { Fft, Spectrum } from '../../../src/shared/sound/spectrum'
import { GAP, HERE, UNKNOWN } from '../../../src/shared/sound/stream'

function tone(hz: number, amplitude: number, rateHz: number): { samples: Int16Array; known: Uint8Array; rateHz: number } {
  const samples = Int16Array.from({ length: rateHz }, (_, at) => Math.round(amplitude * Math.sin((2 * Math.PI * hz * at) / rateHz)))
  return { samples, known: new Uint8Array(rateHz).fill(HERE), rateHz }
}

test('the transform is the sum that it stands for, and back', () => {
  const re = Float64Array.from({ length: 16 }, (_, at) => Math.sin(at * at))
  const im = Float64Array.from({ length: 16 }, (_, at) => Math.cos(3 * at))
  const [x, y] = [re.slice(), im.slice()]
  new Fft(16).transform(x, y)
  for (let bin = 0; bin < 16; bin += 1) {
    let [a, b] = [0, 0]
    for (let at = 0; at < 16; at += 1) {
      const turn = (-2 * Math.PI * bin * at) / 16
      a += (re[at] as number) * Math.cos(turn) - (im[at] as number) * Math.sin(turn)
      b += (re[at] as number) * Math.sin(turn) + (im[at] as number) * Math.cos(turn)
    }
    expect(x[bin]).toBeCloseTo(a, 9)
    expect(y[bin]).toBeCloseTo(b, 9)
  }
  new Fft(16).transform(x, y, true)
  x.forEach((value, at) => expect(value / 16).toBeCloseTo(re[at] as number, 9))
  expect(() => new Fft(12)).toThrow(RangeError)
})

describe.each([4000, 8000, 44_100, 48_000])('at %i Hz', (rateHz) => {
  test.each([60, 250, 900])('a tone of %i Hz stands at its height with its amplitude', (hz) => {
    const spectrum = new Spectrum(rateHz)
    const found = [...(spectrum.at(tone(hz, 8000, rateHz), rateHz / 2) ?? [])]
    const top = found.indexOf(Math.max(...found))
    expect(Math.abs(top * spectrum.hzPerBin - hz)).toBeLessThanOrEqual(spectrum.hzPerBin)
    // between two bins a Hann window shows at least 85 %
    expect(found[top]).toBeGreaterThan(0.84 * 8000)
    expect(found[top]).toBeLessThan(1.01 * 8000)
    expect(spectrum.bins * spectrum.hzPerBin).toBeGreaterThan(1000)
  })
})

test.each([GAP, UNKNOWN])('nothing is computed over a missing sample', (state) => {
  const source = tone(100, 1000, 4000)
  source.known[2000] = state
  const spectrum = new Spectrum(4000)
  expect(spectrum.at(source, 2000 - spectrum.size / 2 - 1)).not.toBeNull()
  expect(spectrum.at(source, 2000 - spectrum.size / 2 + 1)).toBeNull()
  expect(spectrum.at(source, 2000 + spectrum.size / 2 + 1)).not.toBeNull()
  expect(spectrum.at(source, 10)).toBeNull()
  expect(spectrum.at(source, 3990)).toBeNull()
})

test('loudness is logarithmic: 50 dB from silence to the loudest', () => {
  expect(loudness(8192 / 4, 8192)).toBeCloseTo(1, 1)
  expect(loudness(8192 / 4000, 8192)).toBeCloseTo(0, 1)
  expect(loudness(8192 / 40, 8192) - loudness(8192 / 400, 8192)).toBeCloseTo(20 / 50, 3)
  expect([loudness(0, 512), loudness(1e9, 512)]).toEqual([0, 1])
})

function luminance(table: Uint8ClampedArray, level: number): number {
  const linear = (channel: number): number => ((table[3 * level + channel] as number) / 255) ** 2.2
  return 0.2126 * linear(0) + 0.7152 * linear(1) + 0.0722 * linear(2)
}

describe.each(['light', 'dark'] as const)('%s colours', (theme) => {
  const table = heat(theme)
  test('get steadily lighter or darker, so that they read without hue', () => {
    const steps = Array.from({ length: LEVELS - 1 }, (_, level) => luminance(table, level + 1) - luminance(table, level))
    expect(steps.every((step) => (theme === 'dark' ? step > 0 : step < 0))).toBe(true)
  })
  test('loud stands out from quiet', () => {
    const [quiet, loud] = [luminance(table, 0), luminance(table, LEVELS - 1)].map((one) => one + 0.05)
    expect(Math.max(quiet as number, loud as number) / Math.min(quiet as number, loud as number)).toBeGreaterThan(9)
  })
})
