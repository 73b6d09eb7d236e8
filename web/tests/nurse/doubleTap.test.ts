import { expect, test } from 'vitest'
import { DoubleTap, type Tap } from '../../src/nurse/doubleTap'

const tap = (change: Partial<Tap> = {}): Tap => ({ x: 100, y: 200, atMs: 1000, on: 'begin', ...change })

function after(first: Tap): DoubleTap {
  const guard = new DoubleTap()
  guard.took(first)
  return guard
}

test('what came under the finger between two taps takes none', () => {
  expect(after(tap()).slips(tap({ on: 'decline', atMs: 1200, x: 110 }))).toBe(true)
})

test('the same thing may well be tapped twice: breaths, digits', () => {
  expect(after(tap()).slips(tap({ atMs: 1200 }))).toBe(false)
})

test.each([
  ['elsewhere', { x: 130, atMs: 1200 }],
  ['later', { atMs: 1500 }],
  ['a label that passes its click on', { atMs: 1000 }],
])('another act: %s', (_, change) => {
  expect(after(tap()).slips(tap({ on: 'decline', ...change }))).toBe(false)
})

test('after typing it is another act', () => {
  const guard = after(tap())
  guard.over()
  expect(guard.slips(tap({ on: 'decline', atMs: 1200 }))).toBe(false)
  expect(new DoubleTap().slips(tap())).toBe(false)
})
