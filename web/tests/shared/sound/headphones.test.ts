import { describe, expect, test } from 'vitest'
import { type AudioEnd, callMode } from '../../../src/shared/sound/headphonesCallMode'
import { HeadphoneCheck, type HeadphoneResult, judged, type Place, TONES_HZ } from '../../../src/shared/sound/headphonesCheck'
import { remember, remembered, type Remembered } from '../../../src/shared/sound/headphonesMemory'

/** Someone who hears tones down to a frequency, and each ear's tone at a place. */
function check(downToHz: number, left: Place = 'left', right: Place = 'right', guesses = 0): HeadphoneResult {
  const one = new HeadphoneCheck()
  expect(one.tone).toBe(null)
  one.place(left)
  expect(one.ear).toBe('right')
  one.place(right)
  for (let count = 0; count < guesses; count += 1) one.guessed()
  while (one.tone !== null) {
    expect(one.result).toBe(null)
    if (one.tone >= downToHz) one.heard()
    else one.missed()
  }
  return one.result as HeadphoneResult
}

describe('the check', () => {
  test.each([...TONES_HZ])('finds that %i Hz is the deepest tone heard', (hz) => {
    expect(check(hz)).toEqual({ lowestHz: hz, left: 'left', right: 'right', unsure: false })
  })

  test('one miss is forgiven, two are not', () => {
    const one = new HeadphoneCheck()
    one.place('left')
    one.place('right')
    one.missed()
    expect(one.tone).toBe(150)
    one.heard()
    one.missed()
    one.missed()
    expect(one.result?.lowestHz).toBe(150)
    one.heard()
    expect(one.result?.lowestHz).toBe(150)
  })

  test.each([
    [check(20), 'deep'],
    [check(40), 'deep'],
    [check(60), 'shallow'],
    [check(150), 'shallow'],
    [check(1000), 'shallow'],
    [check(20, 'both', 'both'), 'deep'],
    [check(20, 'right', 'left'), 'swapped'],
    [check(20, 'left', 'nowhere'), 'one_ear'],
    [check(20, 'left', 'right', 2), 'deep'],
    [check(20, 'left', 'right', 3), 'unsure'],
  ] as const)('%o is %s', (result, word) => {
    expect(judged(result)).toBe(word)
  })
})

describe('the memory', () => {
  const store = (kept: string | null = null) => {
    let text = kept
    return { getItem: () => text, setItem: (_key: string, value: string) => void (text = value) }
  }
  const result = (device: string, lowestHz: 20 | 60 = 20): Remembered => ({
    device,
    lowestHz,
    left: 'left',
    right: 'right',
    unsure: false,
    at: '2026-11-26T14:00:00.000Z',
  })

  test('one result for each device, the last one', () => {
    const kept = store()
    remember(result('Headphones'), kept)
    remember(result('Loudspeaker', 60), kept)
    remember(result('Headphones', 60), kept)
    expect(remembered('Headphones', kept)).toEqual(result('Headphones', 60))
    expect(remembered('Loudspeaker', kept)?.lowestHz).toBe(60)
    expect(remembered('', kept)).toBe(null)
  })

  test('only so many', () => {
    const kept = store()
    for (let number = 0; number < 20; number += 1) remember(result(`device ${number}`), kept)
    expect(remembered('device 11', kept)).toBe(null)
    expect(remembered('device 19', kept)).not.toBe(null)
  })

  test.each(['', '{', 'null', '{}', '[null, 5, {}]', JSON.stringify([{ ...result('x'), at: 'never' }]), JSON.stringify([{ ...result('x'), lowestHz: 21 }])])(
    'what cannot be read is as if it were not there: %s',
    (text) => expect(remembered('x', store(text))).toBe(null),
  )

  test('a browser that keeps nothing is no fault', () => {
    const full = {
      getItem: (): string => {
        throw new DOMException('no', 'SecurityError')
      },
      setItem: (): void => {
        throw new DOMException('full', 'QuotaExceededError')
      },
    }
    remember(result('x'), full)
    expect(remembered('x', full)).toBe(null)
  })
})

describe('call mode', () => {
  const end = (label: string, rateHz = 48_000, groupId = 'a'): AudioEnd => ({ label, groupId, rateHz })
  const builtIn = end('Microphone (Realtek Audio)', 48_000, 'b')

  test.each([
    [end('Headset (WH-1000XM3 Hands-Free AG Audio)'), null, 'certain'],
    [end('Headset (WH-1000XM3 Hands-Free)'), builtIn, 'certain'],
    [end('WH-1000XM4 Headset Head Unit (HSP/HFP)'), null, 'certain'],
    [end('Headphones', 16_000), builtIn, 'certain'],
    [end('', 8000), null, 'certain'],
    [end('AirPods Pro', 24_000), builtIn, 'likely'],
    [end('Headset (WH-1000XM5) (Bluetooth)'), end('Headset (WH-1000XM5) (Bluetooth)'), 'likely'],
    [end('Headphones (Buds2 Stereo)'), end('Headset (Buds2 Hands-Free AG Audio)', 16_000), 'likely'],
    [end('Headset'), end('Headset', 16_000), 'likely'],
    [end('Headphones (WH-1000XM3 Stereo)'), builtIn, 'no'],
    [end('AirPods Pro'), builtIn, 'no'],
    [end('Headset (Jabra USB)'), end('Headset (Jabra USB)'), 'no'],
    [end('Speakers (Realtek Audio)'), null, 'no'],
    [end('', 48_000, ''), { label: '', groupId: '', rateHz: 0 }, 'no'],
    [end('', 0, ''), null, 'no'],
  ] as const)('%o with %o: %s', (output, microphone, mode) => {
    expect(callMode(output, microphone)).toBe(mode)
  })
})
