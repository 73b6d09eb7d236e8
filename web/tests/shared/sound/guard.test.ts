import { expect, test } from 'vitest'
import { CEILING, Guard } from '../../../src/shared/sound/guard'

const RATE = 4000
const AHEAD = 12

function random(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

test('what is below the ceiling passes untouched, a few milliseconds later', () => {
  const guard = new Guard(RATE)
  const tone = Float64Array.from({ length: 4000 }, (_, at) => 0.97 * Math.sin(at / 7))
  const out = tone.map((value) => guard.step(value))
  // the waiting line holds 32-bit numbers, as every audio block does
  expect([...out.slice(AHEAD)]).toEqual([...tone.slice(0, -AHEAD)].map(Math.fround))
  expect(guard.reducedDb).toBe(0)
})

test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))('nothing ever comes out louder than the ceiling (%i)', (seed) => {
  const guard = new Guard(RATE)
  const next = random(seed)
  let most = 0
  for (let at = 0; at < 40_000; at += 1) {
    const burst = next() < 0.002 ? 40 * next() : 1
    most = Math.max(most, Math.abs(guard.step((next() * 2 - 1) * burst)))
  }
  expect(most).toBeLessThanOrEqual(CEILING + 1e-6)
})

test('a peak keeps its shape: it is turned down before it comes, evenly', () => {
  const guard = new Guard(RATE)
  const input = Float64Array.from({ length: 800 }, (_, at) => 3 * Math.sin((2 * Math.PI * 40 * at) / RATE))
  const out = input.map((value) => guard.step(value))
  const cut = out.filter((value) => Math.abs(Math.abs(value) - CEILING) < 1e-3).length
  // a clipper would hold 78 % of these samples at the ceiling
  expect(cut / out.length).toBeLessThan(0.15)
  expect(guard.reducedDb).toBeCloseTo(20 * Math.log10(3 / CEILING), 1)
})

test('it lets go slowly, after longer than a heart beat', () => {
  const guard = new Guard(RATE)
  guard.step(2)
  for (let at = 0; at < 2 * RATE; at += 1) guard.step(0.1)
  expect(guard.reducedDb).toBeCloseTo(6.2, 1)
  for (let at = 0; at < RATE; at += 1) guard.step(0.1)
  expect(guard.reducedDb).toBeCloseTo(3.2, 1)
  for (let at = 0; at < RATE; at += 1) guard.step(0.1)
  expect(guard.reducedDb).toBe(0)
})
