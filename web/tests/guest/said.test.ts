import { describe, expect, test } from 'vitest'
import { cameraWord, type Seen, soundWord } from '../../src/guest/said'

const SHOWN: Seen = { distrusted: false, full: false, link: 'connected', own: true, picture: true, old: false, back: false, frozen: false, kitHere: true, passedOn: false }
const NEVER: Seen = { ...SHOWN, own: false, picture: false, link: 'waiting' }

describe('the picture', () => {
  test('is lost only if there was one', () => {
    expect(cameraWord({ ...SHOWN, link: 'interrupted' })).toBe('lost')
    expect(cameraWord({ ...SHOWN, link: 'rejoining', old: true })).toBe('lost')
    for (const link of ['interrupted', 'rejoining', 'connecting', 'waiting'] as const) expect(cameraWord({ ...NEVER, link })).toBe('connecting')
    expect(cameraWord({ ...NEVER, own: true, link: 'interrupted' })).toBe('connecting')
  })

  test('that stands still says so, unless it is lost', () => {
    expect(cameraWord({ ...SHOWN, frozen: true })).toBe('frozen')
    expect(cameraWord({ ...SHOWN, frozen: true, passedOn: true, own: false })).toBe('frozen')
    expect(cameraWord({ ...SHOWN, frozen: true, link: 'interrupted' })).toBe('lost')
    expect(cameraWord({ ...NEVER, frozen: true, link: 'connected' })).toBe('waiting')
  })

  test('comes once there is a connection, and is away with the kit', () => {
    expect(cameraWord({ ...NEVER, link: 'connected' })).toBe('waiting')
    expect(cameraWord({ ...NEVER, kitHere: false })).toBe('away')
    expect(cameraWord({ ...NEVER, kitHere: false, passedOn: true })).toBe('waiting')
  })

  test('of a doctor’s page is not lost with the connection to the kit', () => {
    expect(cameraWord({ ...SHOWN, own: false, passedOn: true, link: 'interrupted' })).toBe('live')
  })

  test('what forbids it stands before the rest', () => {
    expect(cameraWord({ ...SHOWN, distrusted: true, full: true })).toBe('distrust')
    expect(cameraWord({ ...SHOWN, full: true, old: true })).toBe('full')
    expect(cameraWord({ ...SHOWN, old: true, back: true })).toBe('old')
    expect([cameraWord({ ...SHOWN, back: true }), cameraWord(SHOWN)]).toEqual(['back', 'live'])
  })
})

test('sound is promised only over a connection', () => {
  expect(soundWord(false, 'connected')).toBe('none')
  for (const link of ['waiting', 'connecting', 'interrupted', 'rejoining'] as const) expect(soundWord(false, link)).toBe('away')
  expect(soundWord(true, 'connected')).toBe('now')
})
