/** Pieces of sound that lie still: the last seconds of a live stream, or a recording fetched from the hub. Pure. */
import { named } from './names'
import { GAP, HERE, UNKNOWN } from './stream'
import type { DrawnMark, PhonoSource, SoundMark } from './trace'

export interface Excerpt extends PhonoSource {
  readonly stream: number
  /** Number of the first sample within its stream. */
  readonly first: number
  /** Sample numbers within the excerpt. */
  readonly marks: readonly DrawnMark[]
}

export const REPLAY_S = 30

/** A copy of the newest seconds, without what has not come yet at the end. */
export function lastSeconds(source: PhonoSource & { stream: number }, marks: readonly SoundMark[], seconds = REPLAY_S): Excerpt {
  let end = source.samples.length
  while (end > 0 && source.known[end - 1] === UNKNOWN) end -= 1
  const first = Math.max(0, end - seconds * source.rateHz)
  return {
    samples: source.samples.slice(first, end),
    known: source.known.slice(first, end),
    rateHz: source.rateHz,
    stream: source.stream,
    first,
    marks: named(marks, source.rateHz)
      .filter(([sample]) => sample >= first && sample < end)
      .map(([sample, name]) => [sample - first, name]),
  }
}

export interface RecordingFacts {
  stream: number
  rate_hz: number
  samples: number
  gaps: readonly { first_sample: number; samples: number }[]
  sound_marks?: readonly SoundMark[] | readonly (readonly unknown[])[]
}

/** A recording out of its file (PCM16 LE), or why the file is not what its record says. */
export function recordingOf(facts: RecordingFacts, file: ArrayBuffer): Excerpt | { refused: string } {
  if (file.byteLength !== 2 * facts.samples) return { refused: 'wrong_length' }
  const samples = new Int16Array(facts.samples)
  const view = new DataView(file)
  for (let at = 0; at < samples.length; at += 1) samples[at] = view.getInt16(2 * at, true)
  const known = new Uint8Array(samples.length).fill(HERE)
  for (const gap of facts.gaps) {
    if (gap.first_sample + gap.samples > samples.length) return { refused: 'gap_out_of_range' }
    known.fill(GAP, gap.first_sample, gap.first_sample + gap.samples)
  }
  const marks = (facts.sound_marks ?? []) as readonly SoundMark[]
  const within = marks.filter(([sample]) => sample < samples.length)
  return { samples, known, rateHz: facts.rate_hz, stream: facts.stream, first: 0, marks: named(within, facts.rate_hz) }
}
