import { describe, expect, test } from 'vitest'
import { ProofClock } from '../../../src/shared/sound/proofClock'

/** The kit's clock is `ahead` of the page's; a question travels `there`, the answer `back` (ms). */
function exchange(clock: ProofClock, time: { now: number }, ahead: number, there: number, back: number): void {
  const { id } = clock.ask()
  time.now += there
  const kit = time.now + ahead
  time.now += back
  clock.told(id, kit)
}

describe('the kit’s clock seen from here', () => {
  test('the quickest exchange counts, and its half is the error', () => {
    const time = { now: 1_000_000 }
    const clock = new ProofClock(() => time.now)
    expect(clock.here(5)).toBe(null)
    for (const [there, back] of [[40, 40], [300, 40], [38, 42], [40, 900]] as const) exchange(clock, time, -777, there, back)
    expect(clock.errorMs).toBe(41)
    expect(Math.abs((clock.here(1000) as number) - 1777)).toBeLessThanOrEqual(clock.errorMs)
  })

  test('the truth is never further off than is said, whichever way is slow', () => {
    for (const [there, back] of [[0, 80], [80, 0], [10, 70], [1, 1]] as const) {
      const time = { now: 50 }
      const clock = new ProofClock(() => time.now)
      exchange(clock, time, 12_345, there, back)
      expect(Math.abs((clock.here(12_345 + 99) as number) - 99)).toBeLessThanOrEqual(clock.errorMs)
    }
  })

  test('nonsense and repeats are dropped', () => {
    const time = { now: 0 }
    const clock = new ProofClock(() => time.now)
    clock.told(1, 5)
    const { id } = clock.ask()
    clock.told(id, 'soon')
    clock.told(String(id), 5)
    clock.told(id, Number.NaN)
    expect(clock.here(0)).toBe(null)
    clock.told(id, 5)
    expect(clock.here(5)).toBe(0)
    time.now = 100
    clock.told(id, 5)
    expect(clock.here(5)).toBe(0)
  })
})
