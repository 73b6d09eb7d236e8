import { describe, expect, test, vi } from 'vitest'
import type { Chunk, SoundPacket } from '../../../src/shared/sound/packet'
import { LEARN_MOST_MS, LEARN_MS, Playout } from '../../../src/shared/sound/playout'
import { burstsOf, lossOf, percentile, randomOf, simulate, valueOf, type Heard, type Path } from './simulation'

// simulations take a second here and many on a busy machine
vi.setConfig({ testTimeout: 60_000 })
const RATE = 4000
const PER = 80
const BLOCK = 128
const BREAK = 0.4 * RATE

const chunk = (number: number): Chunk => ({
  number,
  length: PER,
  samples: Int16Array.from({ length: PER }, (_, index) => valueOf(number * PER + index)),
  missing: null,
})
const gone = (number: number): Chunk => ({ number, length: PER, samples: null, missing: null })
const packet = (...chunks: Chunk[]): SoundPacket => ({
  stream: 1,
  rateHz: RATE,
  chunkSamples: PER,
  chunks,
  number: Math.max(...chunks.map((one) => one.number)),
  timeUs: 0,
  state: null,
})

/** Plays in time: chunk n comes at 20 ms * (n + 1) unless `arrives` says otherwise; blocks of 32 ms are rendered. */
function play(ms: number, arrives: (at: number) => SoundPacket[], playout = new Playout(RATE)): number[] {
  const heard: number[] = []
  const [out, numbers] = [new Float32Array(BLOCK), new Float64Array(BLOCK)]
  for (let at = 0; at < ms; at += 4) {
    if (at > 0 && at % 20 === 0) for (const one of arrives(at / 20 - 1)) playout.take(one)
    if (at % 32 === 0) {
      playout.render(out, numbers)
      heard.push(...numbers)
    }
  }
  return heard
}
const played = (numbers: number[]): number[] => numbers.filter((number) => number >= 0)
const upTo = (end: number): number[] => Array.from({ length: end }, (_, index) => index)

/** Where the sound goes on at another time than before: [silence before it, samples left out]. */
function shifts(numbers: number[]): [silence: number, leftOut: number][] {
  const found: [number, number][] = []
  let before = -1
  numbers.forEach((number, at) => {
    if (number < 0) return
    const [silence, leftOut] = [at - before - 1, before < 0 ? 0 : number - (numbers[before] as number) - 1]
    if (before >= 0 && silence !== leftOut) found.push([silence, leftOut])
    before = at
  })
  return found
}

describe('each at its time', () => {
  test('on a clean path every sample is played once, in order, soon', () => {
    const playout = new Playout(RATE)
    const heard = play(3000, (number) => [packet(chunk(number))], playout)
    expect(played(heard)).toEqual(upTo(playout.head))
    expect(playout.head).toBeGreaterThan(2.8 * RATE)
    expect(playout.counts).toMatchObject({ underruns: 0, late: 0, skipped: 0, jumps: 0, played: playout.head })
    expect(playout.silence).toBeNull()
  })

  test('a packet that never came is healed by the repeats of the next', () => {
    const playout = new Playout(RATE)
    play(2000, (number) => (number % 5 === 3 ? [] : [packet(chunk(number), chunk(Math.max(0, number - 1)))]), playout)
    expect(playout.counts.waited).toBe(0)
  })

  test('what is not there at its time is silence of its own length; the rest is where it was', () => {
    const playout = new Playout(RATE)
    const heard = play(1600, (number) => (number === 20 || number === 21 ? [] : [packet(chunk(number))]), playout)
    expect(shifts(heard)).toEqual([])
    expect(playout.counts).toMatchObject({ waited: 2 * PER, underruns: 1, jumps: 0, late: 0 })
    playout.take(packet(chunk(20)))
    expect(playout.counts.late).toBe(PER)
    playout.take(packet(chunk(20)))
    expect(playout.counts.late).toBe(PER)
  })

  test('a real gap is silence of its own length too, and told apart', () => {
    const playout = new Playout(RATE)
    const arrives = (number: number): SoundPacket[] => {
      if (number >= 30 && number < 60) return []
      if (number !== 60) return [packet(chunk(number))]
      return [packet(chunk(60), ...Array.from({ length: 30 }, (_, index) => gone(59 - index)))]
    }
    const heard = play(2400, arrives, playout)
    expect(shifts(heard)).toEqual([])
    expect(playout.counts.late).toBe(0)
    const told = play(600, (number) => [packet(gone(number))], new Playout(RATE))
    expect(played(told)).toEqual([])
  })

  test('a gap told in time is counted as the kit has it', () => {
    const playout = new Playout(RATE)
    play(1600, (number) => [packet(number % 10 === 5 ? gone(number) : chunk(number))], playout)
    expect(playout.counts.waited).toBe(0)
    expect(playout.counts.gaps).toBeGreaterThan(3 * PER)
  })

  test('what was played already is not late when it is repeated', () => {
    const playout = new Playout(RATE)
    play(1600, (number) => [packet(chunk(number), chunk(Math.max(0, number - 9)))], playout)
    expect(playout.counts.late).toBe(0)
  })
})

