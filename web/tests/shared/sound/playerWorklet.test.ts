import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import golden from '../../../../tests/edge/live/sound_packets.json'
import { LEARN_MOST_MS } from '../../../src/shared/sound/playout'
import type { PlayerOrder, Rendered } from '../../../src/shared/sound/player.worklet'
import type { ProofBlock } from '../../../src/shared/sound/proofMeasure'
import { PROOF_STREAMS } from '../../../src/shared/sound/proofSweep'
import type { View } from '../../../src/shared/sound/views'

/** What a browser gives an audio thread: the class is the browser's own, its port the page's. */
interface Processor {
  port: { onmessage: ((event: { data: PlayerOrder }) => void) | null; posted: (Rendered | ProofBlock)[] }
  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean
}
let build: new (options?: { processorOptions: { rateHz: number } }) => Processor
const RATE = 4000
const PER = 80

beforeAll(async () => {
  class AudioWorkletProcessor {
    readonly port = {
      onmessage: null,
      posted: [] as unknown[],
      postMessage(message: unknown): void {
        this.posted.push(message)
      },
    }
  }
  const registerProcessor = (_: string, processor: typeof build): void => void (build = processor)
  Object.assign(globalThis, { AudioWorkletProcessor, registerProcessor, sampleRate: RATE })
  await import('../../../src/shared/sound/player.worklet')
})

const samples = Int16Array.from({ length: 2 * RATE }, (_, at) => Math.round(9000 * Math.sin(at / 9) + 200 * Math.sin(at * 2.2)))

function packet(number: number, stream = 1, sound = samples): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(19 + 7 + 2 * PER))
  view.setUint32(0, 0x43425331)
  view.setBigUint64(4, BigInt(stream))
  view.setUint32(12, RATE)
  view.setUint16(16, PER)
  view.setUint8(18, 1)
  view.setUint32(19, number)
  view.setUint16(23, PER)
  for (let index = 0; index < PER; index += 1) view.setInt16(26 + 2 * index, sound[number * PER + index] as number, true)
  return view.buffer
}

/** What comes out when all packets come in time, from sample 0 on. */
function heard(view: View, volume: number): { out: Float32Array; last: Rendered } {
  const processor = new build()
  const order = (data: PlayerOrder): void => processor.port.onmessage?.({ data })
  order({ type: 'view', view })
  order({ type: 'volume', volume })
  const out: number[] = []
  for (let ms = 0, next = 0; ms < 2200; ms += 32) {
    for (; next * 20 < ms && next * PER < samples.length; next += 1) order({ type: 'packet', data: packet(next) })
    if (next * PER >= samples.length) order({ type: 'end', stream: 1, samples: samples.length })
    const block = new Float32Array(128)
    processor.process([], [[block]])
    out.push(...block)
  }
  const last = processor.port.posted.at(-1) as Rendered
  return { out: Float32Array.from(out), last }
}

test('raw at volume 1 gives out exactly the samples', () => {
  const { out, last } = heard('raw', 1)
  expect(last).toMatchObject({ waited: 0, skipped: 0, silence: 'ended' })
  // up to a second to learn the way, in which the volume rises too; then each sample is itself
  const first = samples.length - last.played
  expect(first).toBeLessThanOrEqual(LEARN_MOST_MS * 4)
  const begin = out.findIndex((_, at) => samples.subarray(first, first + 200).every((one, index) => out[at + index] === one / 32768))
  expect(begin).toBeGreaterThanOrEqual(0)
  for (let at = first; at < samples.length; at += 1) expect(out[begin + at - first]).toBe((samples[at] as number) / 32768)
})

test('a view changes what is heard, and the volume how loud', () => {
  const raw = heard('raw', 1).out
  const quiet = heard('raw', 0.5).out
  const bell = heard('bell', 1).out
  const power = (out: Float32Array): number => out.reduce((sum, one) => sum + one * one, 0)
  expect(power(quiet) / power(raw)).toBeCloseTo(0.25, 2)
  expect(Math.abs(power(bell) / power(raw) - 1)).toBeGreaterThan(0.001)
})

