import { expect, test } from 'vitest'
import { rememberedMute, rememberedPlace, rememberMute, rememberPlace } from '../../src/nurse/place'

function tab(kept: Record<string, string> = {}) {
  return { getItem: (key: string) => kept[key] ?? null, setItem: (key: string, value: string) => void (kept[key] = value), removeItem: (key: string) => void delete kept[key] }
}

test('a new tab, or one that remembers a place of another version, shows the day', () => {
  expect(rememberedPlace(tab())).toBe('today')
  expect(rememberedPlace(tab({ 'carebag.place': 'attic' }))).toBe('today')
})

test.each(['today', 'check', 'tray'] as const)('a reload in %s ends there', (place) => {
  const same = tab()
  rememberPlace(same, place)
  expect(rememberedPlace(same)).toBe(place)
})

test('a reload leaves the microphone off, in that visit only', () => {
  const same = tab()
  expect(rememberedMute(same, 'a')).toBe(false)
  rememberMute(same, 'a', true)
  expect(rememberedMute(same, 'a')).toBe(true)
  expect(rememberedMute(same, 'b')).toBe(false)
  rememberMute(same, 'a', false)
  expect(rememberedMute(same, 'a')).toBe(false)
})