describe('breaks', () => {
  test('a longer way is followed by one break, seldom by two, longer than any systole, and then all is in time again', () => {
    const ways = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => simulate({ seconds: 12, seed, longer: [6000, 150] }))
    const breaks = ways.map((way) => way.playout.counts.jumps)
    expect(Math.max(...breaks)).toBeLessThanOrEqual(2)
    expect(breaks.filter((count) => count === 1).length).toBeGreaterThanOrEqual(5)
    const { playout, numbers } = ways[0] as Heard
    const [[silence, leftOut] = [0, 0]] = shifts(numbers)
    expect(silence).toBeGreaterThanOrEqual(BREAK)
    expect(silence - leftOut).toBeGreaterThan(0.1 * RATE)
    expect(playout.counts.waited).toBeLessThan(0.5 * RATE)
  })

  test('a moment in which all is held up is one hole, and the delay stays', () => {
    const { playout, numbers } = simulate({ seconds: 29, seed: 2, stalls: [15_000, 250] })
    expect(playout.counts.jumps).toBe(0)
    expect(playout.counts.underruns).toBe(1)
    expect(shifts(numbers)).toEqual([])
    expect(playout.targetMs).toBeLessThan(60)
  })

  test('two such moments within seconds change nothing either, and neither does the latest chunk of two hundred', () => {
    const { playout } = simulate({ seconds: 40, seed: 2, held: [[12_000, 250], [15_000, 300], [19_000, 200]], loss: (random) => lossOf(0.05, random) })
    expect(playout.counts.jumps).toBe(0)
    expect(playout.targetMs).toBeLessThan(75)
  })

  test('such moments that come again and again make the delay longer', () => {
    const { playout } = simulate({ seconds: 60, seed: 2, stalls: [4000, 200] })
    expect(playout.targetMs).toBeGreaterThan(120)
    expect(playout.counts.waited).toBeLessThan(15 * 0.2 * RATE)
  })

  test('a way that is longer by a second is followed too', () => {
    const { playout, numbers, end } = simulate({ seconds: 12, seed: 1, longer: [6000, 1000] })
    expect(playout.counts.jumps).toBeGreaterThan(0)
    expect(played(numbers).at(-1)).toBe(end.samples - 1)
    expect(playout.counts.waited).toBeLessThan(2 * RATE)
  })

  test('a loudspeaker that stood still goes on with what is new', () => {
    const playout = new Playout(RATE)
    play(1000, (number) => [packet(chunk(number))], playout)
    for (let number = 50; number < 300; number += 1) playout.take(packet(chunk(number)))
    play(2000, (number) => [packet(chunk(300 + number))], playout)
    expect(playout.counts.jumps).toBe(1)
    expect(playout.levelMs).toBeLessThan(200)
  })

  test('a delay that is no longer needed is given back, after a while, at once', () => {
    const bad = (random: () => number) => {
      let packets = 0
      const loss = lossOf(0.35, random)
      return (): boolean => (packets += 1) < 500 && loss()
    }
    const { playout } = simulate({ seconds: 60, seed: 3, loss: bad })
    expect(playout.targetMs).toBeLessThan(160)
    expect(playout.counts.jumps).toBeGreaterThan(0)
    expect(playout.counts.jumps).toBeLessThan(6)
  })
})

