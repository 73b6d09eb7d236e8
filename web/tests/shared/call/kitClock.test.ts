import { describe, expect, test } from 'vitest'
import { type FrameSource, KitClock, type PictureTime, watchPictures } from '../../../src/shared/call/kitClock'

const WRAP = 2 ** 32
const point = { type: 'clock', mid: '0', track: 'camera', rtp: 1000, rate_hz: 90_000, t_us: 5_000_000 }

describe('the kit time of a picture', () => {
  test('is counted from what the kit said last', () => {
    const clock = new KitClock()
    expect(clock.timeOf('camera', 1000)).toBeNull()
    expect(clock.take(point)).toBe(true)
    expect(clock.timeOf('camera', 1000)).toBe(5_000_000)
    expect(clock.timeOf('camera', 1000 + 90_000)).toBe(6_000_000)
    expect(clock.timeOf('camera', 1000 - 900)).toBe(4_990_000)
    expect(clock.timeOf('exact', 1000)).toBeNull()
  })

  test('does not jump where RTP time wraps', () => {
    const clock = new KitClock()
    clock.take({ ...point, rtp: WRAP - 45_000 })
    expect(clock.timeOf('camera', 45_000)).toBe(6_000_000)
    clock.take({ ...point, rtp: 45_000 })
    expect(clock.timeOf('camera', WRAP - 45_000)).toBe(4_000_000)
  })

  test('is not told by what belonged to an earlier connection', () => {
    const clock = new KitClock()
    clock.take(point)
    clock.forget()
    expect(clock.timeOf('camera', 1000)).toBeNull()
  })

  test.each([
    {},
    { ...point, mid: 0 },
    { ...point, track: null },
    { ...point, rtp: -1 },
    { ...point, rtp: WRAP },
    { ...point, rtp: 0.5 },
    { ...point, rate_hz: 0 },
    { ...point, rate_hz: '90000' },
    { ...point, t_us: Number.NaN },
    { ...point, t_us: Number.MAX_SAFE_INTEGER + 2 },
  ])('nonsense is refused: %j', (message) => {
    const clock = new KitClock()
    expect(clock.take(message)).toBe(false)
    expect(clock.timeOf('camera', 1)).toBeNull()
  })
})

class Screen implements FrameSource {
  #next: Parameters<FrameSource['requestVideoFrameCallback']>[0] | null = null
  cancelled = 0
  requestVideoFrameCallback(done: Parameters<FrameSource['requestVideoFrameCallback']>[0]): number {
    this.#next = done
    return 7
  }
  cancelVideoFrameCallback(handle: number): void {
    this.cancelled = handle
  }
  show(rtpTimestamp: number | undefined, expectedDisplayTime: number): void {
    this.#next?.(0, rtpTimestamp === undefined ? { expectedDisplayTime } : { rtpTimestamp, expectedDisplayTime })
  }
}

test('each picture is told as it is shown, once the kit said what its clock is', () => {
  const clock = new KitClock()
  const screen = new Screen()
  const told: PictureTime[] = []
  const shown: [number, number | null][] = []
  const stop = watchPictures(screen, clock, (picture) => told.push(picture), (pageMs, kitUs) => shown.push([pageMs, kitUs]))
  screen.show(1000, 10)
  clock.take(point)
  screen.show(1900, 20)
  screen.show(undefined, 30)
  screen.show(2800, 40)
  expect(told.map((picture) => picture.kitUs)).toEqual([5_010_000, 5_020_000])
  expect(told[0]?.atMs).toBe(performance.timeOrigin + 20)
  expect(shown).toEqual([
    [10, null],
    [20, 5_010_000],
    [30, null],
    [40, 5_020_000],
  ])
  stop()
  expect(screen.cancelled).toBe(7)
})

test('a browser without frame callbacks is left alone', () => {
  const stop = watchPictures({} as FrameSource, new KitClock(), () => undefined)
  expect(() => stop()).not.toThrow()
})
