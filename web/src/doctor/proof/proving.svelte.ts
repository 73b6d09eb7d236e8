/** The sound path of this visit: proved by itself when it can be, again when the way changed, and told to the hub. */
import { codeOf } from '../../shared/http'
import type { SoundPlayer } from '../../shared/sound/player'
import type { PathMeasure, ProofWord } from '../../shared/sound/proofMeasure'
import { isProofPacket, type KitMessage, type ProofOutcome, ProofRun } from '../../shared/sound/proofRun'
import type { Carrier } from '../../shared/sound/tap'
import { waitingWord } from './waitingWord'

export interface Proof {
  proof: number
  word: ProofWord
  measured: PathMeasure
  atMs: number
  /** Which connection it was made on. */
  connection: number
}

/** `off`: no sound yet, so nothing to prove. `waiting`: body sound goes first. `unanswered`: the kit did not send it. */
export type ProvingState = 'off' | 'waiting' | 'running' | 'proved' | 'old' | 'unanswered'

export interface ProvingPlace {
  player: () => SoundPlayer | undefined
  carrier: () => Carrier
  send: (message: object) => boolean
  /** Connected to the kit, sound on, and no body sound now. */
  may: () => { connected: boolean; audible: boolean; quiet: boolean }
  save: (path: object) => Promise<unknown>
}

const LOOK_MS = 250
/** The end of a body sound is still being played, a new connection still finds its pace. */
const SETTLED_MS = 1500
/** A way that comes and goes is not proved each time. */
const AGAIN_AFTER_MS = 20_000
const SAVE_AGAIN_MS = 5000
/** A kit that never answers knows no proofs. */
const UNANSWERED_AT_MOST = 3

export class Proving {
  state = $state<ProvingState>('off')
  last = $state.raw<Proof | null>(null)
  /** The hub has it. */
  saved = $state(false)
  readonly #place: ProvingPlace
  #run: ProofRun | undefined
  #connection = 0
  #connected = false
  #mayBeginAt = 0
  #triedOn = -1
  #triedAt = -Infinity
  #unanswered = 0
  #saveAt = Infinity

  constructor(place: ProvingPlace) {
    this.#place = place
  }

  /** Begins to look for a moment to prove the path; returns what ends it. */
  start(): () => void {
    const timer = setInterval(() => this.look(), LOOK_MS)
    return () => {
      clearInterval(timer)
      this.#run?.cancel()
    }
  }

  /** Ready to prove at this moment; for the button. */
  get ready(): boolean {
    const { connected, audible, quiet } = this.#place.may()
    return connected && audible && quiet && this.state !== 'running'
  }

  /** From the sound output to the loudspeaker, as the browser estimates it, ms. */
  get outputMs(): number {
    return this.#place.player()?.outputMs ?? 0
  }

  /** What the button does. */
  prove(): void {
    const player = this.#place.player()
    if (player === undefined || player.rateHz === 0) return
    this.#run?.cancel()
    this.#triedOn = this.#connection
    this.#triedAt = performance.now()
    this.state = 'running'
    const connection = this.#connection
    const path = { send: this.#place.send, prove: (on: boolean) => player.prove(on) }
    const run = (this.#run = new ProofRun(path, player.rateHz, (outcome) => this.#done(outcome, connection)))
    player.onProof = (block) => run.block(block)
  }

  /** A packet that may be of a proof; true when it was, and is not for anybody else. */
  packet(data: ArrayBuffer, how: 'live' | 'repair'): boolean {
    if (!isProofPacket(data)) return false
    this.#run?.packet(data, how)
    return true
  }

  message(message: KitMessage): void {
    this.#run?.message(message)
  }

  look(now = performance.now()): void {
    const may = this.#place.may()
    const { connected, audible, quiet } = may
    if (connected && !this.#connected) this.#connection += 1
    this.#connected = connected
    if (!connected || !quiet || !audible) this.#mayBeginAt = now + SETTLED_MS
    if (now >= this.#saveAt) void this.#save()
    if (this.state === 'running') return
    if (this.last === null && (this.state === 'off' || this.state === 'waiting')) this.state = waitingWord(this.state, may)
    if (this.last !== null && this.state === 'proved' && this.#changed()) this.state = 'old'
    if (this.#due() && now >= this.#mayBeginAt && now - this.#triedAt > this.#pauseMs) this.prove()
  }

  #due(): boolean {
    if (this.state === 'unanswered') return this.#unanswered < UNANSWERED_AT_MOST
    return this.#triedOn !== this.#connection || this.state === 'waiting' || this.state === 'old'
  }

  get #pauseMs(): number {
    return this.last === null && this.state !== 'unanswered' ? 0 : AGAIN_AFTER_MS
  }

  #changed(): boolean {
    const rateHz = this.#place.player()?.rateHz ?? 0
    return this.last?.connection !== this.#connection || (rateHz !== 0 && this.last.measured.rateHz !== rateHz)
  }

  #done(outcome: ProofOutcome, connection: number): void {
    if (outcome.kind === 'none') {
      this.state = outcome.why === 'listening' ? 'waiting' : 'unanswered'
      this.#unanswered += outcome.why === 'no_answer' ? 1 : 0
      return
    }
    const { proof, word, measured } = outcome
    this.#unanswered = 0
    this.last = { proof, word, measured, atMs: Date.now(), connection }
    this.state = 'proved'
    this.saved = false
    void this.#save()
  }

  async #save(): Promise<void> {
    const proof = this.last
    this.#saveAt = Infinity
    if (proof === null) return
    try {
      await this.#place.save(bodyOf(proof, this.#place.carrier()))
      if (this.last === proof) this.saved = true
    } catch (error) {
      // the hub is away: what was measured stays true, and is told later
      if (codeOf(error) === 'unreachable') this.#saveAt = performance.now() + SAVE_AGAIN_MS
    }
  }
}

/** As the hub takes it (`MakePathProof`). */
function bodyOf({ proof, word, measured }: Proof, carrier: Carrier): object {
  return {
    proof,
    word,
    carrier,
    rate_hz: measured.rateHz,
    response: measured.response.map(({ hz, answer }) => ({ hz, db: 'db' in answer ? answer.db : null })),
    latency_ms: measured.latencyMs === null ? null : Math.round(measured.latencyMs),
    clock_error_ms: Math.min(60_000, Math.round(measured.clockErrorMs)),
    packets_lost: measured.packetsLost,
    missing: measured.missing,
    waited_ms: Math.round(measured.waitedMs),
    pauses: measured.pauses,
  }
}
