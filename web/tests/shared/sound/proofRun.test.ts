import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type KitMessage, type ProofOutcome, ProofRun } from '../../../src/shared/sound/proofRun'
import { PROOF_STREAMS, sweep } from '../../../src/shared/sound/proofSweep'

const RATE = 4000
const BLOCK = 128
const PROOF = PROOF_STREAMS + 5
const AHEAD = -123_456

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A page that proves; the kit's part is played by the test. */
class Page {
  readonly sent: KitMessage[] = []
  proving = false
  outcome: ProofOutcome | undefined
  readonly run: ProofRun

  constructor(rateHz = RATE) {
    this.run = new ProofRun(
      { send: (message) => this.sent.push(message as KitMessage) > 0, prove: (on) => (this.proving = on) },
      rateHz,
      (outcome) => (this.outcome = outcome),
    )
  }

  asked(type: string): KitMessage[] {
    return this.sent.filter((message) => message.type === type)
  }

  /** The first question, answered after 40 ms there and 40 back. */
  answerClock(): void {
    this.run.message({ type: 'clock_is', id: this.asked('clock_ask')[0]?.['id'], kit_ms: Date.now() - 40 + AHEAD })
  }

  begin(more: object = {}): void {
    this.run.message({ type: 'proof_begin', stream: PROOF, rate_hz: RATE, samples: 3 * RATE, kit_ms: Date.now() + AHEAD, ...more })
  }

  /** The sweep rendered, whole blocks from now on, as it should be. */
  render(delayMs: number, stream = PROOF): void {
    const samples = sweep(RATE)
    const began = Date.now()
    for (let first = 0; first < samples.length; first += BLOCK) {
      const part = new Float32Array(BLOCK)
      part.set(samples.subarray(first, first + BLOCK))
      const head = Math.min(first + BLOCK, samples.length)
      this.run.block({ stream, sample: first, head, atMs: began + (first * 1000) / RATE + delayMs, samples: part })
    }
  }

  end(): void {
    this.run.message({ type: 'sound_end', stream: PROOF, samples: 3 * RATE, gaps: [], sha256: '0'.repeat(64) })
  }
}

describe('a proof', () => {
  test('asks for the sweep at the rate of the page and for the clock, and measures what comes', () => {
    const page = new Page()
    expect(page.proving).toBe(true)
    expect(page.sent[0]).toEqual({ type: 'proof_ask', rate_hz: RATE })
    vi.advanceTimersByTime(60)
    vi.advanceTimersByTime(80)
    page.answerClock()
    page.begin()
    page.render(100)
    page.end()
    vi.advanceTimersByTime(60)
    expect(page.outcome).toMatchObject({ kind: 'measured', proof: PROOF, word: 'good' })
    const measured = page.outcome?.kind === 'measured' ? page.outcome.measured : undefined
    expect(measured?.packetsLost).toBe(null)
    expect(Math.abs((measured?.latencyMs ?? 0) - 100)).toBeLessThanOrEqual(measured?.clockErrorMs ?? 0)
    expect(page.proving).toBe(false)
  })

  test('loses nothing of what comes before the kit’s word of it', () => {
    const page = new Page()
    page.render(100)
    page.end()
    vi.advanceTimersByTime(1000)
    expect(page.outcome).toBe(undefined)
    page.begin({ kit_ms: Date.now() - 1000 + AHEAD })
    vi.advanceTimersByTime(60)
    expect(page.outcome).toMatchObject({ kind: 'measured', word: 'good', measured: { missing: 0 } })
  })

  test('gives way to body sound', () => {
    const page = new Page()
    page.begin()
    page.run.message({ type: 'proof_stopped', stream: PROOF, reason: 'listening' })
    expect(page.outcome).toEqual({ kind: 'none', why: 'listening' })
    const refused = new Page()
    refused.run.message({ type: 'proof_stopped', stream: null, reason: 'listening' })
    expect(refused.outcome).toEqual({ kind: 'none', why: 'listening' })
  })

  test('is not held up by a kit that knows nothing of proofs', () => {
    const page = new Page()
    vi.advanceTimersByTime(5900)
    expect(page.outcome).toBe(undefined)
    vi.advanceTimersByTime(300)
    expect(page.outcome).toEqual({ kind: 'none', why: 'no_answer' })
  })

  test('says that nothing came when only words came', () => {
    const page = new Page()
    page.begin()
    vi.advanceTimersByTime(9000)
    expect(page.outcome).toMatchObject({ kind: 'measured', word: 'silent' })
  })

  test('does not wait for what does not come after the end', () => {
    const page = new Page()
    page.begin()
    page.end()
    vi.advanceTimersByTime(1400)
    expect(page.outcome).toBe(undefined)
    vi.advanceTimersByTime(300)
    expect(page.outcome).toMatchObject({ kind: 'measured', word: 'silent' })
  })

  test('takes nothing of another stream, and no nonsense', () => {
    const page = new Page()
    page.begin({ stream: 7 })
    page.begin({ rate_hz: 8000 })
    page.begin({ samples: 'many' })
    page.run.message({ type: 'proof_stopped', stream: 3, reason: 'listening' })
    page.run.packet(new ArrayBuffer(3), 'live')
    page.begin()
    page.render(50, 1)
    page.end()
    vi.advanceTimersByTime(2000)
    expect(page.outcome).toMatchObject({ kind: 'measured', word: 'silent' })
  })

  test('cancelled, it is over and says nothing more', () => {
    const page = new Page()
    page.begin()
    page.run.cancel()
    page.render(50)
    page.end()
    vi.advanceTimersByTime(20_000)
    expect(page.outcome).toBe(undefined)
    expect(page.proving).toBe(false)
  })
})
