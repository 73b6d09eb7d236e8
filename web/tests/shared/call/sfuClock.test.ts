import { describe, expect, test } from 'vitest'
import { SfuClock } from '../../../src/shared/call/sfuClock'

const WRAP = 2 ** 32
const RATE = 90_000

/** A camera of 15 pictures a second whose times waver by a millisecond; ticks of the kit's clock. */
function pictures(count: number, from = 7_000_000_000, waver = 90): number[] {
  let seed = 3
  return Array.from({ length: count }, (_, at) => {
    seed = (seed * 48271) % 2147483647
    return from + at * 6000 + (seed % (2 * waver + 1)) - waver
  })
}

function told(ticks: readonly number[]): Record<string, unknown> {
  const [first, ...rest] = ticks
  return { type: 'picture_times', rate_hz: RATE, first, after: rest.map((one, at) => one - (ticks[at] as number)) }
}

/** Shows all and tells the last 48 once a second; what was said of the last picture. */
function watched(clock: SfuClock, ticks: readonly number[], shift: number, lost: (at: number) => boolean = () => false): number | null {
  let said: number | null = null
  for (const [at, tick] of ticks.entries()) {
    if (!lost(at)) said = clock.shown((((tick - shift) % WRAP) + WRAP) % WRAP)
    if (at % 15 === 14) clock.take(told(ticks.slice(Math.max(0, at - 47), at + 1)))
  }
  return said
}

describe('a picture by way of an SFU', () => {
  test.each([0, 1234, 7_000_000_000, 7_000_000_000 - WRAP + 45_000])('has its kit time, whatever zero the SFU counts from: %i', (shift) => {
    const ticks = pictures(60)
    expect(watched(new SfuClock(), ticks, shift)).toBe(((ticks.at(-1) as number) * 1_000_000) / RATE)
  })

  test('also when one of five is lost on the way', () => {
    const ticks = pictures(90)
    expect(watched(new SfuClock(), ticks, 555, (at) => at % 5 === 1)).toBe(((ticks.at(-1) as number) * 1_000_000) / RATE)
  })

  test('has none while too few came', () => {
    expect(watched(new SfuClock(), pictures(11), 555)).toBeNull()
  })

  test('has none where all distances are alike: any shift would do', () => {
    expect(watched(new SfuClock(), pictures(90, 7_000_000_000, 0), 555)).toBeNull()
  })

  test('has none when what is shown is not what the kit sent', () => {
    const clock = new SfuClock()
    const other = pictures(200).slice(100)
    for (const [at, tick] of pictures(60).entries()) {
      clock.shown(tick)
      if (at % 15 === 14) clock.take(told(other.slice(0, 48)))
    }
    expect(clock.shown(1)).toBeNull()
  })

  test('is told anew when the SFU counts from elsewhere', () => {
    const clock = new SfuClock()
    const ticks = pictures(200)
    watched(clock, ticks.slice(0, 60), 555)
    clock.forget()
    expect(clock.shown(1)).toBeNull()
    expect(watched(clock, ticks.slice(60, 130), 99_999)).toBe(((ticks[129] as number) * 1_000_000) / RATE)
    // and when nobody said that it does
    expect(watched(clock, ticks.slice(130), 4_242)).toBe(((ticks.at(-1) as number) * 1_000_000) / RATE)
  })
})

test.each([
  {},
  { ...told(pictures(3)), type: 'clock' },
  { ...told(pictures(3)), rate_hz: 0 },
  { ...told(pictures(3)), first: -1 },
  { ...told(pictures(3)), first: 0.5 },
  { ...told(pictures(3)), after: 'x' },
  { ...told(pictures(3)), after: [0] },
  { ...told(pictures(3)), after: [-3] },
  { ...told(pictures(3)), after: [null] },
  { ...told(pictures(3)), after: Array.from({ length: 64 }, () => 1) },
])('%j is no word about pictures', (message) => expect(new SfuClock().take(message)).toBe(false))
