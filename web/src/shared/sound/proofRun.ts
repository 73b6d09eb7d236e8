/**
 * One proof of the sound path from asking to verdict: clocks compared, the sweep asked for, what arrives and what is
 * rendered collected, and measured. The way in, repair included, is that of body sound (`ExactSound`, `Playout`).
 */
import { parsePacket } from './packet'
import { ProofClock, QUESTIONS } from './proofClock'
import { judge, measure, type PathMeasure, type ProofBlock, type ProofWord } from './proofMeasure'
import { isProof } from './proofSweep'
import { ExactSound, type SoundEnd } from './stream'

export interface ProofPath {
  /** Send on the `repair` channel; false when it is closed. */
  send(message: object): boolean
  /** Have what is rendered of a proof handed to `block`, or no more. */
  prove(on: boolean): void
}

/** `listening`: body sound goes first. `no_answer`: not reached, or a kit that knows no proofs. */
export type ProofOutcome =
  | { kind: 'measured'; proof: number; word: ProofWord; measured: PathMeasure }
  | { kind: 'none'; why: 'listening' | 'no_answer' }

export type KitMessage = { type: string } & Record<string, unknown>

const TICK_MS = 60
const NO_ANSWER_MS = 6000
/** So long without anything new, and nothing more will come; shorter once the kit has said that it was all. */
const PATIENCE_MS = 5000
const AFTER_END_MS = 1500
const LONGEST_MS = 30_000

export class ProofRun {
  readonly #path: ProofPath
  readonly #rateHz: number
  readonly #done: (outcome: ProofOutcome) => void
  readonly #now: () => number
  readonly #clock: ProofClock
  readonly #copy: ExactSound
  readonly #timer: ReturnType<typeof setInterval>
  readonly #blocks: ProofBlock[] = []
  /** What came before the kit's word of it: that goes another way, and may be the later. */
  #early: { data: ArrayBuffer; how: 'live' | 'repair' }[] = []
  #earlyEnd: SoundEnd | null = null
  /** Numbers of the packets that came by themselves. */
  readonly #came = new Set<number>()
  #chunkSamples = 0
  #questions = 0
  #askedAt: number
  #proof = -1
  #length = 0
  #kitMs = 0
  #ended = false
  #newsAt = 0
  #over = false

  /** `now` is the Unix time by the page's clock, ms. `done` is called once, unless the run is cancelled before. */
  constructor(path: ProofPath, rateHz: number, done: (outcome: ProofOutcome) => void, now: () => number = Date.now) {
    this.#path = path
    this.#rateHz = rateHz
    this.#done = done
    this.#now = now
    this.#clock = new ProofClock(now)
    this.#copy = new ExactSound({ ask: (message) => path.send(message), now })
    this.#askedAt = now()
    path.prove(true)
    path.send({ type: 'proof_ask', rate_hz: rateHz })
    this.#timer = setInterval(() => this.tick(), TICK_MS)
  }

  cancel(): void {
    if (this.#over) return
    this.#over = true
    clearInterval(this.#timer)
    this.#copy.close()
    this.#path.prove(false)
  }

  /** Words of the kit on the data channel; those of body sound are not for here. */
  message(message: KitMessage): void {
    if (message.type === 'clock_is') this.#clock.told(message['id'], message['kit_ms'])
    else if (message.type === 'proof_begin') this.#begun(message)
    else if (message.type === 'proof_stopped') this.#stopped(message)
    else if (message.type === 'sound_end') this.#all(message as unknown as SoundEnd)
  }

  /** A packet of a proof, as it came or as it was asked for again. */
  packet(data: ArrayBuffer, how: 'live' | 'repair'): void {
    if (this.#proof < 0) return void this.#early.push({ data, how })
    const packet = parsePacket(data)
    if ('refused' in packet || packet.stream !== this.#proof) return
    this.#chunkSamples = packet.chunkSamples
    // the newest chunk is the packet's own, the others repeat earlier ones
    if (how === 'live' && packet.chunks.length > 0) this.#came.add(Math.max(...packet.chunks.map((chunk) => chunk.number)))
    this.#copy.take(data, how)
    this.#newsAt = this.#now()
  }

  block(block: ProofBlock): void {
    this.#blocks.push(block)
    if (block.sample >= 0) this.#newsAt = this.#now()
  }

  tick(): void {
    if (this.#over) return
    const now = this.#now()
    if (this.#questions < QUESTIONS) {
      this.#questions += 1
      this.#path.send(this.#clock.ask())
    }
    if (this.#proof < 0) {
      if (now - this.#askedAt > NO_ANSWER_MS) this.#finish({ kind: 'none', why: 'no_answer' })
      return
    }
    const last = this.#blocks[this.#blocks.length - 1]
    const all = this.#ended && last?.stream === this.#proof && last.head >= this.#length
    const quiet = now - this.#newsAt > (this.#ended ? AFTER_END_MS : PATIENCE_MS)
    if (all || quiet || now - this.#askedAt > LONGEST_MS) this.#finish(this.#outcome())
  }

  #begun(message: KitMessage): void {
    const { stream, samples, kit_ms: kitMs } = message
    if (typeof stream !== 'number' || !isProof(stream) || message['rate_hz'] !== this.#rateHz) return
    if (typeof samples !== 'number' || typeof kitMs !== 'number') return
    this.#proof = stream
    this.#length = samples
    this.#kitMs = kitMs
    this.#askedAt = this.#newsAt = this.#now()
    for (const { data, how } of this.#early.splice(0)) this.packet(data, how)
    if (this.#earlyEnd !== null) this.#all(this.#earlyEnd)
  }

  #stopped(message: KitMessage): void {
    const ours = message['stream'] === null || message['stream'] === this.#proof
    // another one of this page has taken its place
    if (ours && message['reason'] === 'listening') this.#finish({ kind: 'none', why: 'listening' })
  }

  #all(end: SoundEnd): void {
    if (this.#proof < 0 && isProof(end.stream)) this.#earlyEnd = end
    if (this.#ended || end.stream !== this.#proof) return
    this.#ended = true
    this.#newsAt = this.#now()
    this.#copy.end(end)
  }

  #outcome(): ProofOutcome {
    const expected = this.#chunkSamples === 0 ? 0 : Math.ceil(this.#length / this.#chunkSamples)
    const blocks = this.#blocks.filter(({ stream }) => stream === this.#proof)
    const measured = measure(blocks, {
      rateHz: this.#rateHz,
      length: this.#length,
      capturedMs: this.#clock.here(this.#kitMs),
      clockErrorMs: this.#clock.errorMs,
      packetsLost: expected === 0 ? null : Math.max(0, 1 - this.#came.size / expected),
    })
    return { kind: 'measured', proof: this.#proof, word: judge(measured), measured }
  }

  #finish(outcome: ProofOutcome): void {
    if (this.#over) return
    this.cancel()
    this.#done(outcome)
  }
}

/** Whether a packet belongs to a proof and so is not for the store of body sound. */
export function isProofPacket(data: ArrayBuffer): boolean {
  const packet = parsePacket(data)
  return !('refused' in packet) && isProof(packet.stream)
}
