import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { digest, ExactSound, GAP, type Heard, type Verdict } from '../../../src/shared/sound/stream'

const RATE = 4000
const PER = 80

/** One packet in the kit's layout; a number below zero stands for a chunk that never reached the kit. */
function packet(stream: number, ...numbers: number[]): ArrayBuffer {
  const parts: number[] = [0x43, 0x42, 0x53, 0x31, 0, 0, 0, 0, 0, 0, 0, stream, 0, 0, 0x0f, 0xa0, 0, PER, numbers.length]
  for (const number of numbers) {
    const real = Math.abs(number)
    parts.push(0, 0, real >> 8, real & 255, 0, PER, number < 0 ? 1 : 0)
    if (number >= 0) for (const sample of pcm(number)) parts.push(sample & 255, (sample >> 8) & 255)
  }
  return new Uint8Array(parts).buffer
}
const pcm = (number: number): number[] => Array.from({ length: PER }, (_, index) => ((number * PER + index) % 9000) - 4500)
const sha = (numbers: number[]): Promise<string> =>
  digest(Int16Array.from(numbers.flatMap((number) => (number < 0 ? Array<number>(PER).fill(0) : pcm(number)))))

test('the digest is SHA-256 over little-endian PCM16', async () => {
  // the two bytes "ab"
  expect(await digest(Int16Array.of(0x6261))).toBe('fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603')
})

let clock = 0
let asked: number[][] = []
let verdicts: [Verdict, Heard | null][] = []
let sound: ExactSound
const settled = (): Promise<Verdict> => vi.waitFor(() => {
  if (sound.verdict === 'checking' || sound.verdict === 'listening') throw new Error('not yet')
  return sound.verdict
})

beforeEach(() => {
  clock = 0
  asked = []
  verdicts = []
  sound = new ExactSound({
    ask: (message) => asked.push((message as { chunks: number[] }).chunks) > 0,
    onVerdict: (verdict, heard) => verdicts.push([verdict, heard]),
    now: () => clock,
  })
  sound.close()
})
afterEach(() => sound.close())

describe('verdict', () => {
  test('everything came: verified', async () => {
    for (let number = 0; number < 10; number += 1) sound.take(packet(1, number), 'live')
    sound.end({ stream: 1, samples: 10 * PER, gaps: [], sha256: await sha([...Array(10).keys()]) })
    expect(await settled()).toBe('verified')
    expect(verdicts.at(-1)?.[1]).toMatchObject({ stream: 1, samples: 800, missing: 0, repaired: 0 })
  })

  test('another digest: differs', async () => {
    sound.take(packet(1, 0), 'live')
    sound.end({ stream: 1, samples: PER, gaps: [], sha256: await sha([1]) })
    expect(await settled()).toBe('differs')
  })

  test('a gap of the kit is zero in the digest and known as a gap', async () => {
    sound.take(packet(1, 0, -1, 2), 'live')
    sound.end({ stream: 1, samples: 3 * PER, gaps: [[PER, PER]], sha256: await sha([0, -1, 2]) })
    expect(await settled()).toBe('verified')
    expect(sound.gaps).toBe(PER)
    expect(sound.known[PER]).toBe(GAP)
  })

  test('what cannot be had again: gaps, after a while', async () => {
    sound.take(packet(1, 0, 2), 'live')
    sound.end({ stream: 1, samples: 3 * PER, gaps: [], sha256: await sha([0, 1, 2]) })
    expect(sound.verdict).toBe('checking')
    clock = 20_000
    sound.tick()
    expect(await settled()).toBe('gaps')
    expect(verdicts.at(-1)?.[1]?.missing).toBe(PER)
  })

  test('what the kit says it no longer has is not waited for', async () => {
    sound.here({ stream: 1, rate_hz: RATE, chunk_samples: PER, oldest_chunk: 5, next_chunk: 5 })
    for (let number = 5; number < 10; number += 1) sound.take(packet(1, number), 'live')
    sound.end({ stream: 1, samples: 10 * PER, gaps: [], sha256: await sha([...Array(10).keys()]) })
    expect(await settled()).toBe('gaps')
    expect(asked).toEqual([])
  })
})

describe('repair', () => {
  test('holes are asked for, again after a while, until they come', async () => {
    for (const number of [0, 1, 4, 5, 6]) sound.take(packet(1, number), 'live')
    sound.tick()
    sound.tick()
    expect(asked).toEqual([[2, 3]])
    clock = 300
    sound.tick()
    expect(asked).toHaveLength(2)
    sound.take(packet(1, 2, 3), 'repair')
    clock = 600
    sound.tick()
    expect(asked).toHaveLength(2)
    expect(sound.repaired).toBe(2 * PER)
    sound.end({ stream: 1, samples: 7 * PER, gaps: [], sha256: await sha([...Array(7).keys()]) })
    expect(await settled()).toBe('verified')
  })

  test('the newest chunks are left to the next packets, but not after the end', async () => {
    sound.take(packet(1, 0, 2), 'live')
    sound.tick()
    expect(asked).toEqual([])
    sound.end({ stream: 1, samples: 5 * PER, gaps: [], sha256: await sha([]) })
    expect(asked).toEqual([[1, 3, 4]])
  })

  test('joined in the middle: the past is asked for', () => {
    sound.here({ stream: 1, rate_hz: RATE, chunk_samples: PER, oldest_chunk: 0, next_chunk: 4 })
    sound.take(packet(1, 4), 'live')
    sound.tick()
    expect(asked).toEqual([[0, 1, 2]])
  })
})

describe('a gap that the kit filled later', () => {
  test('is filled here too, and an old packet does not open it again', async () => {
    sound.take(packet(1, 0, -1, 2), 'live')
    sound.take(packet(1, 1), 'live')
    sound.take(packet(1, 3, 2, -1), 'live')
    expect(sound.gaps).toBe(0)
    sound.end({ stream: 1, samples: 4 * PER, gaps: [], sha256: await sha([0, 1, 2, 3]) })
    expect(await settled()).toBe('verified')
  })

  test('is asked for at the end when the filling was missed', async () => {
    sound.take(packet(1, 0, -1, 2), 'live')
    sound.end({ stream: 1, samples: 3 * PER, gaps: [], sha256: await sha([0, 1, 2]) })
    expect(asked).toEqual([[1]])
    sound.take(packet(1, 1), 'repair')
    expect(await settled()).toBe('verified')
    expect(verdicts.at(-1)?.[1]).toMatchObject({ missing: 0, repaired: PER })
  })
})

test('nonsense is refused and counted, other streams are kept apart', () => {
  sound.take(new ArrayBuffer(3), 'live')
  expect(sound.refused.get('too_short')).toBe(1)
  sound.take(packet(1, 0), 'live')
  sound.take(packet(2, 0), 'live')
  sound.take(packet(1, 1), 'live')
  expect(sound.stream).toBe(2)
  expect(sound.length).toBe(PER)
})
