import { describe, expect, test } from 'vitest'
import { Replay } from '../../../src/shared/sound/replay'
import { GAP, HERE } from '../../../src/shared/sound/stream'

const RATE = 4000
const AHEAD = 12
const EDGE = 32

function ramp(length: number): Int16Array {
  return Int16Array.from({ length }, (_, at) => 3000 + (at % 500))
}

function begun(samples: Int16Array, known = new Uint8Array(samples.length).fill(HERE)): Replay {
  const replay = new Replay(RATE)
  replay.load(samples, known)
  replay.render(new Float32Array(RATE))
  replay.playing = true
  return replay
}

function render(replay: Replay, length: number): Float32Array {
  const out = new Float32Array(length)
  for (let at = 0; at < length; at += 128) replay.render(out.subarray(at, at + 128))
  return out
}

test('at normal speed the exact samples come, one to one', () => {
  const samples = ramp(4000)
  const out = render(begun(samples), 3840)
  const off = samples.slice(EDGE, 3700).map((value, at) => Math.abs((out[at + EDGE + AHEAD] as number) * 32768 - value))
  expect(Math.max(...off)).toBe(0)
})

test('a range is played, once or in a loop with a pause that is heard as one', () => {
  const replay = begun(ramp(4000))
  replay.range(1000, 1500)
  expect(replay.head).toBe(1000)
  replay.loop = false
  render(replay, 640)
  expect([replay.playing, replay.head]).toEqual([false, 1000])
  replay.loop = true
  replay.playing = true
  const out = render(replay, 128 * 20)
  expect(replay.playing).toBe(true)
  expect(out.slice(600, 2000).every((value) => Math.abs(value) < 1e-3)).toBe(true)
  expect(out[500 + 1600 + 200 + AHEAD]).toBeCloseTo(3200 / 32768, 3)
})

test('a gap is silence, and makes no click', () => {
  const samples = ramp(4000).fill(8000)
  const known = new Uint8Array(4000).fill(HERE)
  known.fill(GAP, 1000, 2000)
  samples.fill(0, 1000, 2000)
  const out = render(begun(samples, known), 3200)
  expect(out.slice(1200, 1990).every((value) => Math.abs(value) < 1e-4)).toBe(true)
  const steps = out.slice(1, 3000).map((value, at) => Math.abs(value - (out[at] as number)))
  expect(Math.max(...steps)).toBeLessThan(8000 / 32768 / 10)
})

test('nothing sounds before it is played, after it is stopped, or of nothing', () => {
  const replay = new Replay(RATE)
  replay.playing = true
  expect(render(replay, 1280).every((value) => value === 0)).toBe(true)
  const other = begun(ramp(4000))
  render(other, 1280)
  other.playing = false
  const head = other.head
  render(other, 128)
  expect(render(other, 640).every((value) => Math.abs(value) < 1e-4)).toBe(true)
  expect(other.head).toBe(head)
})

test('ranges and places outside are brought inside', () => {
  const replay = begun(ramp(1000))
  replay.range(-50, 99_999)
  replay.seek(5000)
  expect(replay.head).toBe(1000)
  replay.range(900, 100)
  expect(replay.head).toBe(900)
  render(replay, 1280)
})

test('too loud is turned down, and said', () => {
  const replay = begun(ramp(4000).map((value) => value * 5))
  replay.volume = 8
  expect(Math.max(...render(replay, 2560))).toBeLessThanOrEqual(0.981)
  expect(replay.reducedDb).toBeGreaterThan(10)
})

/** Short sounds that begin at these samples. */
function bursts(...begins: number[]): Int16Array {
  const samples = new Int16Array(4000)
  for (const at of begins) {
    for (let index = 0; index < 60; index += 1) samples[at + index] = 12_000 * Math.sin((2 * Math.PI * 100 * index) / RATE) * Math.sin((Math.PI * index) / 60) ** 2
  }
  return samples
}

function envelope(out: Float32Array): Float64Array {
  const smooth = new Float64Array(out.length)
  const taps = Float64Array.from({ length: 161 }, (_, at) => 1 + Math.cos((Math.PI * (at - 80)) / 80))
  for (let at = 80; at < out.length - 80; at += 1) {
    for (let tap = -80; tap <= 80; tap += 1) smooth[at] = (smooth[at] as number) + (out[at + tap] as number) ** 2 * (taps[tap + 80] as number)
  }
  return smooth
}

function peaks(smooth: Float64Array): number[] {
  const most = Math.max(...smooth)
  const found: number[] = []
  for (let at = 1; at < smooth.length - 1; at += 1) {
    const here = smooth[at] as number
    if (here > most * 0.15 && here >= (smooth[at - 1] as number) && here > (smooth[at + 1] as number)) found.push(at)
  }
  return found
}

