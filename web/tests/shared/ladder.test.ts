import { describe, expect, it } from 'vitest'
import { type ConsoleSees, dialled, ladderForConsole, needsWords, rungShown } from '../../src/shared/ladder'
import type { Ladder } from '../../src/shared/wire'

const SINCE = Date.parse('2026-11-26T10:00:00Z')
const live: Ladder = { rung: 'live', why: '', since: '2026-11-26T09:00:00Z', telephone: '08-465 004 10' }
const sees = (over: Partial<ConsoleSees>): ConsoleSees => ({
  ladder: live,
  kitOnline: true,
  kitSinceMs: SINCE,
  linked: true,
  lostAtMs: 0,
  telephone: '070-174 06 20',
  nowMs: SINCE + 100_000,
  ...over,
})

describe('the ladder at the console', () => {
  it('is what the kit says, with the number that this side calls', () => {
    expect(ladderForConsole(sees({}))).toEqual({ ...live, telephone: '070-174 06 20' })
    expect(ladderForConsole(sees({ ladder: null }))).toBeNull()
  })

  it('believes picture and sound that still flow more than the hub', () => {
    expect(ladderForConsole(sees({ kitOnline: false }))?.rung).toBe('live')
  })

  it('goes down by itself when nobody hears of the kit', () => {
    const away = (ms: number): string | undefined => ladderForConsole(sees({ kitOnline: false, linked: false, nowMs: SINCE + ms }))?.rung
    expect(away(5000)).toBe('live')
    expect(away(6000)).toBe('store_and_forward')
    expect(away(44_000)).toBe('store_and_forward')
    expect(away(45_000)).toBe('telephone')
  })

  it('goes down when picture and sound are lost, though the hub still hears of the kit', () => {
    const lost = { linked: false, lostAtMs: SINCE, kitSinceMs: SINCE - 900_000 }
    expect(ladderForConsole(sees({ ...lost, nowMs: SINCE + 5000 }))?.rung).toBe('live')
    expect(ladderForConsole(sees({ ...lost, nowMs: SINCE + 6000 }))).toMatchObject({ rung: 'store_and_forward', why: 'no_path', since: '2026-11-26T10:00:00.000Z' })
    // the hub notices later: it is the first loss that counts
    expect(ladderForConsole(sees({ ...lost, kitOnline: false, kitSinceMs: SINCE + 30_000, nowMs: SINCE + 46_000 }))?.rung).toBe('telephone')
  })

  it('says since when, also of a kit that never spoke of a ladder', () => {
    const ladder = ladderForConsole(sees({ ladder: null, kitOnline: false, linked: false }))
    expect(ladder).toEqual({ rung: 'telephone', why: 'hub_away', since: '2026-11-26T10:00:00.000Z', telephone: '070-174 06 20' })
  })

  it('speaks up only where something is missing', () => {
    expect(needsWords(null)).toBe(false)
    expect(needsWords(live)).toBe(false)
    expect(needsWords({ ...live, rung: 'sound_and_vitals' })).toBe(true)
  })

  it('claims nothing while the hub does not answer', () => {
    expect(rungShown(live, false)).toBe('live')
    expect(rungShown(live, true)).toBe('hub_away')
    expect(rungShown({ ...live, rung: 'telephone' }, true)).toBe('telephone')
    expect(rungShown(null, true)).toBeUndefined()
  })

  it('dials digits', () => {
    expect(dialled('070-174 06 20')).toBe('0701740620')
    expect(dialled('+46 (0)8 465')).toBe('+4608465')
  })
})
