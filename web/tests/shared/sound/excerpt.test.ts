import { expect, test } from 'vitest'
import { type Excerpt, lastSeconds, recordingOf } from '../../../src/shared/sound/excerpt'
import { GAP, HERE, UNKNOWN } from '../../../src/shared/sound/stream'
import { extremes, peakOf, scaleFor, tickStep, ticks } from '../../../src/shared/sound/trace'

function stream(length: number): { samples: Int16Array; known: Uint8Array; rateHz: number; stream: number } {
  return { samples: Int16Array.from({ length }, (_, at) => at), known: new Uint8Array(length).fill(HERE), rateHz: 100, stream: 7 }
}

test('the last seconds are a copy that stays as it was', () => {
  const source = stream(5000)
  source.known.fill(UNKNOWN, 4990)
  const piece = lastSeconds(source, [[10, 'S1'], [2000, 'S1'], [2030, 'S2'], [4995, 'S1']], 30)
  expect([piece.first, piece.samples.length, piece.stream, piece.rateHz]).toEqual([1990, 3000, 7, 100])
  expect(piece.marks).toEqual([[10, 'S1'], [40, 'S2']])
  source.samples.fill(0)
  expect([piece.samples[0], piece.samples[2999]]).toEqual([1990, 4989])
})

test('a short stream is taken whole, an empty one is empty', () => {
  expect(lastSeconds(stream(50), []).first).toBe(0)
  expect(lastSeconds(stream(0), []).samples).toHaveLength(0)
})

const FACTS = { stream: 3, rate_hz: 4000, samples: 4, gaps: [{ first_sample: 1, samples: 2 }], sound_marks: [[0, 'S1'], [9, 'S2']] as const }

test('a recording out of its file, with its gaps and marks', () => {
  const file = new Uint8Array([0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0xfe, 0xff]).buffer
  const found = recordingOf(FACTS, file) as Excerpt
  expect([...found.samples]).toEqual([1, 0, 0, -2])
  expect([...found.known]).toEqual([HERE, GAP, GAP, HERE])
  expect(found.marks).toEqual([[0, 'S1']])
  expect([found.first, found.stream, found.rateHz]).toEqual([0, 3, 4000])
})

test.each([
  [7, FACTS, 'wrong_length'],
  [0, FACTS, 'wrong_length'],
  [8, { ...FACTS, gaps: [{ first_sample: 3, samples: 2 }] }, 'gap_out_of_range'],
])('a file of %i bytes that its record does not fit is refused', (bytes, facts, reason) => {
  expect(recordingOf(facts, new ArrayBuffer(bytes))).toEqual({ refused: reason })
})

test('a column is its least and greatest sample, and never bridges a gap', () => {
  const source = stream(10)
  expect(extremes(source, 4, 6, 10)).toEqual({ least: 3, most: 5, gap: 'none' })
  expect(extremes(source, 8, 20, 9)).toEqual({ least: 7, most: 8, gap: 'none' })
  source.known[5] = GAP
  expect(extremes(source, 4, 6, 10).gap).toBe('kit')
  expect(extremes(source, 6, 8, 10).gap).toBe('none')
  source.known[4] = UNKNOWN
  expect(extremes(source, 4, 6, 10).gap).toBe('here')
})

test('the scale holds the peak, in powers of two', () => {
  expect([0, 512, 513, 9000, 32_768].map(scaleFor)).toEqual([512, 512, 1024, 16_384, 32_768])
  expect(peakOf(stream(10), 2, 99)).toBe(9)
})

test('ticks are round seconds and few', () => {
  expect(ticks(0, 4, 8)).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4])
  expect(ticks(12.3, 14.2, 6)).toEqual([12.5, 13, 13.5, 14])
  expect(ticks(0, 30)).toEqual([0, 5, 10, 15, 20, 25, 30])
  expect(tickStep(1e6, 5)).toBe(300)
})

test('sounds of a fast heart have no names, decided before the piece is cut out', () => {
  const fast = Array.from({ length: 60 }, (_, n) => [n * 20, n % 2 ? 'S2' : 'S1'] as const)
  const piece = lastSeconds(stream(1200), fast, 1)
  expect(piece.marks).toEqual([[0, ''], [20, ''], [40, ''], [60, ''], [80, '']])
  const kept = recordingOf({ stream: 3, rate_hz: 100, samples: 1200, gaps: [], sound_marks: fast }, new ArrayBuffer(2400)) as Excerpt
  expect(kept.marks).toEqual(fast.map(([sample]) => [sample, '']))
})
