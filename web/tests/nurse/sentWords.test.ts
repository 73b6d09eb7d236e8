import { expect, test } from 'vitest'
import { oldestUnsent, sentWords } from '../../src/nurse/sentWords'

test('all is sent only when nothing waits and nothing is damaged', () => {
  expect(sentWords({ unsent: 0 })[0]).toBe('net.unsent.none')
  expect(sentWords({ unsent: 0, damaged: 0 })[0]).toBe('net.unsent.none')
  expect(sentWords({ unsent: 0, damaged: 2 })).toEqual(['net.unsent.lost', { n: 2 }])
  expect(sentWords({ unsent: 3, damaged: 2 })).toEqual(['net.unsent', { n: 3 }])
})

test('how old the oldest is, once it waits for a minute', () => {
  const nowMs = Date.parse('2026-11-23T09:05:00Z')
  const at = (oldest_unsent_at: string | null, unsent = 2): string | undefined => oldestUnsent({ unsent, oldest_unsent_at }, nowMs)
  expect(at('2026-11-23T09:04:30Z')).toBeUndefined()
  expect(at('2026-11-23T09:04:00Z')).toBe('2026-11-23T09:04:00Z')
  expect(at('2026-11-23T09:00:00Z', 0)).toBeUndefined()
  expect(at(null)).toBeUndefined()
})
