import { expect, test } from 'vitest'
import { Arrival } from '../../src/guest/arrival'

test('sound is there from its first packet until it has been quiet for a while', () => {
  const arrival = new Arrival()
  expect(arrival.look(0, 0)).toBe(false)
  expect(arrival.look(3, 500)).toBe(true)
  expect(arrival.look(3, 1900)).toBe(true)
  expect(arrival.look(3, 2000)).toBe(false)
  expect(arrival.look(4, 2500)).toBe(true)
})

test('another connection counts anew', () => {
  const arrival = new Arrival()
  arrival.look(500, 0)
  expect(arrival.look(0, 2000)).toBe(false)
  expect(arrival.look(2, 2500)).toBe(true)
})
