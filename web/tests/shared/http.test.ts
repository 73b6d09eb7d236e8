import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Api, Refused } from '../../src/shared/http'

/** The way to the hub, answered by hand. */
let sent: { path: string; answer: (status: number, body: unknown) => void }[] = []

beforeEach(() => {
  sent = []
  vi.useFakeTimers()
  vi.stubGlobal('fetch', (path: string) => new Promise((resolve) => {
    sent.push({ path, answer: (status, body) => resolve(new Response(JSON.stringify(body), { status })) })
  }))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('two presses that say the same are one, on the way and just after; both hear the answer', async () => {
  const api = new Api('doctor')
  const both = Promise.all([api.post('/api/x', { act: 'still' }), api.post('/api/x', { act: 'still' })])
  expect(sent.length).toBe(1)
  sent[0]?.answer(200, { id: 1 })
  expect(await both).toEqual([{ id: 1 }, { id: 1 }])
  expect(await api.post('/api/x', { act: 'still' })).toEqual({ id: 1 })
  expect(sent.length).toBe(1)
  vi.advanceTimersByTime(1000)
  void api.post('/api/x', { act: 'still' })
  expect(sent.length).toBe(2)
})

test('another act, another place, or the same after a refusal is sent', async () => {
  const api = new Api('doctor')
  const first = api.post('/api/x', { kind: 'crp' })
  void api.post('/api/x', { kind: 'oximetry' })
  void api.post('/api/y', { kind: 'crp' })
  expect(sent.map(({ path }) => path)).toEqual(['/api/x', '/api/x', '/api/y'])
  sent[0]?.answer(409, { code: 'kit_away' })
  await expect(first).rejects.toEqual(new Refused('kit_away', 409))
  void api.post('/api/x', { kind: 'crp' })
  expect(sent.length).toBe(4)
})

test('what is used up by what follows is asked for each time', () => {
  const api = new Api('doctor')
  void api.postAnew('/api/x')
  void api.postAnew('/api/x')
  expect(sent.length).toBe(2)
})