describe('a new stream', () => {
  /** The first three come together, 60 ms late. */
  const slowFirst = (number: number): SoundPacket[] => {
    if (number < 3) return []
    return number === 3 ? [0, 1, 2, 3].map((one) => packet(chunk(one))) : [packet(chunk(number))]
  }

  test('is silent while the way is learned, and then no later than the way needs, whatever the first packet was', () => {
    const playout = new Playout(RATE, () => LEARN_MS)
    const heard = play(3000, slowFirst, playout)
    expect(heard.slice(0, (LEARN_MS * RATE) / 1000).every((one) => one < 0)).toBe(true)
    expect(played(heard)).toEqual(upTo(playout.head).slice(playout.begins))
    expect(playout.counts).toMatchObject({ waited: 0, late: 0, skipped: 0, jumps: 0, underruns: 0 })
    expect(playout.begins).toBeGreaterThan(0)
    // three packets late by chance, the beat of blocks, and what half a second has not seen
    expect(playout.targetMs).toBeLessThan(20 + 32 + 15)
    const unlearned = new Playout(RATE)
    play(3000, slowFirst, unlearned)
    expect(unlearned.counts.jumps).toBe(1)
  })

  /** What was held up comes as late as `lateMs` says at the packet's time. */
  const heldUp =
    (lateMs: (atMs: number) => number) =>
    (number: number): SoundPacket[] => {
      const due = (one: number): number => Math.floor(one + lateMs(one * 20) / 20)
      return Array.from({ length: 30 }, (_, back) => number - back).filter((one) => one >= 0 && due(one) === number).map((one) => packet(chunk(one)))
    }

  test('is learned of for longer while its beginning is disturbed', () => {
    const playout = new Playout(RATE, () => LEARN_MS)
    const heard = play(3000, heldUp((atMs) => (atMs > 250 && atMs < 700 && atMs % 200 < 100 ? 60 : 0)), playout)
    const begun = heard.findIndex((one) => one >= 0) / 4
    expect(begun).toBeGreaterThan(LEARN_MS)
    expect(begun).toBeLessThan(LEARN_MOST_MS + 60)
    expect(playout.targetMs).toBeLessThan(20 + 32 + 15)
    expect(playout.counts).toMatchObject({ waited: 0, jumps: 0 })
  })

  test.for([1500, 3500])('whose first %d ms were disturbed gives the delay back with two breaks at most', (until) => {
    const playout = new Playout(RATE, () => LEARN_MS)
    const disturbed = (atMs: number): number => (atMs < until && atMs % 200 < 100 ? 60 : 0)
    play(until, heldUp(disturbed), playout)
    const before = playout.targetMs
    const { jumps } = playout.counts
    play(18_000, (number) => heldUp(disturbed)(number + until / 20), playout)
    expect(before).toBeGreaterThan(60)
    expect(playout.targetMs).toBeLessThan(50)
    expect(playout.counts.jumps - jumps).toBeLessThanOrEqual(2)
  })

  test('of which all is to be measured begins with its first sample', () => {
    const playout = new Playout(RATE, (stream) => (stream === 1 ? 0 : LEARN_MS))
    play(1000, (number) => [packet(chunk(number))], playout)
    expect(playout.begins).toBe(0)
  })
})