describe('quieter', () => {
  let state = 1
  const hiss = Int16Array.from({ length: 6 * RATE }, () => ((state = (state * 48271) % 2147483647) / 2147483647 - 0.5) * 1000)

  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000, toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  /** All packets in time; what comes out, and what is told of it. */
  function given(stream: number, on: boolean): { out: Float32Array; told: (Rendered | ProofBlock)[] } {
    const processor = new build()
    const order = (data: PlayerOrder): void => processor.port.onmessage?.({ data })
    for (const one of [{ type: 'volume', volume: 1 }, { type: 'quieter', on }, { type: 'prove', on: true }] as const) order(one)
    const out: number[] = []
    for (let ms = 0, next = 0; ms < 6000; ms += 32) {
      for (; next * 20 < ms && next * PER < hiss.length; next += 1) order({ type: 'packet', data: packet(next, stream, hiss) })
      const block = new Float32Array(128)
      processor.process([], [[block]])
      out.push(...block)
    }
    return { out: Float32Array.from(out), told: processor.port.posted }
  }
  const power = (out: Float32Array): number => out.reduce((sum, one) => sum + one * one, 0)

  test('steady noise is heard less', () => {
    const change = power(given(1, true).out.subarray(5 * RATE)) / power(given(1, false).out.subarray(5 * RATE))
    expect(10 * Math.log10(change)).toBeLessThan(-4)
    expect(10 * Math.log10(change)).toBeGreaterThan(-6.5)
  })

  test('what was learned of one stream is forgotten for the next', () => {
    const processor = new build()
    const order = (data: PlayerOrder): void => processor.port.onmessage?.({ data })
    for (const one of [{ type: 'volume', volume: 1 }, { type: 'quieter', on: true }] as const) order(one)
    const out: number[] = []
    for (let ms = 0, next = 0; ms < 12_000; ms += 32) {
      for (; next * 20 < ms; next += 1) order({ type: 'packet', data: packet(next % 300, next < 300 ? 1 : 2, hiss) })
      const block = new Float32Array(128)
      processor.process([], [[block]])
      out.push(...block)
    }
    const level = (from: number, to: number): number => 10 * Math.log10(power(Float32Array.from(out.slice(from * RATE, to * RATE))) / (to - from))
    // packets come in twos and threes here, so each stream's way is learned for as long as it ever is
    expect(level(5, 5.9) - level(1.4, 2)).toBeLessThan(-4)
    expect(Math.abs(level(7.4, 8) - level(1.4, 2))).toBeLessThan(0.5)
  })

  test('what is told of a sample is when it is heard, 48 ms later', () => {
    const last = ({ told }: { told: (Rendered | ProofBlock)[] }): number => told.at(-1)?.atMs ?? 0
    expect(last(given(1, true)) - last(given(1, false))).toBe(48)
  })

  test('a proof does not pass it: the same samples are measured, and nothing is heard', () => {
    const [on, off] = [given(PROOF_STREAMS, true), given(PROOF_STREAMS, false)]
    const measured = ({ told }: typeof on): number[] => told.flatMap((one) => ('samples' in one ? [...one.samples] : []))
    expect(measured(on).length).toBeGreaterThan(4 * RATE)
    expect(measured(on)).toEqual(measured(off))
    expect(on.out.every((one) => one === 0)).toBe(true)
  })
})

test('nonsense and packets of another rate make no sound and no error', () => {
  const processor = new build()
  for (const { hex } of [...golden.refused, ...golden.good.filter((one) => one.rate_hz !== RATE)]) {
    const data = new Uint8Array((hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16))).buffer
    processor.port.onmessage?.({ data: { type: 'packet', data } })
  }
  const block = new Float32Array(128)
  expect(processor.process([], [[block]])).toBe(true)
  expect(block.every((one) => one === 0)).toBe(true)
})

describe('a loudspeaker of 48 kHz', () => {
  beforeEach(() => {
    Object.assign(globalThis, { sampleRate: 12 * RATE })
    vi.useFakeTimers({ now: 1_000_000, toFake: ['Date'] })
  })
  afterEach(() => {
    Object.assign(globalThis, { sampleRate: RATE })
    vi.useRealTimers()
  })

  /** Blocks of 128 as the browser asks for them: all of 10 ms at one time. */
  function played(): { out: Float32Array; reports: Rendered[] } {
    const processor = new build({ processorOptions: { rateHz: RATE } })
    const order = (data: PlayerOrder): void => processor.port.onmessage?.({ data })
    order({ type: 'volume', volume: 1 })
    const out: number[] = []
    for (let burst = 0, next = 0; burst < 240; burst += 1, vi.setSystemTime(Date.now() + 10)) {
      for (; next * 20 < burst * 10 && next * PER < samples.length; next += 1) order({ type: 'packet', data: packet(next) })
      while (out.length < burst * 480) {
        const block = new Float32Array(128)
        processor.process([], [[block]])
        out.push(...block)
      }
    }
    return { out: Float32Array.from(out), reports: processor.port.posted as Rendered[] }
  }

  test('each twelfth sample is the kit\'s own', () => {
    const { out, reports } = played()
    const last = reports.at(-1) as Rendered
    const [first, end] = [samples.length - last.played, samples.length]
    const own = out.filter((_, at) => at % 12 === 0)
    const begin = own.findIndex((_, at) => samples.subarray(first, first + 200).every((one, index) => own[at + index] === one / 32768))
    expect(begin).toBeGreaterThan(0)
    for (let at = first; at < end - 200; at += 1) expect(own[begin + at - first]).toBe((samples[at] as number) / 32768)
  })

  test('it tells once per burst which sample left when', () => {
    const reports = played().reports.filter((one) => one.sample >= 0)
    expect(reports.length).toBeGreaterThan(100)
    for (const [index, { sample, atMs, head }] of reports.entries()) {
      const before = reports[index - 1]
      if (before === undefined) continue
      expect(atMs - before.atMs).toBe(10)
      expect(sample).toBe(before.head)
      expect(head - sample).toBeGreaterThan(30)
      // what left at one time is no further apart than a block
      expect(Math.abs((sample - before.sample) / 4 - 10)).toBeLessThan(3)
    }
  })
})