describe.each([0.5, 0.25] as const)('at speed %d', (speed) => {
  test.each(['same', 'lower'] as const)('two sounds stay two sounds, so much further apart (%s pitch)', (pitch) => {
    const replay = begun(bursts(1000, 1200))
    replay.loop = false
    replay.speed(speed, pitch)
    const found = peaks(envelope(render(replay, 128 * 120)))
    expect(found).toHaveLength(2)
    expect(((found[1] as number) - (found[0] as number)) * speed).toBeGreaterThan(185)
    expect(((found[1] as number) - (found[0] as number)) * speed).toBeLessThan(215)
  })

  test.each(['same', 'lower'] as const)('one sound stays one: a false split is never made (%s pitch)', (pitch) => {
    const replay = begun(bursts(1000))
    replay.loop = false
    replay.speed(speed, pitch)
    expect(peaks(envelope(render(replay, 128 * 120)))).toHaveLength(1)
  })

  test.each([
    ['same', 100],
    ['lower', 100 * speed],
  ] as const)('a tone of 100 Hz: %s pitch is %d Hz', (pitch, hz) => {
    const samples = Int16Array.from({ length: 8000 }, (_, at) => 8000 * Math.sin((2 * Math.PI * 100 * at) / RATE))
    const replay = begun(samples)
    replay.speed(speed, pitch)
    const out = render(replay, 128 * 90).slice(4000, 8000)
    let crossings = 0
    for (let at = 1; at < out.length; at += 1) if ((out[at - 1] as number) < 0 && (out[at] as number) >= 0) crossings += 1
    expect(Math.abs(crossings - hz)).toBeLessThanOrEqual(1)
    expect(Math.max(...out) * 32768).toBeGreaterThan(6400)
    expect(Math.max(...out) * 32768).toBeLessThan(9200)
  })
})

test('the view filters the sound before it is slowed, or its band would move along', () => {
  const samples = Int16Array.from({ length: 8000 }, (_, at) => 8000 * Math.sin((2 * Math.PI * 60 * at) / RATE))
  const loud = (view: 'raw' | 'diaphragm'): number => {
    const replay = begun(samples)
    replay.view(view)
    replay.speed(0.5, 'lower')
    return Math.max(...render(replay, 128 * 90).slice(4000, 8000))
  }
  // 60 Hz lies 18 dB below the diaphragm's band; at half the rate its 30 Hz would lie 40 dB below
  expect(20 * Math.log10(loud('raw') / loud('diaphragm'))).toBeGreaterThan(12)
  expect(20 * Math.log10(loud('raw') / loud('diaphragm'))).toBeLessThan(26)
})

describe('quieter', () => {
  const hiss = (length: number): Int16Array => {
    let state = 1
    return Int16Array.from({ length }, () => ((state = (state * 48271) % 2147483647) / 2147483647 - 0.5) * 2000)
  }
  const heard = (on: boolean, blocks: number): Float32Array => {
    const replay = begun(hiss(10 * RATE))
    replay.range(0, 2 * RATE)
    replay.quieter(on)
    const out = new Float32Array(9 * RATE)
    for (let at = 0; at < out.length; at += blocks) replay.render(out.subarray(at, at + blocks))
    return out
  }
  const power = (out: Float32Array): number => out.reduce((sum, one) => sum + one * one, 0)

  test('steady noise goes down within the rounds of a loop, whose pauses teach it nothing', () => {
    const [from, to] = [5 * RATE, 9 * RATE]
    const change = 10 * Math.log10(power(heard(true, 128).subarray(from, to)) / power(heard(false, 128).subarray(from, to)))
    expect(change).toBeLessThan(-4)
    expect(change).toBeGreaterThan(-6.5)
  })

  test('the place is that of what is heard', () => {
    const [plain, quieter] = [false, true].map((on) => {
      const replay = begun(hiss(6 * RATE))
      replay.quieter(on)
      render(replay, 3 * RATE)
      return replay.head
    })
    expect((plain as number) - (quieter as number)).toBe(192)
  })

  test('any blocks give the same sound', () => {
    const [small, large] = [heard(true, 37), heard(true, 128)]
    expect(small.every((one, at) => one === large[at])).toBe(true)
  })

  test('another piece begins anew', () => {
    const replay = begun(hiss(6 * RATE))
    replay.quieter(true)
    render(replay, 6 * RATE)
    replay.load(hiss(6 * RATE), new Uint8Array(6 * RATE).fill(HERE))
    replay.playing = true
    const out = render(replay, 2 * RATE)
    const plain = begun(hiss(6 * RATE))
    expect(power(out.subarray(RATE)) / power(render(plain, 2 * RATE).subarray(RATE))).toBeGreaterThan(0.9)
  })
})
