import { describe, expect, test } from 'vitest'
import golden from '../../../../tests/signal/golden_listening.json'
import { Quieter, QuieterSwitch } from '../../../src/shared/sound/quieter'

const RATE = 4000

function random(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

/** Steady noise of this level, rms in sample units (flat, not Gaussian). */
function noise(length: number, rms: number, seed = 1): Float64Array {
  const next = random(seed)
  return Float64Array.from({ length }, () => (next() * 2 - 1) * rms * Math.sqrt(3))
}

/** With mains and its octave. */
function hummed(one: number, at: number): number {
  const turn = (2 * Math.PI * 50 * at) / RATE
  return one + 3000 * Math.sin(turn) + 2000 * Math.sin(2 * turn)
}

function levelDb(samples: Float64Array): number {
  return 10 * Math.log10(samples.reduce((sum, one) => sum + one * one, 0) / samples.length)
}

function pcm(base64: string): Int16Array {
  return new Int16Array(Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)).buffer)
}

describe('the same numbers as the kit', () => {
  test.each(golden)('$name, $rate_hz Hz', ({ rate_hz: rate, delay, step, samples, heard }) => {
    const quieter = new Quieter(rate)
    expect(quieter.delay).toBe(delay)
    const out = Float64Array.from(pcm(samples), (one) => quieter.step(one))
    const off = heard.map((wanted, index) => Math.abs(wanted - (out[index * step] as number)))
    expect(heard.length).toBe(Math.ceil(out.length / step))
    expect(Math.max(...off)).toBeLessThan(1e-4)
  })
})

test('steady noise is taken down by up to 6 dB once it is known, and not before', () => {
  const quieter = new Quieter(RATE)
  const sound = noise(8 * RATE, 300)
  const out = sound.map((one) => quieter.step(one))
  expect(levelDb(out.subarray(192, 2 * RATE)) - levelDb(sound.subarray(0, 2 * RATE - 192))).toBeCloseTo(0, 1)
  const lost = levelDb(out.subarray(5 * RATE)) - levelDb(sound.subarray(5 * RATE))
  expect(lost).toBeLessThan(-4.5)
  expect(lost).toBeGreaterThan(-6.1)
})

test('a gap teaches no noise: what comes after it is as quiet as what came before', () => {
  const quieter = new Quieter(RATE)
  const sound = noise(8 * RATE, 300)
  sound.fill(0, 5 * RATE, 5.5 * RATE)
  const out = sound.map((one) => quieter.step(one))
  const after = [6 * RATE, 8 * RATE] as const
  expect(levelDb(out.subarray(...after)) - levelDb(sound.subarray(...after))).toBeLessThan(-4.5)
})

test('mains goes once it has stood for two seconds, and no sooner', () => {
  const quieter = new Quieter(RATE)
  const sound = noise(6 * RATE, 30).map(hummed)
  const out = sound.map((one) => quieter.step(one))
  const change = (from: number, to: number): number => levelDb(out.subarray(from * RATE, to * RATE)) - levelDb(sound.subarray(from * RATE, to * RATE))
  expect(Math.abs(change(1, 2))).toBeLessThan(0.1)
  expect(change(4, 6)).toBeLessThan(-25)
})

test('reset forgets all', () => {
  const [quieter, other] = [new Quieter(RATE), new Quieter(RATE)]
  const buzzing = (one: number, at: number): number => hummed(one, at) + 3000 * ((at * 216.68) % RATE < RATE / 8 ? 1 : 0)
  for (const one of noise(5.5 * RATE + 17, 500).map(buzzing)) quieter.step(one)
  quieter.reset()
  expect(noise(2 * RATE, 300, 3).every((one) => quieter.step(one) === other.step(one))).toBe(true)
})

test.each([1000, 2000, 4000, 8000, 16_000, 44_100, 48_000])('nothing that comes in makes it give out what is no number (%i Hz)', (rate) => {
  const quieter = new Quieter(rate)
  const next = random(rate)
  const bad = [NaN, Infinity, -Infinity, 1e300, -1e12, 0, 32_767, -32_768]
  let most = 0
  for (let at = 0; at < 20_000; at += 1) {
    const burst = at % 5000 > 2500
    const value = next() < 0.05 ? (bad[Math.floor(next() * bad.length)] as number) : burst ? (next() - 0.5) * 60_000 : 0
    const out = quieter.step(value)
    if (!Number.isFinite(out)) throw new Error(`${out} at ${at}`)
    most = Math.max(most, Math.abs(out))
  }
  expect(most).toBeLessThan(1e5)
})

