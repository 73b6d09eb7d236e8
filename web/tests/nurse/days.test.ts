import { describe, expect, it } from 'vitest'
import { daysOf, isOfAnotherDay } from '../../src/nurse/days'
import type { VisitHead } from '../../src/shared/wire'

const local = (day: number, hour: number): string => new Date(2026, 10, day, hour).toISOString()
const visit = (id: string, scheduled_at: string, over: Partial<VisitHead> = {}): VisitHead => ({ id, scheduled_at, state: 'planned', opened_at: null, closed_at: null, ...over }) as VisitHead
const shown = (visits: VisitHead[], now = local(27, 9)): [string, string, string[]][] => daysOf(visits, now).map((one) => [one.kind, one.day, one.visits.map((each) => each.id)])

describe('the visits of the bag', () => {
  it('are todays first, then the days ahead, last the days before', () => {
    const visits = [visit('tomorrow', local(28, 8)), visit('before', local(26, 8)), visit('later', local(27, 15)), visit('now', local(27, 9)), visit('third', local(29, 8))]
    expect(shown(visits)).toEqual([
      ['today', '2026-11-27', ['now', 'later']],
      ['ahead', '2026-11-28', ['tomorrow']],
      ['ahead', '2026-11-29', ['third']],
      ['before', '2026-11-26', ['before']],
    ])
  })

  it('say that there is none today', () => {
    expect(shown([visit('tomorrow', local(28, 8))])).toEqual([
      ['today', '2026-11-27', []],
      ['ahead', '2026-11-28', ['tomorrow']],
    ])
  })

  it('are todays when they are open or were touched today, whenever they were planned', () => {
    const open = visit('open', local(26, 8), { state: 'open', opened_at: local(26, 8) })
    const closed = visit('closed', local(26, 23), { state: 'closed', opened_at: local(26, 23), closed_at: local(27, 1) })
    const early = visit('early', local(28, 8), { state: 'closed', opened_at: local(27, 8), closed_at: local(27, 9) })
    const old = visit('old', local(26, 8), { state: 'closed', opened_at: local(26, 8), closed_at: local(26, 9) })
    expect(shown([open, closed, early, old])).toEqual([
      ['today', '2026-11-27', ['open', 'closed', 'early']],
      ['before', '2026-11-26', ['old']],
    ])
  })
})

describe('a visit of another day', () => {
  const at = (day: number, hour: number): number => new Date(local(day, hour)).getTime()

  it('is said to be one, but not across midnight', () => {
    expect(isOfAnotherDay(visit('a', local(28, 9)), at(27, 9))).toBe(true)
    expect(isOfAnotherDay(visit('a', local(26, 9)), at(27, 9))).toBe(true)
    expect(isOfAnotherDay(visit('a', local(27, 22)), at(27, 9))).toBe(false)
    expect(isOfAnotherDay(visit('a', local(28, 1)), at(27, 23))).toBe(false)
    expect(isOfAnotherDay(visit('a', local(28, 4)), at(27, 23))).toBe(true)
    expect(isOfAnotherDay(visit('a', local(28, 9), { state: 'open' }), at(27, 9))).toBe(false)
  })
})
