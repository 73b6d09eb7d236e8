import { describe, expect, test } from 'vitest'
import golden from '../../../../tests/signal/golden_names.json'
import { named, namesSure } from '../../../src/shared/sound/names'
import type { SoundMark } from '../../../src/shared/sound/trace'

describe('the same answers as the kit', () => {
  test.each(golden.cases)('$about', ({ rate_hz: rate, marks, sure }) => {
    expect(namesSure(marks as unknown as SoundMark[], rate)).toEqual(sure)
  })
})

const beats = (count: number, cycle: number): SoundMark[] =>
  Array.from({ length: count }, (_, n): SoundMark[] => [[n * cycle, 'S1'], [n * cycle + cycle / 2, 'S2']]).flat()

test('a fast heart: the marks stay and have no names', () => {
  const marks = beats(12, 1600)
  expect(named(marks, 4000)).toEqual(marks.map(([sample]) => [sample, '']))
})

test('too few beats keep their names, and so does a heart at 120/min', () => {
  expect(named(beats(3, 1600), 4000)).toEqual(beats(3, 1600))
  expect(named(beats(12, 2000), 4000)).toEqual(beats(12, 2000))
})

test('marks that came late are put in order', () => {
  const marks = beats(12, 1600)
  expect(named([...marks.slice(10), ...marks.slice(0, 10)], 4000)).toEqual(named(marks, 4000))
})
