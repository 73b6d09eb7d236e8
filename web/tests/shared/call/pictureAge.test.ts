import { expect, test } from 'vitest'
import { awaySince, PictureAge } from '../../../src/shared/call/pictureAge'

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

test('the time of a picture is when it was taken, not when the page looked', () => {
  const age = new PictureAge()
  age.shown(1_700, 900_000)
  expect(age.look(30, 2_600)).toBeNull()
  expect(age.look(30, 5_000)).toBe(1_700)
})

test('a picture that came late was taken earlier than it was shown', () => {
  const age = new PictureAge()
  age.shown(1_100, 1_000_000)
  age.shown(2_800, 2_000_000)
  expect(age.lastMs).toBe(2_100)
  age.look(2, 3_000)
  expect(age.look(2, 5_700)).toBeNull()
  expect(age.look(2, 6_000)).toBe(2_100)
})

test('without the kit’s clock it is when it was shown', () => {
  const age = new PictureAge()
  age.shown(1_250, null)
  age.look(1, 2_000)
  expect(age.look(1, 9_000)).toBe(1_250)
})

test('a kit whose clock began anew is not believed by the old one', () => {
  const age = new PictureAge()
  age.shown(100_000, 90_000_000)
  age.shown(200_000, 5_000_000)
  expect(age.lastMs).toBe(200_000)
  age.renew()
  age.shown(201_000, 7_000_000)
  expect(age.lastMs).toBe(201_000)
})

test('a page that was not seen was told of no picture: the count tells', () => {
  const age = new PictureAge()
  age.shown(1_000, null)
  expect(age.look(10, 1_500)).toBeNull()
  expect(age.look(40, 9_000)).toBeNull()
  expect(age.look(40, 13_000)).toBe(9_000)
})

test.each([
  [8_000, 8_000],
  [0, 20_000],
  [20_500, 20_000],
])('last word at %d, missed at 20 000: away since %d', (lastMs, since) => {
  expect(awaySince(lastMs, 20_000, 15_000)).toBe(since)
})
