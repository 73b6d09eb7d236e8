import { describe, expect, test } from 'vitest'
import golden from '../../../../tests/edge/live/sound_packets.json'
import { isGap, isSoundPacket, parsePacket, type SoundPacket } from '../../../src/shared/sound/packet'
import { readVitalsBlock } from '../../../src/shared/sound/vitalsBlock'

const bytes = (hex: string): ArrayBuffer =>
  new Uint8Array((hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16))).buffer

describe('the same golden bytes as the kit', () => {
  test.each(golden.good)('$name is read', (good) => {
    expect(isSoundPacket(bytes(good.hex))).toBe(true)
    const packet = parsePacket(bytes(good.hex)) as SoundPacket
    expect({ stream: packet.stream, rate: packet.rateHz, per: packet.chunkSamples }).toEqual({
      stream: good.stream,
      rate: good.rate_hz,
      per: good.chunk_samples,
    })
    const read = packet.chunks.map((chunk) => ({
      number: chunk.number,
      samples: chunk.samples === null ? null : [...chunk.samples],
      length: chunk.length,
      missing: [...(chunk.missing ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    }))
    expect(read).toEqual(good.chunks)
    const first = Math.max(0, ...good.chunks.map((chunk) => chunk.number))
    expect(packet.number).toBe(first)
    const more = good as { time_us?: number; state?: string }
    expect(packet.timeUs).toBe(more.time_us ?? 0)
    expect([...(packet.state ?? [])]).toEqual([...new Uint8Array(bytes(more.state ?? ''))])
  })

  test.each(golden.refused)('$name is refused with its reason', (bad) => {
    expect(parsePacket(bytes(bad.hex))).toEqual({ refused: bad.reason })
  })
})

test('any bytes are parsed or refused, never thrown', () => {
  let seed = 1
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return Math.floor((seed / 2147483648) * below)
  }
  for (let round = 0; round < 5000; round += 1) {
    const good = golden.good[random(golden.good.length)]
    const whole = new Uint8Array(bytes(good?.hex ?? ''))
    const data = random(3) === 0 ? whole.slice(0, random(700)) : whole
    for (let change = random(5); change > 0 && data.length > 0; change -= 1) data[random(data.length)] = random(256)
    const result = parsePacket(data.buffer)
    if ('refused' in result) continue
    expect(result.chunks.every((chunk) => chunk.length <= result.chunkSamples && chunk.number >= 0)).toBe(true)
    if (result.state !== null) readVitalsBlock(result.state)
  }
})

test('gaps are known sample by sample', () => {
  const gapped = golden.good.find((one) => one.name === 'a_chunk_with_a_gap')
  const packet = parsePacket(bytes(gapped?.hex ?? '')) as SoundPacket
  const chunk = packet.chunks[0]
  expect(chunk).toBeDefined()
  if (chunk) expect([...Array(10).keys()].filter((index) => isGap(chunk, index))).toEqual([2, 3, 8])
})
