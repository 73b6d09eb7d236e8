import { describe, expect, test } from 'vitest'
import type { SoundPacket } from '../../../src/shared/sound/packet'
import { Playout } from '../../../src/shared/sound/playout'
import { type Answer, FREQUENCIES_HZ, judge, measure, range, type PathMeasure, type ProofBlock } from '../../../src/shared/sound/proofMeasure'
import golden from '../../../../tests/edge/live/golden_sweep.json'
import { isProof, passes, PROOF_STREAMS, sweep, turns } from '../../../src/shared/sound/proofSweep'

const RATE = 4000
const BLOCK = 128

interface Path {
  rateHz?: number
  /** What stands in the way of the samples. */
  through?: (samples: Float32Array) => Float32Array
  /** How late a chunk comes, ms; Infinity for never. */
  late?: (chunk: number) => number
  repeats?: boolean
}

/** The sweep in packets of 20 ms through a playout, rendered in blocks, on a made-up clock. */
function travel({ rateHz = RATE, through = (samples) => samples, late = () => 40, repeats = true }: Path = {}): ProofBlock[] {
  const sent = through(sweep(rateHz))
  const per = rateHz / 50
  const chunk = (number: number) => ({
    number,
    length: per,
    samples: Int16Array.from(sent.subarray(number * per, (number + 1) * per), (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768)))),
    missing: null,
  })
  const coming: { at: number; packet: SoundPacket }[] = []
  for (let number = 0; number < sent.length / per; number += 1) {
    const wait = late(number)
    const earlier = repeats ? [1, 4, 9].map((back) => number - back).filter((one) => one >= 0) : []
    const packet = { stream: PROOF_STREAMS + 1, rateHz, chunkSamples: per, chunks: [number, ...earlier].map(chunk) } as unknown as SoundPacket
    if (wait < Infinity) coming.push({ at: (number + 1) * 20 + wait, packet })
  }
  coming.sort((a, b) => a.at - b.at)
  const playout = new Playout(rateHz)
  const blocks: ProofBlock[] = []
  let ended = false
  for (let frame = 0; frame * 1000 < 4500 * rateHz; frame += BLOCK) {
    const now = (frame * 1000) / rateHz
    while (coming[0] && coming[0].at <= now) playout.take((coming.shift() as { packet: SoundPacket }).packet)
    if (!ended && now > 3100) playout.end(PROOF_STREAMS + 1, sent.length)
    ended ||= now > 3100
    const samples = new Float32Array(BLOCK)
    const sample = playout.render(samples)
    blocks.push({ stream: PROOF_STREAMS + 1, sample, head: playout.head, atMs: now, samples })
  }
  return blocks
}

function proved(path: Path = {}): PathMeasure {
  const rateHz = path.rateHz ?? RATE
  return measure(travel(path), { rateHz, length: 3 * rateHz, capturedMs: 0, clockErrorMs: 5, packetsLost: 0 })
}

const db = (measured: PathMeasure): (number | string)[] => measured.response.map(({ answer }) => ('db' in answer ? answer.db : answer.why))

/** Second-order high-pass (bilinear, Butterworth), as libopus runs one before its voice mode. */
function highPass(corner: number, rateHz = RATE) {
  return (samples: Float32Array): Float32Array => {
    const k = Math.tan((Math.PI * corner) / rateHz)
    const norm = 1 / (1 + Math.SQRT2 * k + k * k)
    const out = new Float32Array(samples.length)
    let [x1, x2, y1, y2] = [0, 0, 0, 0]
    samples.forEach((x, index) => {
      const y = norm * (x - 2 * x1 + x2 - 2 * (k * k - 1) * y1 - (1 - Math.SQRT2 * k + k * k) * y2)
      ;[x2, x1, y2, y1] = [x1, x, y1, y]
      out[index] = y
    })
    return out
  }
}

describe('the sweep', () => {
  test('is the one that the kit sends', () => {
    for (const [rate, { samples, at }] of Object.entries(golden)) {
      const found = sweep(Number(rate))
      expect(found.length).toBe(samples)
      for (const [place = 0, value = 0] of at) expect(Math.abs((found[place] as number) * 32768 - value)).toBeLessThanOrEqual(1)
    }
  })

  test('passes each frequency when it is said to', () => {
    for (const hz of FREQUENCIES_HZ) {
      const at = passes(hz)
      expect((turns(at + 0.0005) - turns(at - 0.0005)) / 0.001).toBeCloseTo(hz, 0)
    }
  })

  test('has a number that no body sound has', () => {
    expect(isProof(1)).toBe(false)
    expect(isProof(2 ** 52 - 1)).toBe(false)
    expect(isProof(2 ** 52 + Date.now())).toBe(true)
  })
})

