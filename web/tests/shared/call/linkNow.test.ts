import { expect, test } from 'vitest'
import { type LinkTold, linkNow, ofThoseHere, ownLinkNow } from '../../../src/shared/call/linkNow'
import type { LinkQuality, Participant } from '../../../src/shared/wire'

const GOOD: LinkQuality = { word: 'good', why: '', loss_percent: 0, rtt_ms: 20, jitter_ms: 2, kbit_s: 500 }
const told: LinkTold = { quality: GOOD, atMs: 1000 }
const HEARD = { heard: true }

test('a word holds while it is said anew', () => {
  expect(linkNow(undefined, 1000, HEARD)).toBe('measuring')
  expect(linkNow(told, 1000, HEARD)).toBe(GOOD)
  expect(linkNow(told, 11_000, HEARD)).toBe(GOOD)
  expect(linkNow(told, 11_001, HEARD)).toBe('lost')
  expect(linkNow({ ...told, atMs: 11_500 }, 12_000, HEARD)).toBe(GOOD)
})

test('whom the page knows to be away has no good connection, however fresh the word', () => {
  expect(linkNow(told, 1500, { heard: true, reached: false })).toBe('lost')
  expect(linkNow(undefined, 1500, { heard: true, reached: false })).toBe('lost')
})

test('a page that hears of nobody says nothing of the others', () => {
  expect(linkNow(told, 5000, { heard: false })).toBe(GOOD)
  expect(linkNow(told, 60_000, { heard: false })).toBe('unknown')
  expect(linkNow(undefined, 60_000, { heard: false })).toBe('unknown')
  expect(linkNow(told, 5000, { heard: false, reached: false })).toBe('lost')
})

test('whose call lives is not lost, only not heard of', () => {
  expect(linkNow(told, 60_000, { heard: true, seen: true })).toBe('unknown')
  expect(linkNow(told, 1500, { heard: true, seen: true })).toBe(GOOD)
  expect(linkNow(undefined, 1500, { heard: true, seen: true })).toBe('measuring')
  expect(linkNow(told, 60_000, { heard: true, reached: false, seen: true })).toBe('unknown')
})

test('its own connection is lost only where nothing at all is heard', () => {
  expect(ownLinkNow(GOOD, false)).toBe(GOOD)
  expect(ownLinkNow(null, true)).toBe('measuring')
  expect(ownLinkNow(null, false)).toBe('lost')
})

test('who left is forgotten, and measured anew', () => {
  const here = [{ id: 'kit:a' }, { id: 'nurse:a' }] as Participant[]
  expect(ofThoseHere({ 'kit:a': told, 'guest:b': told }, here)).toEqual({ 'kit:a': told })
})
