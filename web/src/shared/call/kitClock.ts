/**
 * One clock: the kit's monotonic one. Each sound packet carries its time; for pictures the kit says once a second which RTP
 * time stands for which time of its clock. So a heart sound can be put beside the picture without comparing the clocks of
 * two machines.
 */
const WRAP = 2 ** 32

/** RTP time `rtp` of the track `mid` is kit time `t_us` (microseconds); `edge/carebag_edge/live/rtp_clock.py` sends it. */
export interface ClockPoint {
  mid: string
  track: string
  rtp: number
  rate_hz: number
  t_us: number
}

/** What was shown, and when: `kitUs` by the kit's clock, `atMs` by this page's (Unix time). */
export interface PictureTime {
  kitUs: number
  atMs: number
}

export class KitClock {
  readonly #points = new Map<string, ClockPoint>()

  /** Take a `clock` message; false for anything that is not one. */
  take(message: Record<string, unknown>): boolean {
    const point = pointOf(message)
    if (point !== null) this.#points.set(point.track, point)
    return point !== null
  }

  /** Kit time of an RTP time of this track, microseconds; null before the kit said anything of it. */
  timeOf(track: string, rtp: number): number | null {
    const point = this.#points.get(track)
    if (point === undefined) return null
    // the nearer way round: 32 bits wrap after 13 hours
    const ahead = ((rtp - point.rtp + WRAP * 1.5) % WRAP) - WRAP / 2
    return point.t_us + (ahead * 1_000_000) / point.rate_hz
  }

  /** A new connection counts from elsewhere: what was said of the old one holds no longer. */
  forget(): void {
    this.#points.clear()
  }
}

function pointOf(message: Record<string, unknown>): ClockPoint | null {
  const { mid, track, rtp, rate_hz, t_us } = message
  if (typeof mid !== 'string' || typeof track !== 'string') return null
  if (!within(rtp, WRAP) || !within(rate_hz, 1e6) || rate_hz === 0 || !within(t_us, Number.MAX_SAFE_INTEGER)) return null
  return { mid, track, rtp, rate_hz, t_us }
}

function within(value: unknown, below: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < below
}

/** What `requestVideoFrameCallback` tells that is used here. */
interface Shown {
  rtpTimestamp?: number
  expectedDisplayTime: number
}

/** The part of a video element that is used here. */
export interface FrameSource {
  requestVideoFrameCallback(done: (now: number, shown: Shown) => void): number
  cancelVideoFrameCallback(handle: number): void
}

/**
 * Tell the kit time of each picture of the examination camera as it is shown, until the returned function is called. `shown`
 * is told of every picture: when, in `performance.now()` time, and its kit time (microseconds) where that is known.
 */
export function watchPictures(video: FrameSource, clock: Pick<KitClock, 'timeOf'>, tell: (picture: PictureTime) => void, shown: (pageMs: number, kitUs: number | null) => void = () => undefined): () => void {
  if (!('requestVideoFrameCallback' in video)) return () => undefined
  let handle = 0
  const look = (_now: number, { rtpTimestamp, expectedDisplayTime }: Shown): void => {
    handle = video.requestVideoFrameCallback(look)
    const kitUs = rtpTimestamp === undefined ? null : clock.timeOf('camera', rtpTimestamp)
    shown(expectedDisplayTime, kitUs)
    if (kitUs !== null) tell({ kitUs, atMs: performance.timeOrigin + expectedDisplayTime })
  }
  handle = video.requestVideoFrameCallback(look)
  return () => video.cancelVideoFrameCallback(handle)
}
