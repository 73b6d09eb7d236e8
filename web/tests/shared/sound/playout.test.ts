import { describe, expect, test } from 'vitest'
import type { Chunk, SoundPacket } from '../../../src/shared/sound/packet'
import { Playout } from '../../../src/shared/sound/playout'

const RATE = 4000
const PER = 80
const BLOCK = 128

const value = (sample: number): number => ((sample * 37) % 20_000) + 1
const chunk = (number: number): Chunk => ({
  number,
  length: PER,
  samples: Int16Array.from({ length: PER }, (_, index) => value(number * PER + index)),
  missing: null,
})
const gone = (number: number): Chunk => ({ number, length: PER, samples: null, missing: null })
const packet = (...chunks: Chunk[]): SoundPacket => ({ stream: 1, rateHz: RATE, chunkSamples: PER, chunks, number: 0, timeUs: 0, state: null })

/** Plays in time: chunk n comes at 20 ms * (n + 1) unless `arrives` says otherwise; blocks of 32 ms are rendered. */
function play(ms: number, arrives: (at: number) => SoundPacket[], playout = new Playout(RATE)): number[] {
  const heard: number[] = []
  const out = new Float32Array(BLOCK)
  for (let at = 0; at < ms; at += 4) {
    if (at > 0 && at % 20 === 0) for (const one of arrives(at / 20 - 1)) playout.take(one)
    if (at % 32 === 0) {
      playout.render(out)
      heard.push(...Array.from(out, (sample) => Math.round(sample * 32768)))
    }
  }
  return heard
}
/** How many of the samples from 0 on were heard in order, whatever silence stood between. */
function inOrder(heard: number[]): number {
  let next = 0
  for (const one of heard) if (one === value(next)) next += 1
  return next
}
const trimmed = (heard: number[]): number[] => heard.slice(heard.findIndex((one) => one !== 0))

describe('one to one', () => {
  test('on a clean path every sample is played once, in order, soon', () => {
    const playout = new Playout(RATE)
    const heard = play(3000, (number) => [packet(chunk(number))], playout)
    const played = trimmed(heard)
    expect(played.length).toBeGreaterThan(2.8 * RATE)
    expect(played).toEqual(played.map((_, index) => value(index)))
    expect(playout.counts).toMatchObject({ underruns: 0, late: 0, skipped: 0 })
    expect(heard.length - played.length).toBeLessThanOrEqual(0.128 * RATE)
  })

  test('a packet that never came is healed by the repeats of the next', () => {
    const heard = play(2000, (number) => (number % 5 === 3 ? [] : [packet(chunk(number), chunk(Math.max(0, number - 1)))]))
    expect(inOrder(heard)).toBeGreaterThan(1.8 * RATE)
  })
})

describe('late and missing', () => {
  test('what is late is waited for, and nothing is stretched or lost', () => {
    const playout = new Playout(RATE)
    const stall = (number: number): SoundPacket[] => {
      if (number >= 40 && number < 50) return []
      return number === 50 ? Array.from({ length: 11 }, (_, index) => packet(chunk(40 + index))) : [packet(chunk(number))]
    }
    const heard = play(2600, stall, playout)
    expect(playout.counts.underruns).toBeGreaterThan(0)
    expect(playout.counts.skipped).toBe(0)
    expect(inOrder(heard)).toBeGreaterThan(2.1 * RATE)
  })

  test('a real gap is silence of its own length and does not add delay', () => {
    const playout = new Playout(RATE)
    const lost = (number: number): boolean => number >= 30 && number < 60
    const arrives = (number: number): SoundPacket[] => {
      if (lost(number)) return []
      if (number !== 60) return [packet(chunk(number))]
      return [packet(chunk(60), ...Array.from({ length: 30 }, (_, index) => gone(59 - index)))]
    }
    play(2400, arrives, playout)
    expect(playout.levelMs).toBeLessThan(140)
    expect(playout.counts.late).toBe(0)
  })

  test('a chunk that never comes is passed after a while and counted when it comes too late', () => {
    const playout = new Playout(RATE)
    play(1600, (number) => (number === 20 ? [] : [packet(chunk(number))]), playout)
    expect(playout.levelMs).toBeLessThan(260)
    playout.take(packet(chunk(20)))
    expect(playout.counts.late).toBe(PER)
  })

  test('what was played already is not late when it is repeated', () => {
    const playout = new Playout(RATE)
    play(1600, (number) => [packet(chunk(number), chunk(Math.max(0, number - 9)))], playout)
    expect(playout.counts.late).toBe(0)
  })
})

describe('catching up', () => {
  const stalledFor = (chunks: number) => (number: number): SoundPacket[] => {
    if (number >= 100 && number < 100 + chunks) return []
    if (number !== 100 + chunks) return [packet(chunk(number))]
    return Array.from({ length: chunks + 1 }, (_, index) => packet(chunk(100 + index)))
  }

  test('a small delay is kept: no sample is left out, so no interval of the heart is changed', () => {
    const playout = new Playout(RATE)
    const heard = play(10_000, stalledFor(5), playout)
    expect(playout.counts.underruns).toBeGreaterThan(0)
    expect(playout.counts).toMatchObject({ skipped: 0, jumps: 0 })
    expect(inOrder(heard)).toBe(playout.head)
  })

  test('a large delay is given back in one jump, with a silence that makes it heard', () => {
    const playout = new Playout(RATE)
    const heard = play(10_000, stalledFor(25), playout)
    expect(playout.counts.jumps).toBe(1)
    expect(playout.levelMs).toBeLessThan(200)
    const from = heard.findIndex((_, at) => at > 2.8 * RATE && heard.slice(at, at + 60).every((one) => one === 0))
    expect(from).toBeGreaterThan(0)
  })
})

describe('streams', () => {
  test('joining in the middle starts at once and does not call the past late', () => {
    const playout = new Playout(RATE)
    const heard = play(1000, (number) => [packet(chunk(500 + number), chunk(499 + number), chunk(491 + number))], playout)
    expect(trimmed(heard)[0]).toBe(value(500 * PER))
    expect(playout.counts.late).toBe(0)
  })

  test('a new stream begins anew, and a late packet of the old one changes nothing', () => {
    const playout = new Playout(RATE)
    play(500, (number) => [packet(chunk(number))], playout)
    play(500, (number) => [{ ...packet(chunk(number)), stream: 2 }], playout)
    const head = playout.head
    playout.take(packet(chunk(3)))
    expect(playout.stream).toBe(2)
    expect(playout.head).toBe(head)
  })

  test('after a stop of the whole page the newest sound is played, not the old', () => {
    const playout = new Playout(RATE)
    for (let number = 0; number < 3000; number += 1) playout.take(packet(chunk(number)))
    play(400, (number) => [packet(chunk(3000 + number))], playout)
    expect(playout.levelMs).toBeLessThan(200)
  })

  test('the end is no underrun', () => {
    const playout = new Playout(RATE)
    playout.begin(1)
    playout.end(1, 20 * PER)
    const heard = play(1500, (number) => (number < 20 ? [packet(chunk(number))] : []), playout)
    expect(playout.counts.underruns).toBe(0)
    expect(trimmed(heard).slice(0, 20 * PER)).toEqual(Array.from({ length: 20 * PER }, (_, index) => value(index)))
  })
})
