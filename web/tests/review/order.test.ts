import { expect, test } from 'vitest'
import { newestFirst, shownTime } from '../../src/review/order'

const at = (scheduled: string, opened: string | null = null): { scheduled_at: string; opened_at: string | null } => ({ scheduled_at: `2026-11-27T${scheduled}:00Z`, opened_at: opened && `2026-11-27T${opened}:00Z` })

test('the list stands in the order of the times that it shows, newest on top', () => {
  const visits = [at('06:30', '05:48'), at('07:00'), at('08:15'), at('04:00', '07:30')]
  const shown = newestFirst(visits).map((visit) => shownTime(visit).slice(11, 16))
  expect(shown).toEqual(['08:15', '07:30', '07:00', '05:48'])
  expect(visits[0]).toEqual(at('06:30', '05:48'))
})
