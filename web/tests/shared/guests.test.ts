import { expect, test } from 'vitest'
import { saidOtherwise } from '../../src/shared/guests'

test.each([
  ['Karin Tolvansson', 'Karin Tolvansson', ''],
  ['Karin Tolvansson', ' karin  tolvansson ', ''],
  ['Åsa', 'A\u030asa', ''],
  ['Karin Tolvansson', 'Kalle', 'Kalle'],
  ['Tolk', ' Dr Två ', 'Dr Två'],
])('%s who types %j', (name, said_name, other) => {
  expect(saidOtherwise({ name, said_name })).toBe(other)
})

test('before the door nothing is said', () => {
  expect(saidOtherwise({ name: 'Karin', said_name: '' })).toBe('')
})