describe('streams', () => {
  test('joining in the middle starts at once and does not call the past late', () => {
    const playout = new Playout(RATE)
    const heard = play(1000, (number) => [packet(chunk(500 + number), chunk(499 + number), chunk(491 + number))], playout)
    expect(played(heard)[0]).toBe(499 * PER)
    playout.take(packet(chunk(3), chunk(4)))
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

  test('what was learned of the way is known to the next stream', () => {
    const playout = new Playout(RATE)
    const late = (number: number): SoundPacket[] => {
      if (number < 8) return [packet(chunk(number))]
      return number % 4 === 3 ? [3, 2, 1, 0].map((back) => packet(chunk(number - back))) : []
    }
    const waited = [1, 2].map((stream) => {
      play(4000, (number) => late(number).map((one) => ({ ...one, stream })), playout)
      return playout.counts.waited
    })
    expect(waited[1]).toBeLessThan(waited[0] as number)
  })

  test('a number far ahead alone changes nothing', () => {
    const playout = new Playout(RATE)
    const heard = play(2000, (number) => (number === 30 ? [packet(chunk(4_000_000)), packet(chunk(30))] : [packet(chunk(number))]), playout)
    expect(played(heard)).toEqual(upTo(playout.head))
  })

  test('the end is no underrun', () => {
    const playout = new Playout(RATE)
    playout.begin(1)
    playout.end(1, 20 * PER)
    const heard = play(1500, (number) => (number < 20 ? [packet(chunk(number))] : []), playout)
    expect(playout.counts).toMatchObject({ underruns: 0, waited: 0, played: 20 * PER })
    expect(played(heard)).toEqual(upTo(20 * PER))
    expect([playout.head, playout.silence]).toEqual([20 * PER, 'ended'])
  })
})

/** What must hold on any path. `simulate` itself throws when a sample was altered. */
function holds({ playout, copy, numbers, end }: Heard): void {
  const heard = played(numbers)
  expect(heard.every((number, at) => at === 0 || number > (heard[at - 1] as number))).toBe(true)
  for (const [silence] of shifts(numbers)) expect(silence).toBeGreaterThanOrEqual(BREAK)
  const { counts } = playout
  expect(counts.played).toBe(heard.length)
  expect(counts.played + counts.waited + counts.gaps + counts.skipped).toBe(end.samples - playout.begins)
  const begun = numbers.findIndex((number) => number >= 0)
  const over = numbers.findLastIndex((number) => number >= 0)
  expect(over + 1 - begun - counts.played).toBeLessThanOrEqual(counts.waited + counts.gaps + counts.paused)
  expect(copy.missing).toBe(0)
  expect(copy.samples.every((sample, at) => sample === valueOf(at))).toBe(true)
}

test('on any path each sample is played once at most, in order, unaltered, and every silence is counted', () => {
  const random = randomOf(11)
  for (let round = 0; round < 12; round += 1) {
    const share = random() * 0.2
    const path: Path = {
      seconds: 8,
      seed: round,
      driftPpm: (random() - 0.5) * 400,
      jitterMs: random() * 40,
      frame: 20 + Math.floor(random() * 200),
      // at 48 kHz the audio thread asks for ten or eleven of the stream's samples at a time
      block: [128, 32, 11][Math.floor(random() * 3)] as number,
      loss: (own) => (random() < 0.5 ? lossOf(share, own) : burstsOf(share, 1 + 6 * random(), own)),
      ...(random() < 0.3 ? { longer: [4000, random() * 400] as [number, number] } : {}),
      ...(random() < 0.3 ? { outage: [3000, 3000 + random() * 3000] as [number, number] } : {}),
    }
    holds(simulate(path))
  }
})

describe('figures', () => {
  const over = (heard: Heard, share: number): number => percentile(heard.latencyMs, share) - 40
  const onTime = (heard: Heard, ms: number): number => heard.onWayMs.filter((one) => one <= ms).length / heard.onWayMs.length

  test('on a clean path soon, and nothing late', () => {
    const heard = simulate({ seconds: 30, seed: 2 })
    expect(over(heard, 0.5)).toBeLessThanOrEqual(60)
    expect(over(heard, 0.99)).toBeLessThanOrEqual(120)
    expect(heard.playout.counts).toMatchObject({ jumps: 0, waited: 0 })
  })

  test('at 5 % loss later, and little is missing in the ear', () => {
    const heard = simulate({ seconds: 40, seed: 2, loss: (random) => lossOf(0.05, random) })
    expect(over(heard, 0.5)).toBeLessThanOrEqual(110)
    expect(over(heard, 0.99)).toBeLessThanOrEqual(250)
    expect(onTime(heard, 150)).toBeGreaterThanOrEqual(0.998)
    expect(heard.playout.counts.waited / heard.playout.counts.played).toBeLessThan(0.005)
    expect(heard.copy.missing).toBe(0)
  })

  test('at 10 % loss chunks are there in time', () => {
    const heard = simulate({ seconds: 40, seed: 2, jitterMs: 10, loss: (random) => lossOf(0.1, random) })
    expect(onTime(heard, 150)).toBeGreaterThanOrEqual(0.998)
    expect(heard.copy.missing).toBe(0)
  })

  test('in bursts of 4 nearly all chunks are there in time, and all of them in the end', () => {
    const heard = simulate({ seconds: 40, seed: 2, loss: (random) => burstsOf(0.05, 4, random) })
    expect(onTime(heard, 250)).toBeGreaterThanOrEqual(0.993)
    expect(heard.copy.missing).toBe(0)
  })

  test('after an outage of 8 s nothing is missing', () => {
    const heard = simulate({ seconds: 20, seed: 2, loss: (random) => lossOf(0.1, random), outage: [8000, 16_000] })
    expect(heard.copy.missing).toBe(0)
    expect(heard.copy.repaired).toBeGreaterThan(7.5 * RATE)
  })

  test('clocks that are 60 ms apart after a minute (five minutes at 200 ppm) cost a few breaks', () => {
    for (const driftPpm of [1000, -1000]) {
      const heard = simulate({ seconds: 60, seed: 2, driftPpm })
      expect(heard.playout.counts.jumps).toBeLessThanOrEqual(4)
      expect(heard.playout.counts.waited).toBeLessThan(0.2 * RATE)
    }
  })
})
