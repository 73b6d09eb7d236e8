import { describe, expect, it } from 'vitest'
import { groundOf, isReason, lasts, minutesLeft } from '../../src/doctor/earlier'
import type { EarlierAccess } from '../../src/shared/wire'

const AT = Date.parse('2026-11-23T09:30:00Z')
const none: EarlierAccess = { visit_id: '1', same_provider: false, consent: null, emergency: null, blocked: false, blocked_by: [] }
const consent = { asked_by: 'doctor', how: 'spoken', recorded_by: 'E', at: '2026-11-23T09:00:00Z', valid_until: '2026-11-23T09:30:01Z' } as const
const emergency = { reason: 'unconscious', at: '2026-11-23T09:00:00Z', expires_at: '2026-11-23T10:00:00Z' }

describe('the ground on which earlier visits are open', () => {
  it.each([
    [null, 'none'],
    [none, 'none'],
    [{ ...none, blocked: true }, 'none'],
    [{ ...none, same_provider: true }, 'same_provider'],
    [{ ...none, consent }, 'consent'],
    [{ ...none, emergency }, 'emergency'],
    [{ ...none, consent, emergency }, 'consent'],
  ])('%#', (access, ground) => expect(groundOf(access, AT)).toBe(ground))

  it('ends with its time, not a moment later', () => {
    expect(groundOf({ ...none, consent }, AT + 1000)).toBe('none')
    expect(groundOf({ ...none, consent, emergency }, AT + 1000)).toBe('emergency')
    expect(groundOf({ ...none, emergency }, Date.parse(emergency.expires_at))).toBe('none')
  })

  it('shows the emergency as long as it lasts, whatever else is open', () => {
    expect(lasts({ ...none, consent, emergency }, AT)).toBe(true)
    expect(lasts(none, AT)).toBe(false)
    expect(lasts(null, AT)).toBe(false)
  })
})

it('counts begun minutes and never below none', () => {
  expect(minutesLeft(emergency.expires_at, AT)).toBe(30)
  expect(minutesLeft(emergency.expires_at, AT + 1)).toBe(30)
  expect(minutesLeft(emergency.expires_at, Date.parse(emergency.expires_at) - 1)).toBe(1)
  expect(minutesLeft(emergency.expires_at, Date.parse(emergency.expires_at) + 60_000)).toBe(0)
})

it('asks for a reason that says something', () => {
  expect([' ', 'nöd', '  nöd   ', '..........', 'n ö d 1234', 'nödfall'].map(isReason)).toEqual([false, false, false, false, false, true])
})
