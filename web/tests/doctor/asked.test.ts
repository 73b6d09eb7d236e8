import { describe, expect, test } from 'vitest'
import { stillAsked, unknownOf } from '../../src/doctor/asked'
import type { Question } from '../../src/shared/wire'

const question = (id: string): Question => ({ id, seq: 1, to_name: 'Elena Ruiz', patient: null, access_at: null, text: '?', asked_by: 'Karin Berg', asked_at: '2026-11-27T08:00:00Z', answer: '', answered_at: null })

describe('what the medical lead asks', () => {
  test('what was answered elsewhere goes, in the order of what is here', () => {
    expect(stillAsked([question('a'), question('b'), question('c')], ['c', 'a']).map((one) => one.id)).toEqual(['a', 'c'])
  })

  test('only what is not here is fetched', () => {
    expect(unknownOf([question('a')], ['a', 'b'])).toEqual(['b'])
    expect(unknownOf([question('a')], ['a'])).toEqual([])
    expect(unknownOf([], [])).toEqual([])
  })
})
