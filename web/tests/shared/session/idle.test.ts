import { expect, test } from 'vitest'
import { lockAlone, type Seen, tellNow, verdict } from '../../../src/shared/session/idle'

const IDLE = 900_000
const seen = (more: Partial<Seen>): Seen => ({ nowMs: 10_000_000, inputMs: 10_000_000, toldMs: 10_000_000, openMs: 10_000_000, idleMs: IDLE, ...more })

test('the hub is told of a hand, at most twice a minute, and not of nobody', () => {
  expect(tellNow(seen({ toldMs: 10_000_000 - 30_000, inputMs: 10_000_000 - 1 }))).toBe(true)
  expect(tellNow(seen({ toldMs: 10_000_000 - 29_999, inputMs: 10_000_000 - 1 }))).toBe(false)
  expect(tellNow(seen({ toldMs: 10_000_000 - 60_000, inputMs: 10_000_000 - 60_000 }))).toBe(false)
})

test('alone it locks after the same time, and only while the hub has not said otherwise', () => {
  expect(lockAlone(seen({ inputMs: 10_000_000 - IDLE, openMs: 10_000_000 - 60_000 }))).toBe(true)
  expect(lockAlone(seen({ inputMs: 10_000_000 - IDLE + 1, openMs: 0 }))).toBe(false)
  // in use in another window of the same person
  expect(lockAlone(seen({ inputMs: 0, openMs: 10_000_000 - 59_999 }))).toBe(false)
})

test('locked or over covers the page; somebody else gets nothing of it', () => {
  expect(verdict('a', { state: 'open', practitioner_id: 'a' })).toBe('open')
  expect(verdict('a', { state: 'locked', practitioner_id: 'a' })).toBe('locked')
  expect(verdict('a', { state: 'over', practitioner_id: 'a' })).toBe('locked')
  expect(verdict('', { state: 'locked', practitioner_id: 'a' })).toBe('locked')
  expect(verdict('a', { state: 'open', practitioner_id: 'b' })).toBe('leave')
  expect(verdict('a', { state: 'locked', practitioner_id: 'b' })).toBe('leave')
})
