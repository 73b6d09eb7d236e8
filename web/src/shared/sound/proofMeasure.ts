/**
 * What the sweep tells of the sound path: the blocks that the audio thread gave out, against the sweep that is known.
 *
 * At each frequency a piece of the sweep (a quarter of a second or less) is looked for in what was rendered, near where its
 * numbers say that it is. The piece is fitted by least squares with two waves a quarter turn apart, so phase and delay
 * do not matter; the size of the fit is the response, and how much of the piece it explains says whether it may be
 * believed. Pure.
 */
import { amplitude, passes, SECONDS, turns } from './proofSweep'

export const FREQUENCIES_HZ = [20, 30, 40, 60, 80, 100, 150, 200, 400, 800, 1000] as const

/** One block as the audio thread gave it out, before anything that is only for the ear. */
export interface ProofBlock {
  stream: number
  /** Number of the block's first real sample, -1 when it was all silence. */
  sample: number
  /** Number of the next sample. */
  head: number
  /** Unix time of the rendering, ms. */
  atMs: number
  samples: Float32Array
}

/** How the sweep came, beside what was rendered of it. */
export interface Arrival {
  rateHz: number
  /** Samples of the whole sweep. */
  length: number
  /** Unix time at which the kit had sample 0, by this page's clock, ms; null when the clocks could not be compared. */
  capturedMs: number | null
  /** Half the quickest way there and back, ms: the clocks are compared no better than that. */
  clockErrorMs: number
  /** Share of packets that did not come, 0-1; null where packets cannot be counted. */
  packetsLost: number | null
}

export type Answer = { db: number } | { why: 'interrupted' | 'distorted' }

export interface PathMeasure {
  rateHz: number
  response: { hz: number; answer: Answer }[]
  /** From the kit having a sample to the audio thread giving it out, median, ms. */
  latencyMs: number | null
  clockErrorMs: number
  packetsLost: number | null
  /** Share of the sweep that was never rendered, 0-1. */
  missing: number
  /** Silence that was put in between, ms, and how often. */
  waitedMs: number
  pauses: number
}

export type ProofWord = 'good' | 'filtered' | 'distorted' | 'interrupted' | 'slow' | 'silent'

/** Any deviation of an exact path is a fault; a tenth of a dB would do but for the arithmetic of a browser that resamples. */
export const TOLERANCE_DB = 0.5
export const SLOW_MS = 400
const MISSING_AT_MOST = 0.005
/** One pause is what an adaptive playout needs to find its delay. */
const PAUSES_AT_MOST = 2
const WAITED_AT_MOST_MS = 300
const EXPLAINED_AT_LEAST = 0.97
const WAVES = 6
const SHORTEST_S = 0.1
const LONGEST_S = 0.25

export function measure(blocks: readonly ProofBlock[], arrival: Arrival): PathMeasure {
  const played = Rendered.of(blocks, arrival.length)
  return {
    rateHz: arrival.rateHz,
    response: FREQUENCIES_HZ.map((hz) => ({ hz, answer: played.answer(hz, arrival.rateHz) })),
    latencyMs: latency(blocks, arrival),
    clockErrorMs: arrival.clockErrorMs,
    packetsLost: arrival.packetsLost,
    missing: played.missing,
    waitedMs: (played.waited * 1000) / arrival.rateHz,
    pauses: played.pauses,
  }
}

/** One word for the path, the worst first. */
export function judge(measured: PathMeasure): ProofWord {
  const answers = measured.response.map(({ answer }) => answer)
  if (measured.missing > 0.9) return 'silent'
  if (answers.some((answer) => 'db' in answer && Math.abs(answer.db) > TOLERANCE_DB)) return 'filtered'
  if (answers.some((answer) => 'why' in answer && answer.why === 'distorted')) return 'distorted'
  const broken = measured.pauses > PAUSES_AT_MOST || measured.waitedMs > WAITED_AT_MOST_MS
  if (broken || measured.missing > MISSING_AT_MOST || answers.some((answer) => 'why' in answer)) return 'interrupted'
  return measured.latencyMs !== null && measured.latencyMs > SLOW_MS ? 'slow' : 'good'
}

/** Lowest and highest frequency of the longest stretch that comes through as it was sent; null for none. */
export function range(measured: PathMeasure): [low: number, high: number] | null {
  let best: number[] = []
  let run: number[] = []
  for (const { hz, answer } of measured.response) {
    run = 'db' in answer && Math.abs(answer.db) <= TOLERANCE_DB ? [...run, hz] : []
    if (run.length > best.length) best = run
  }
  return best.length === 0 ? null : [best[0] as number, best[best.length - 1] as number]
}

function latency(blocks: readonly ProofBlock[], { rateHz, capturedMs }: Arrival): number | null {
  if (capturedMs === null) return null
  const found: number[] = []
  for (const block of blocks) {
    // only whole blocks: in others the first sample stands somewhere inside
    if (block.sample < 0 || block.head - block.sample !== block.samples.length) continue
    found.push(block.atMs - capturedMs - (block.sample * 1000) / rateHz)
  }
  found.sort((a, b) => a - b)
  return found[found.length >> 1] ?? null
}