test('silence stays silence', () => {
  const quieter = new Quieter(RATE)
  for (let at = 0; at < RATE; at += 1) expect(quieter.step(0)).toBe(0)
})

describe('switched', () => {
  test('off, each sample passes as it is, also after it was on', () => {
    const quieter = new QuieterSwitch(RATE)
    const sound = noise(RATE, 0.1)
    for (const one of sound) expect(quieter.step(one)).toBe(one)
    quieter.choose(true)
    for (const one of sound) quieter.step(one)
    expect(quieter.delay).toBe(192)
    quieter.choose(false)
    const after = [...sound].map((one) => quieter.step(one))
    expect(quieter.delay).toBe(0)
    // 20 ms out, 0.4 s of silence, 20 ms in
    expect(after.slice(90, 90 + 0.4 * RATE - 20).every((one) => one === 0)).toBe(true)
    for (const one of sound) expect(quieter.step(one)).toBe(one)
  })

  test.each([1, 7, 64, 190, 192, 250, 400, 3000])('no click, on for %i samples', (samples) => {
    const quieter = new QuieterSwitch(RATE)
    let [before, steepest] = [0, 0]
    for (let at = 0; at < 12_000; at += 1) {
      if (at === 4001) quieter.choose(true)
      if (at === 4001 + samples) quieter.choose(false)
      const value = quieter.step(0.5 * Math.sin((2 * Math.PI * 60 * at) / RATE))
      steepest = Math.max(steepest, Math.abs(value - before))
      before = value
    }
    // a 60 Hz tone of 0.5 moves at most 0.047 a sample by itself
    expect(steepest).toBeLessThan(0.06)
  })

  test('on, it gives what the view gives, as late as it says, after a break longer than any systole', () => {
    const [quieter, bare] = [new QuieterSwitch(RATE), new Quieter(RATE)]
    quieter.choose(true)
    let silent = 0
    let began = -1
    noise(3 * RATE, 0.02).forEach((one, at) => {
      if (quieter.delay > 0 && began < 0) began = at
      const switched = quieter.step(one)
      const wanted = began >= 0 ? bare.step(one * 32_768) / 32_768 : one
      if (switched === 0) silent += 1
      if (at > 0.5 * RATE) expect(switched).toBe(wanted)
    })
    expect(silent).toBeGreaterThanOrEqual(0.4 * RATE)
    expect(silent).toBeLessThan(0.42 * RATE)
  })

  test('changed again within the break, nothing is heard before a whole one is over', () => {
    const quieter = new QuieterSwitch(RATE)
    const heard = [...noise(2 * RATE, 0.02)].map((one, at) => {
      if (at === 1000) quieter.choose(true)
      if (at === 2000) quieter.choose(false)
      return quieter.step(one)
    })
    const first = 1000 + 80
    const last = heard.findIndex((one, at) => at > first + 10 && one !== 0)
    expect(last - 2000).toBeGreaterThanOrEqual(0.4 * RATE)
    expect(heard.slice(last + 90)).toEqual([...noise(2 * RATE, 0.02)].slice(last + 90))
  })

  test('what was learned of one sound is forgotten for the next, without a click', () => {
    const quieter = new QuieterSwitch(RATE)
    quieter.choose(true)
    const sound = noise(10 * RATE, 0.01)
    const out = sound.map((one, at) => {
      if (at === 5 * RATE) quieter.begin()
      return quieter.step(one)
    })
    const change = (from: number, to: number): number => levelDb(out.subarray(from * RATE, to * RATE)) - levelDb(sound.subarray(from * RATE, to * RATE))
    expect(change(4, 5)).toBeLessThan(-4.5)
    expect(Math.abs(change(5.2, 7))).toBeLessThan(0.5)
    expect(change(9, 10)).toBeLessThan(-4.5)
    expect(quieter.delay).toBe(192)
  })
})
