import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import packets from '../../../../tests/edge/live/sound_packets.json'
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

  test('what was sent before the page joined is fetched, and not called repaired', () => {
    sound.here({ stream: 1, rate_hz: 4000, chunk_samples: PER, oldest_chunk: 0, next_chunk: 5 })
    for (const number of [5, 6, 9]) sound.take(packet(1, number), 'live')
    sound.take(packet(1, 0, 1, 2, 3, 4), 'repair')
    expect(sound.repaired).toBe(0)
    sound.take(packet(1, 7, 8), 'repair')
    expect(sound.repaired).toBe(2 * PER)
    expect(sound.missingRanges).toEqual([])
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

describe('ranges and words', () => {
  test('what is missing and what the kit never had are told apart', () => {
    for (const number of [0, -1, -2, 3, 6]) sound.take(packet(1, number), 'live')
    expect(sound.gapRanges).toEqual([[PER, 2 * PER]])
    expect(sound.missingRanges).toEqual([[4 * PER, 2 * PER]])
    sound.take(packet(1, 4, 5), 'repair')
    expect(sound.missingRanges).toEqual([])
  })

  test('verified is called repaired where some of it was asked for again', async () => {
    sound.take(packet(1, 0), 'live')
    sound.take(packet(1, 1), 'repair')
    expect(sound.judgement).toBe('listening')
    sound.end({ stream: 1, samples: 2 * PER, gaps: [], sha256: await sha([0, 1]) })
    await settled()
    expect([sound.verdict, sound.judgement]).toEqual(['verified', 'repaired'])
  })
})

describe('an outage', () => {
  let open = true
  const kit = (): void => {
    sound = new ExactSound({
      ask: (message) => open && asked.push((message as { chunks: number[] }).chunks) > 0,
      onVerdict: (verdict, heard) => verdicts.push([verdict, heard]),
      now: () => clock,
    })
    sound.close()
    for (let number = 0; number < 100; number += 1) sound.take(packet(1, number), 'live')
  }
  const pass = (ms: number): void => {
    for (const until = clock + ms; clock < until; clock += 60) sound.tick()
  }
  /** Answers every ask, as a kit does. */
  const answer = (): void => {
    for (let rounds = 0; asked.length > 0 && rounds < 1000; rounds += 1) {
      for (const number of asked.shift() ?? []) sound.take(packet(1, number), 'repair')
      clock += 300
      sound.tick()
    }
  }

  test('of 8 s in the middle: all of it is filled, never more than 64 chunks on their way', async () => {
    open = true
    kit()
    open = false
    pass(8000)
    open = true
    sound.here({ stream: 1, rate_hz: RATE, chunk_samples: PER, oldest_chunk: 0, next_chunk: 500 })
    sound.take(packet(1, 500), 'live')
    sound.tick()
    expect(asked.every((chunks) => chunks.length <= 64)).toBe(true)
    answer()
    sound.end({ stream: 1, samples: 501 * PER, gaps: [], sha256: await sha([...Array(501).keys()]) })
    answer()
    expect(await settled()).toBe('verified')
    expect(verdicts.at(-1)?.[1]).toMatchObject({ missing: 0, repaired: 400 * PER })
  })

  test('right after the end: nobody gives up while the kit cannot be asked', async () => {
    open = false
    kit()
    sound.end({ stream: 1, samples: 300 * PER, gaps: [], sha256: await sha([...Array(300).keys()]) })
    pass(20_000)
    expect(sound.verdict).toBe('checking')
    open = true
    sound.here({ stream: 1, rate_hz: RATE, chunk_samples: PER, oldest_chunk: 0, next_chunk: 300 })
    sound.tick()
    answer()
    expect(await settled()).toBe('verified')
  })

  test('that is too long gives a verdict, which a kit that comes back makes good', async () => {
    open = false
    kit()
    sound.end({ stream: 1, samples: 120 * PER, gaps: [], sha256: await sha([...Array(120).keys()]) })
    pass(70_000)
    expect(await settled()).toBe('gaps')
    expect(sound.missingRanges).toEqual([[100 * PER, 20 * PER]])
    open = true
    sound.here({ stream: 1, rate_hz: RATE, chunk_samples: PER, oldest_chunk: 0, next_chunk: 120 })
    sound.tick()
    answer()
    expect(await settled()).toBe('verified')
  })
})

describe('forged and broken', () => {
  test('a number far ahead alone is refused, and the stream goes on', () => {
    for (let number = 0; number < 10; number += 1) sound.take(packet(1, number), 'live')
    sound.take(packet(1, 60_000), 'live')
    expect(sound.refused.get('number_out_of_reach')).toBe(1)
    sound.take(packet(1, 10), 'live')
    expect(sound.length).toBe(11 * PER)
  })

  test('a counter that jumped is followed when more packets say so', () => {
    sound.take(packet(1, 0), 'live')
    for (let number = 5000; number < 5005; number += 1) sound.take(packet(1, number), 'live')
    expect(sound.refused.get('number_out_of_reach')).toBe(2)
    expect(sound.length).toBe(5005 * PER)
  })

  test('no number makes a stream longer than half an hour', () => {
    const beyond = new Uint8Array(packet(1, 0))
    beyond.set([255, 255, 255, 255], 19)
    sound.take(beyond.buffer, 'live')
    expect(sound.refused.get('stream_too_long')).toBe(1)
    expect(sound.length).toBe(0)
  })

  test('words of the kit that make no sense are refused and counted', () => {
    sound.take(packet(1, 0), 'live')
    const here = { stream: 1, rate_hz: RATE, chunk_samples: PER, oldest_chunk: 0, next_chunk: 1 }
    for (const wrong of [{ next_chunk: 1e15 }, { oldest_chunk: -1 }, { rate_hz: NaN }, { next_chunk: 'x' }]) {
      sound.here({ ...here, ...wrong } as typeof here)
    }
    expect(sound.refused.get('bad_here')).toBe(4)
    const end = { stream: 1, samples: PER, gaps: [] as [number, number][], sha256: '' }
    for (const wrong of [{ samples: 1e12 }, { samples: -1 }, { gaps: 7 }, { gaps: [[1]] }]) {
      sound.end({ ...end, ...wrong } as typeof end)
    }
    expect(sound.refused.get('bad_end')).toBe(4)
    sound.tick()
    expect(sound.verdict).toBe('listening')
  })

  test('a chunk after the end changes nothing', async () => {
    sound.take(packet(1, 0), 'live')
    sound.end({ stream: 1, samples: PER, gaps: [], sha256: await sha([0]) })
    sound.take(packet(1, 1), 'live')
    expect(await settled()).toBe('verified')
  })
})

describe('what rides along', () => {
  const golden = (name: string): ArrayBuffer => {
    const hex = packets.good.find((one) => one.name === name)?.hex ?? ''
    return new Uint8Array((hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16))).buffer
  }

  test('each sample has the time that the kit said', () => {
    sound.take(golden('rice_and_three_repeats'), 'live')
    expect(sound.kitTimeOf(11 * PER)).toBe(1_234_567_890_123)
    expect(sound.kitTimeOf(10 * PER + 4)).toBe(1_234_567_890_123 - 20_000 + 1000)
    expect(sound.kitTimeOf(3100 * PER)).toBeNull()
  })

  test('vital signs are told once, and harm no sound when nobody can read them', () => {
    const told: number[] = []
    const copy = new ExactSound({ ask: () => true, onVitals: (vitals) => told.push(vitals.seq), now: () => clock })
    copy.close()
    for (const name of ['rice_with_state', 'rice_with_state', 'nothing_but_state', 'state_of_an_unknown_form']) {
      copy.take(golden(name), 'live')
    }
    expect(told).toEqual([70_000])
    expect(copy.refused.get('bad_state')).toBe(1)
    expect(copy.length).toBe(12 * PER)
  })
})