describe('a path that is as it should be', () => {
  test.each([4000, 8000, 16_000])('is flat and good at %i Hz, whatever the rate', (rateHz) => {
    const measured = proved({ rateHz })
    for (const answer of db(measured)) expect(Math.abs(answer as number)).toBeLessThanOrEqual(0.02)
    expect(judge(measured)).toBe('good')
    expect(range(measured)).toEqual([20, 1000])
    expect(measured).toMatchObject({ missing: 0, pauses: 0, waitedMs: 0 })
  })

  test('its latency is from the sample at the kit to the block that has it', () => {
    const soon = proved().latencyMs as number
    const later = proved({ late: () => 140 }).latencyMs as number
    // a chunk of 20 ms, the way, the playout's delay, a block
    expect(soon).toBeGreaterThan(60)
    expect(soon).toBeLessThan(160)
    expect(Math.abs(later - soon - 100)).toBeLessThanOrEqual(33)
  })

  test('packets that the repeats heal cost nothing', () => {
    const measured = proved({ late: (number) => (number % 10 === 3 ? Infinity : 40) })
    expect(judge(measured)).toBe('good')
    for (const answer of db(measured)) expect(Math.abs(answer as number)).toBeLessThanOrEqual(0.02)
  })

  test('a volume that was taken for a part of the path would be seen', () => {
    const measured = proved({ through: (samples) => samples.map((value) => value / 2) })
    for (const answer of db(measured)) expect(answer).toBeCloseTo(-6.02, 1)
    expect(judge(measured)).toBe('filtered')
    expect(range(measured)).toBe(null)
  })
})

describe('a filter in the path is found, with its size', () => {
  test.each([60, 100, 150])('a high-pass at %i Hz', (corner) => {
    const measured = proved({ through: highPass(corner) })
    expect(judge(measured)).toBe('filtered')
    measured.response.forEach(({ hz, answer }) => {
      const w = (f: number): number => Math.tan((Math.PI * f) / RATE)
      const expected = -10 * Math.log10(1 + (w(corner) / w(hz)) ** 4)
      expect(answer).toHaveProperty('db')
      // the piece is up to half an octave long, so a steep slope is averaged a little
      if ('db' in answer) expect(Math.abs(answer.db - expected)).toBeLessThan(1 + Math.abs(expected) * 0.08)
    })
    expect((range(measured) as [number, number])[1]).toBe(1000)
    expect((range(measured) as [number, number])[0]).toBeGreaterThan(corner)
  })

  test('a notch that touches one of the frequencies only', () => {
    const reject = (samples: Float32Array): Float32Array => {
      const [b, r] = [2 * Math.cos((2 * Math.PI * 40) / RATE), 0.99]
      const out = new Float32Array(samples.length)
      for (let n = 0; n < samples.length; n += 1) {
        const at = (list: Float32Array, back: number): number => list[n - back] ?? 0
        out[n] = at(samples, 0) - b * at(samples, 1) + at(samples, 2) + b * r * at(out, 1) - r * r * at(out, 2)
      }
      return out
    }
    const measured = proved({ through: reject })
    expect(judge(measured)).toBe('filtered')
    expect(measured.response.find(({ hz }) => hz === 40)?.answer).toSatisfy((answer: Answer) => 'why' in answer || answer.db < -3)
    expect(measured.response.find(({ hz }) => hz === 400)?.answer).toHaveProperty('db')
  })
})

describe('other faults', () => {
  test('clipping', () => {
    const measured = proved({ through: (samples) => samples.map((value) => Math.max(-0.05, Math.min(0.05, value))) })
    expect(['distorted', 'filtered']).toContain(judge(measured))
  })

  test('noise as loud as the sound', () => {
    let seed = 1
    const random = (): number => ((seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5) * 0.5
    expect(judge(proved({ through: (samples) => samples.map((value) => value + random()) }))).toMatch(/distorted|filtered/)
  })

  test('a time stretched by one hundredth', () => {
    const stretched = (samples: Float32Array): Float32Array =>
      samples.map((_, index) => samples[Math.floor(index * 0.98)] as number)
    expect(judge(proved({ through: stretched }))).not.toBe('good')
  })

  test('packets lost for longer than the repeats reach', () => {
    const measured = proved({ late: (number) => (number > 60 && number < 90 ? Infinity : 40) })
    expect(judge(measured)).toBe('interrupted')
    expect(measured.missing).toBeGreaterThan(0.05)
    // what did come is still measured, and is right
    for (const answer of db(measured)) if (typeof answer === 'number') expect(Math.abs(answer)).toBeLessThan(0.1)
    expect(db(measured).filter((answer) => typeof answer === 'number').length).toBeGreaterThan(6)
  })

  test('a path that stops and goes', () => {
    const measured = proved({ late: (number) => (number % 12 === 0 ? 260 : 20), repeats: false })
    expect(judge(measured)).toBe('interrupted')
    expect(measured.pauses).toBeGreaterThan(1)
  })

  test('nothing at all', () => {
    expect(judge(proved({ late: () => Infinity }))).toBe('silent')
    const none = measure([], { rateHz: RATE, length: 3 * RATE, capturedMs: null, clockErrorMs: 1, packetsLost: null })
    expect(judge(none)).toBe('silent')
    expect(none.latencyMs).toBe(null)
  })

  test('too far away', () => {
    const measured = proved({ late: () => 450 })
    expect(judge(measured)).toBe('slow')
  })
})
