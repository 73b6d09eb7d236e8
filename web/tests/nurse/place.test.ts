import { expect, test } from 'vitest'
import { rememberedPlace, rememberPlace } from '../../src/nurse/place'

function tab(kept: Record<string, string> = {}) {
  return { getItem: (key: string) => kept[key] ?? null, setItem: (key: string, value: string) => void (kept[key] = value) }
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
