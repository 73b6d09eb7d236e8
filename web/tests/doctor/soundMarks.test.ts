import { expect, test } from 'vitest'
import { SoundMarks } from '../../src/doctor/listening/soundMarks'
import type { SoundMark } from '../../src/shared/sound/phonocardiogram'

const mark = (sample: number): SoundMark => [sample, 'S1'] as unknown as SoundMark

test('what came twice is taken once', () => {
  const marks = new SoundMarks()
  expect(marks.take([mark(10), mark(20)])).toEqual([mark(10), mark(20)])
  expect(marks.take([mark(20), mark(30)])).toEqual([mark(30)])
  expect(marks.take([mark(10)])).toEqual([])
  expect(marks.all).toEqual([mark(10), mark(20), mark(30)])
})