/** Everything that was given out, in one row, and where the sweep's samples are in it. */
class Rendered {
  private constructor(
    readonly row: Float32Array,
    /** First place in the row and sample number, for each block that has sound. */
    readonly places: readonly (readonly [at: number, sample: number])[],
    readonly missing: number,
    readonly waited: number,
    readonly pauses: number,
    readonly block: number,
  ) {}

  static of(blocks: readonly ProofBlock[], length: number): Rendered {
    const row = new Float32Array(blocks.reduce((sum, one) => sum + one.samples.length, 0))
    const places: [number, number][] = []
    let at = 0
    let rendered = 0
    let waited = 0
    let pauses = 0
    let before = 0
    let longest = 1
    for (const block of blocks) {
      row.set(block.samples, at)
      longest = Math.max(longest, block.samples.length)
      // the sweep's last block is part silence
      const real = block.sample < 0 ? 0 : Math.min(block.head - block.sample, block.samples.length)
      const started = places.length > 0
      const over = block.head >= length
      if (real > 0) places.push([at, block.sample])
      rendered += real
      const silent = started && !over ? block.samples.length - real : 0
      if (silent > 0 && before === 0) pauses += 1
      waited += silent
      before = silent
      at += block.samples.length
    }
    return new Rendered(row, places, 1 - Math.min(1, rendered / Math.max(1, length)), waited, pauses, longest)
  }

  /** Response at a frequency: of the piece around it, or where that is broken, of the one just before or after. */
  answer(hz: number, rateHz: number): Answer {
    const seconds = Math.min(LONGEST_S, Math.max(SHORTEST_S, WAVES / hz))
    let best: Fit = { gain: 0, explained: 0 }
    for (const aside of [0, -0.5, 0.5]) {
      const middle = passes(hz) + aside * seconds
      const from = Math.max(0, middle - seconds / 2)
      const found = this.#find(new Piece(from, Math.min(SECONDS, from + seconds), rateHz))
      if (found.explained > best.explained) best = found
      if (best.explained >= EXPLAINED_AT_LEAST) return { db: rounded(20 * Math.log10(best.gain)) }
    }
    return { why: this.pauses > 0 || this.missing > 0.001 ? 'interrupted' : 'distorted' }
  }

  /** The best fit of a piece in the row, within a block of where it should be. */
  #find(piece: Piece): Fit {
    const hint = this.#placeOf(piece.first)
    let best: Fit = { gain: 0, explained: 0 }
    if (hint === null) return best
    for (let at = hint - this.block; at <= hint + this.block; at += 1) {
      if (at < 0 || at + piece.length > this.row.length) continue
      const fit = piece.fit(this.row, at)
      if (fit.explained > best.explained + 1e-9) best = fit
    }
    return best
  }

  #placeOf(sample: number): number | null {
    let hint: number | null = null
    for (const [at, first] of this.places) {
      if (hint !== null && first > sample) break
      hint = at + sample - first
    }
    return hint
  }
}

const rounded = (db: number): number => Math.round(Math.max(db, -99) * 100) / 100 + 0

interface Fit {
  /** Amplitude, of what was sent. */
  gain: number
  /** Share of the power in the piece that the fit explains, 0-1. */
  explained: number
}

/** A piece of the sweep under a Hann window, and its quarter-turned twin. */
class Piece {
  readonly first: number
  readonly length: number
  readonly #sine: Float64Array
  readonly #cosine: Float64Array
  readonly #window: Float64Array
  readonly #ss: number
  readonly #cc: number
  readonly #sc: number

  constructor(from: number, to: number, rateHz: number) {
    this.first = Math.round(from * rateHz)
    this.length = Math.max(2, Math.round((to - from) * rateHz))
    this.#sine = new Float64Array(this.length)
    this.#cosine = new Float64Array(this.length)
    this.#window = new Float64Array(this.length)
    let [ss, cc, sc] = [0, 0, 0]
    for (let index = 0; index < this.length; index += 1) {
      const at = (this.first + index) / rateHz
      const weight = 0.5 - 0.5 * Math.cos((2 * Math.PI * (index + 0.5)) / this.length)
      const level = amplitude(at)
      const sine = level * Math.sin(2 * Math.PI * turns(at))
      const cosine = level * Math.cos(2 * Math.PI * turns(at))
      this.#window[index] = weight
      this.#sine[index] = sine
      this.#cosine[index] = cosine
      ss += weight * sine * sine
      cc += weight * cosine * cosine
      sc += weight * sine * cosine
    }
    this.#ss = ss
    this.#cc = cc
    this.#sc = sc
  }

  /** Least squares of the row from `at` on. */
  fit(row: Float32Array, at: number): Fit {
    let [ys, yc, power] = [0, 0, 0]
    for (let index = 0; index < this.length; index += 1) {
      const weighted = (this.#window[index] as number) * (row[at + index] as number)
      ys += weighted * (this.#sine[index] as number)
      yc += weighted * (this.#cosine[index] as number)
      power += weighted * (row[at + index] as number)
    }
    const determinant = this.#ss * this.#cc - this.#sc * this.#sc
    if (power < 1e-12 || determinant <= 0) return { gain: 0, explained: 0 }
    const inPhase = (ys * this.#cc - yc * this.#sc) / determinant
    const aside = (yc * this.#ss - ys * this.#sc) / determinant
    return { gain: Math.hypot(inPhase, aside), explained: (inPhase * ys + aside * yc) / power }
  }
}
