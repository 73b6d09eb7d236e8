/** The vital signs that ride in sound packets (layout: edge/carebag_edge/live/vitals_block.py). */
import type { LiveVitals } from '../wire'

const FORM = 1
const HEAD_BYTES = 18
const STATES = ['live', 'stale', 'lost', 'invalid'] as const
/** Beyond this, a lower kit time is another boot of the kit, not a packet that was overtaken. */
const REBOOT_US = 60_000_000
/** Times of samples and of sending are this near to each other. */
const NEAR_US = 1_000_000

/** A block as the message that it copies, without pulse wave; null for what is not one. */
export function readVitalsBlock(data: Uint8Array): LiveVitals | null {
  if (data.length < HEAD_BYTES || data[0] !== FORM) return null
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const state = STATES[view.getUint8(1)]
  const since = moment(view, 6)
  const measuredAt = moment(view, 12)
  const texts = readTexts(data.subarray(HEAD_BYTES))
  if (state === undefined || since === null || texts === null) return null
  const [spo2, pulse, problem, deviceId] = texts
  return {
    type: 'live_vitals',
    seq: view.getUint32(2),
    state,
    since,
    spo2_percent: spo2 || null,
    pulse_per_min: pulse || null,
    problem: problem || null,
    measured_at: measuredAt,
    device_id: deviceId,
    pleth: [],
  }
}

function moment(view: DataView, at: number): string | null {
  const ms = view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2)
  const date = new Date(ms)
  return ms === 0 || Number.isNaN(date.getTime()) ? null : date.toISOString()
}

function readTexts(data: Uint8Array): [string, string, string, string] | null {
  const texts: string[] = []
  let at = 0
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for (let left = 4; left > 0; left -= 1) {
    const length = data[at]
    if (length === undefined || data.length < at + 1 + length) return null
    try {
      texts.push(decoder.decode(data.subarray(at + 1, at + 1 + length)))
    } catch {
      return null
    }
    at += 1 + length
  }
  return at === data.length ? (texts as [string, string, string, string]) : null
}

/** Lets through what is newer: packets overtake each other, and a kit that starts anew counts from the beginning. */
export class NewestVitals {
  #seq = -1
  #timeUs = 0

  /** True when a state with this number, in a packet of this kit time (µs), is newer than all before. */
  take(seq: number, timeUs: number): boolean {
    const behindUs = this.#timeUs - timeUs
    if (behindUs > NEAR_US && behindUs < REBOOT_US) return false
    const restarted = seq < this.#seq && (behindUs < 0 || behindUs >= REBOOT_US)
    if (seq <= this.#seq && !restarted) return false
    this.#seq = seq
    this.#timeUs = timeUs
    return true
  }
}
