import { describe, expect, test } from 'vitest'
import golden from '../../../../tests/edge/live/sound_packets.json'
import { parsePacket, type SoundPacket } from '../../../src/shared/sound/packet'
import { NewestVitals, readVitalsBlock } from '../../../src/shared/sound/vitalsBlock'

function stateOf(name: string): Uint8Array {
  const hex = golden.good.find((one) => one.name === name)?.hex ?? ''
  const data = new Uint8Array((hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16))).buffer
  return (parsePacket(data) as SoundPacket).state ?? new Uint8Array()
}

test('the block that the kit wrote is the message that it copied', () => {
  expect(readVitalsBlock(stateOf('rice_with_state'))).toEqual({
    type: 'live_vitals',
    seq: 70_000,
    state: 'live',
    since: '2026-11-26T14:00:00.250Z',
    spo2_percent: '97',
    pulse_per_min: '64.5',
    problem: null,
    measured_at: '2026-11-26T14:01:02.003Z',
    device_id: 'oximeter-1',
    pleth: [],
  })
})

test('what is unknown or damaged is dropped, never thrown', () => {
  expect(readVitalsBlock(stateOf('state_of_an_unknown_form'))).toBeNull()
  const good = stateOf('rice_with_state')
  for (let length = 0; length < good.length; length += 1) expect(readVitalsBlock(good.slice(0, length))).toBeNull()
  expect(readVitalsBlock(Uint8Array.of(...good, 0))).toBeNull()
  for (let at = 0; at < good.length; at += 1) {
    for (const value of [0, 1, 4, 128, 255]) {
      const damaged = good.slice()
      damaged[at] = value
      const read = readVitalsBlock(damaged)
      if (read !== null) expect(Number.isNaN(Date.parse(read.since))).toBe(false)
    }
  }
})

describe('the newest wins', () => {
  const order = (...packets: [seq: number, timeUs: number][]): boolean[] => {
    const newest = new NewestVitals()
    return packets.map(([seq, timeUs]) => newest.take(seq, timeUs))
  }

  test('a packet that was overtaken changes nothing, nor does the same again', () => {
    expect(order([1, 1000], [3, 3000], [2, 2000], [3, 4000], [4, 5000])).toEqual([true, true, false, false, true])
  })

  test('a kit that was started anew counts from one again', () => {
    expect(order([900, 5_000_000], [1, 9_000_000], [900, 5_000_000], [2, 9_200_000])).toEqual([true, true, false, true])
  })

  test('after a boot its clock is back at zero too', () => {
    expect(order([900, 5_000_000_000], [1, 20_000_000], [2, 20_100_000])).toEqual([true, true, true])
  })
})
