/**
 * The audio thread of the live sound: packets in by message port, exact samples out, in the chosen view. Everything is done at
 * the stream's own rate; only the last step is made for the loudspeaker.
 */
import { isSoundPacket, parsePacket } from './packet'
import { LEARN_MS, Playout, type PlayoutCounts, type Silence } from './playout'
import type { ProofBlock } from './proofMeasure'
import { isProof } from './proofSweep'
import { QuieterSwitch } from './quieter'
import { Upsampler } from './upsampler'
import { ViewSwitch, type View } from './views'

declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
interface ProcessorOptions {
  processorOptions?: { rateHz?: number }
}
declare function registerProcessor(name: string, processor: new (options?: ProcessorOptions) => AudioWorkletProcessor): void
declare const sampleRate: number

/** Page → audio thread. */
export type PlayerOrder =
  | { type: 'packet'; data: ArrayBuffer }
  | { type: 'port' }
  | { type: 'end'; stream: number; samples: number }
  | { type: 'view'; view: View }
  | { type: 'quieter'; on: boolean }
  | { type: 'volume'; volume: number }
  | { type: 'prove'; on: boolean }

/** Audio thread → page, once per burst: what the browser asks for at one time (10 ms, some ask for more). */
export interface Rendered extends PlayoutCounts {
  stream: number
  /** Number of the burst's first real sample, -1 when it was all silence. */
  sample: number
  /** Number of the next sample. */
  head: number
  /** Unix time at which the burst's first sample left our code, ms. */
  atMs: number
  /** Why there is silence in the burst; null when there is none. */
  silence: Silence | null
  /** Sound waiting to be played. */
  levelMs: number
  /** How much later the sound is played than by the quickest packet. */
  targetMs: number
}

const VOLUME_MS = 20
/** Blocks further apart than this were asked for at different times. */
const BURST_MS = 2
/** No report waits for longer than so much sound. */
const LONGEST_MS = 40

/** What was given out since the last report. */
interface Burst {
  stream: number
  sample: number
  head: number
  atMs: number
  silence: Silence | null
  blocks: Float32Array[]
  length: number
}

class SoundPlayerProcessor extends AudioWorkletProcessor {
  readonly #rateHz: number
  /** Of a proof's sweep all is measured, from the first sample on. */
  readonly #playout: Playout
  readonly #quieter: QuieterSwitch
  readonly #views: ViewSwitch
  readonly #upsampler: Upsampler
  /** What the ear was given last. */
  #heard = -1
  #volume = 0
  #wanted = 1
  #proving = false
  #burst: Burst | null = null
  #lastMs = 0

  constructor(options?: ProcessorOptions) {
    super()
    this.#rateHz = options?.processorOptions?.rateHz ?? sampleRate
    this.#playout = new Playout(this.#rateHz, (stream) => (isProof(stream) ? 0 : LEARN_MS))
    this.#quieter = new QuieterSwitch(this.#rateHz)
    this.#views = new ViewSwitch(this.#rateHz)
    this.#upsampler = new Upsampler(sampleRate / this.#rateHz)
    this.port.onmessage = (event: MessageEvent<PlayerOrder>) => this.#take(event)
  }

  #take(event: MessageEvent<PlayerOrder>): void {
    const order = event.data
    if (order.type === 'packet') this.#packet(order.data)
    else if (order.type === 'end') this.#playout.end(order.stream, order.samples)
    else if (order.type === 'view') this.#views.choose(order.view)
    else if (order.type === 'quieter') this.#quieter.choose(order.on)
    else if (order.type === 'volume') this.#wanted = order.volume
    else if (order.type === 'prove') this.#proving = order.on
    else {
      const port = event.ports[0]
      if (port) port.onmessage = (packet: MessageEvent<ArrayBuffer>) => this.#packet(packet.data)
    }
  }

  #packet(data: ArrayBuffer): void {
    if (!isSoundPacket(data)) return
    const packet = parsePacket(data)
    if (!('refused' in packet)) this.#playout.take(packet)
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const channels = outputs[0] ?? []
    const out = channels[0]
    if (out === undefined) return true
    const exact = new Float32Array(this.#upsampler.wants(out.length))
    this.#note(this.#playout.render(exact), exact)
    if (isProof(this.#playout.stream)) exact.fill(0)
    else this.#shape(exact)
    this.#upsampler.fill(out, exact)
    for (const other of channels.slice(1)) other.set(out)
    return true
  }

  /** The quieter view, the filter and the volume, for the ear only. */
  #shape(samples: Float32Array): void {
    if (this.#heard !== this.#playout.stream) this.#quieter.begin()
    this.#heard = this.#playout.stream
    const step = 1000 / (VOLUME_MS * this.#rateHz)
    for (let index = 0; index < samples.length; index += 1) {
      this.#volume += Math.max(-step, Math.min(step, this.#wanted - this.#volume))
      samples[index] = this.#views.step(this.#quieter.step(samples[index] as number)) * this.#volume
    }
  }

  #note(sample: number, samples: Float32Array): void {
    const now = Date.now()
    const { stream, silence } = this.#playout
    const before = this.#burst
    if (before !== null) {
      const longest = before.length >= (LONGEST_MS * this.#rateHz) / 1000
      if (now - this.#lastMs > BURST_MS || longest || before.stream !== stream) this.#report(before)
    }
    this.#lastMs = now
    const quieter = isProof(stream) ? 0 : this.#quieter.delay
    const later = this.#upsampler.delay + quieter
    const delayMs = (later * 1000) / this.#rateHz
    this.#burst ??= { stream, sample: -1, head: 0, atMs: now + delayMs, silence: null, blocks: [], length: 0 }
    const burst = this.#burst
    if (burst.sample < 0) burst.sample = sample
    burst.silence ??= silence
    burst.head = Math.max(this.#playout.begins, this.#playout.head - quieter)
    burst.length += samples.length
    if (isProof(stream) && this.#proving) burst.blocks.push(samples.slice())
  }

  #report(burst: Burst): void {
    this.#burst = null
    if (burst.stream < 0 || burst.length === 0) return
    if (isProof(burst.stream)) return this.#prove(burst)
    const rendered: Rendered = {
      ...this.#playout.counts,
      stream: burst.stream,
      sample: burst.sample,
      head: burst.head,
      atMs: burst.atMs,
      silence: burst.silence,
      levelMs: this.#playout.levelMs,
      targetMs: this.#playout.targetMs,
    }
    this.port.postMessage(rendered)
  }

  /** What would have been played of the sweep goes to the page to be measured; the ear gets silence. */
  #prove({ stream, sample, head, atMs, blocks }: Burst): void {
    if (blocks.length === 0) return
    const samples = new Float32Array(blocks.reduce((sum, one) => sum + one.length, 0))
    let at = 0
    for (const one of blocks) {
      samples.set(one, at)
      at += one.length
    }
    const block: ProofBlock = { stream, sample, head, atMs, samples }
    this.port.postMessage(block, [samples.buffer])
  }
}

registerProcessor('sound-player', SoundPlayerProcessor)
