import { expect, test } from 'vitest'
import { PictureAge } from '../../../src/shared/call/pictureAge'

test('a picture that moves has no age, one that stands has', () => {
  const age = new PictureAge()
  expect(age.look(10, 1000)).toBeNull()
  expect(age.look(25, 2000)).toBeNull()
  expect(age.look(25, 5000)).toBeNull()
  expect(age.look(25, 5001)).toBe(2000)
  expect(age.look(25, 60_000)).toBe(2000)
  expect(age.look(26, 61_000)).toBeNull()
})

test('an element that counts anew after a new connection shows something new', () => {
  const age = new PictureAge()
  age.look(900, 1000)
  expect(age.look(900, 9000)).toBe(1000)
  expect(age.look(1, 10_000)).toBeNull()
})
