/** The audio thread of the live sound: packets in by message port, exact samples out, in the chosen view. */
import { isSoundPacket, parsePacket } from './packet'
import { LEARN_MS, Playout, type PlayoutCounts, type Silence } from './playout'
import type { ProofBlock } from './proofMeasure'
import { isProof } from './proofSweep'
import { ViewSwitch, type View } from './views'

declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void
declare const sampleRate: number

/** Page → audio thread. */
export type PlayerOrder =
  | { type: 'packet'; data: ArrayBuffer }
  | { type: 'port' }
  | { type: 'end'; stream: number; samples: number }
  | { type: 'view'; view: View }
  | { type: 'volume'; volume: number }
  | { type: 'prove'; on: boolean }

/** Audio thread → page, once per block (128 samples). */
export interface Rendered extends PlayoutCounts {
  stream: number
  /** Number of the block's first real sample, -1 when it was all silence. */
  sample: number
  /** Number of the next sample. */
  head: number
  /** Unix time of the rendering, ms. */
  atMs: number
  /** Why there is silence in the block; null when there is none. */
  silence: Silence | null
  /** Sound waiting to be played. */
  levelMs: number
  /** How much later the sound is played than by the quickest packet. */
  targetMs: number
}

const VOLUME_MS = 20

class SoundPlayerProcessor extends AudioWorkletProcessor {
  /** Of a proof's sweep all is measured, from the first sample on. */
  readonly #playout = new Playout(sampleRate, (stream) => (isProof(stream) ? 0 : LEARN_MS))
  readonly #views = new ViewSwitch(sampleRate)
  #volume = 0
  #wanted = 1
  #proving = false

  constructor() {
    super()
    this.port.onmessage = (event: MessageEvent<PlayerOrder>) => this.#take(event)
  }

  #take(event: MessageEvent<PlayerOrder>): void {
    const order = event.data
    if (order.type === 'packet') this.#packet(order.data)
    else if (order.type === 'end') this.#playout.end(order.stream, order.samples)
    else if (order.type === 'view') this.#views.choose(order.view)
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
    const sample = this.#playout.render(out)
    if (isProof(this.#playout.stream)) {
      this.#prove(sample, out)
      return true
    }
    const step = 1000 / (VOLUME_MS * sampleRate)
    for (let index = 0; index < out.length; index += 1) {
      this.#volume += Math.max(-step, Math.min(step, this.#wanted - this.#volume))
      out[index] = this.#views.step(out[index] as number) * this.#volume
    }
    for (const other of channels.slice(1)) other.set(out)
    this.#report(sample)
    return true
  }

  /** What would have been played of the sweep goes to the page to be measured; the ear gets silence. */
  #prove(sample: number, out: Float32Array): void {
    if (this.#proving) {
      const { stream, head } = this.#playout
      const block: ProofBlock = { stream, sample, head, atMs: Date.now(), samples: out.slice() }
      this.port.postMessage(block, [block.samples.buffer])
    }
    out.fill(0)
  }

  #report(sample: number): void {
    if (this.#playout.stream < 0) return
    const rendered: Rendered = {
      ...this.#playout.counts,
      stream: this.#playout.stream,
      sample,
      head: this.#playout.head,
      atMs: Date.now(),
      silence: this.#playout.silence,
      levelMs: this.#playout.levelMs,
      targetMs: this.#playout.targetMs,
    }
    this.port.postMessage(rendered)
  }
}

registerProcessor('sound-player', SoundPlayerProcessor)
