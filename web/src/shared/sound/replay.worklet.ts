/** The audio thread of what is played again: samples in once, then orders; in the chosen view, speed and loop. */
import { Replay, type Pitch } from './replay'
import type { Speed } from './slow'
import { Upsampler } from './upsampler'
import type { View } from './views'

declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
interface ProcessorOptions {
  processorOptions?: { rateHz?: number }
}
declare function registerProcessor(name: string, processor: new (options?: ProcessorOptions) => AudioWorkletProcessor): void
declare const sampleRate: number

/** Page → audio thread. */
export type ReplayOrder =
  | { type: 'load'; samples: Int16Array; known: Uint8Array }
  | { type: 'range'; from: number; to: number }
  | { type: 'seek'; sample: number }
  | { type: 'play'; playing: boolean; loop: boolean }
  | { type: 'speed'; speed: Speed; pitch: Pitch }
  | { type: 'view'; view: View }
  | { type: 'quieter'; on: boolean }
  | { type: 'volume'; volume: number }

/** Audio thread → page, about twenty times a second, and at once when it stops. */
export interface Replayed {
  head: number
  playing: boolean
  /** By how much it is turned down so that nothing is cut off. */
  reducedDb: number
}

const REPORT_MS = 50

class ReplayProcessor extends AudioWorkletProcessor {
  readonly #rateHz: number
  readonly #replay: Replay
  readonly #upsampler: Upsampler
  #since = 0
  #was = false

  constructor(options?: ProcessorOptions) {
    super()
    this.#rateHz = options?.processorOptions?.rateHz ?? sampleRate
    this.#replay = new Replay(this.#rateHz)
    this.#upsampler = new Upsampler(sampleRate / this.#rateHz)
    this.port.onmessage = (event: MessageEvent<ReplayOrder>) => this.#take(event.data)
  }

  #take(order: ReplayOrder): void {
    if (order.type === 'load') this.#replay.load(order.samples, order.known)
    else if (order.type === 'range') this.#replay.range(order.from, order.to)
    else if (order.type === 'seek') this.#replay.seek(order.sample)
    else if (order.type === 'speed') this.#replay.speed(order.speed, order.pitch)
    else if (order.type === 'view') this.#replay.view(order.view)
    else if (order.type === 'quieter') this.#replay.quieter(order.on)
    else if (order.type === 'volume') this.#replay.volume = order.volume
    else {
      this.#replay.playing = order.playing
      this.#replay.loop = order.loop
    }
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const channels = outputs[0] ?? []
    const out = channels[0]
    if (out === undefined) return true
    const samples = new Float32Array(this.#upsampler.wants(out.length))
    this.#replay.render(samples)
    this.#upsampler.fill(out, samples)
    for (const other of channels.slice(1)) other.set(out)
    this.#report(samples.length)
    return true
  }

  #report(samples: number): void {
    const { head, playing, reducedDb } = this.#replay
    this.#since += samples
    if (playing === this.#was && (!playing || this.#since < (REPORT_MS * this.#rateHz) / 1000)) return
    this.#since = 0
    this.#was = playing
    const replayed: Replayed = { head, playing, reducedDb }
    this.port.postMessage(replayed)
  }
}

registerProcessor('sound-replay', ReplayProcessor)
