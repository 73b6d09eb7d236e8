import { describe, expect, test } from 'vitest'
import { Stall, type Pace } from '../../../src/shared/sound/stall'

/** Packets every 15 ms, of which those from 300 ms on come by `way`: [time, behind the quickest]. */
function paces(way: (sentMs: number) => number, seconds = 1, stall = new Stall(), from = 0): Pace[] {
  const found: Pace[] = []
  for (let sent = from; sent < from + seconds * 1000; sent += 15) found.push(stall.came(way(sent), way(sent) - sent))
  return found
}
const heldUntil = (from: number, ms: number) => (sent: number) => (sent >= from && sent < from + ms ? from + ms : sent)

describe('a stall', () => {
  test('is on from the first packet after the silence until what was held up has been caught up', () => {
    const found = paces(heldUntil(300, 300))
    expect(found.filter((pace) => pace === 'stall').length).toBe(18)
    expect(found.indexOf('stall')).toBe(20)
    expect(found.slice(38).every((pace) => pace === 'steady')).toBe(true)
  })

  test('is caught up slowly by a busy processor, and still one', () => {
    const slowly = (sent: number): number => (sent < 300 ? sent : Math.max(sent, 600 + (sent - 300) / 2))
    const found = paces(slowly)
    expect(found.filter((pace) => pace === 'stall').length).toBeGreaterThan(30)
    expect(found).not.toContain('way')
  })

  test('is none when nothing is caught up: then the way is longer, and that is said once', () => {
    const found = paces((sent) => (sent < 300 ? sent : sent + 150))
    expect(found.filter((pace) => pace === 'way').length).toBe(1)
    expect(found.indexOf('way') - found.indexOf('stall')).toBe(14)
  })

  test('is none when packets were lost and the next one is in time', () => {
    const stall = new Stall()
    const sent = Array.from({ length: 60 }, (_, number) => number * 15).filter((one) => one < 300 || one >= 500)
    expect(sent.map((one) => stall.came(one, 0))).not.toContain('stall')
  })

  test('is none when it was short', () => {
    expect(paces(heldUntil(300, 60))).not.toContain('stall')
  })

  test('is a thing of the moment while there are few of them, and waited for while there are many', () => {
    const stall = new Stall()
    const after = (from: number): number => {
      paces(heldUntil(from + 300, 300), 1, stall, from)
      return Math.round(stall.needsMs(from + 1000))
    }
    expect([0, 5000, 10_000, 15_000].map(after)).toEqual([0, 0, 0, 300])
    // until but one is left of them
    expect([20_000, 40_000, 40_700, 45_700].map((at) => Math.round(stall.needsMs(at)))).toEqual([300, 300, 0, 0])
  })

  test('that took longest does not rule: half of them are waited for', () => {
    const stall = new Stall()
    for (const [place, ms] of [100, 140, 160, 300].entries()) paces(heldUntil(5000 * place + 300, ms), 1, stall, 5000 * place)
    expect(stall.needsMs(16_000)).toBeLessThan(180)
    expect(stall.needsMs(16_000)).toBeGreaterThan(130)
  })

  test('the first packet of all is none', () => {
    expect(new Stall().came(5000, 400)).toBe('steady')
  })
})
