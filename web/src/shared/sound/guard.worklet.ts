/** The guard as a node of its own, last before the loudspeaker. Tells the page by how much it turns down. */
import { Guard } from './guard'

declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void
declare const sampleRate: number

const REPORT_MS = 100
/** Smaller changes are not worth a word. */
const NEWS_DB = 0.5

class GuardProcessor extends AudioWorkletProcessor {
  readonly #guard = new Guard(sampleRate)
  #since = 0
  #told = 0

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const [input, channels] = [inputs[0]?.[0], outputs[0] ?? []]
    const out = channels[0]
    if (out === undefined) return true
    for (let at = 0; at < out.length; at += 1) out[at] = this.#guard.step(input?.[at] ?? 0)
    for (const other of channels.slice(1)) other.set(out)
    this.#report(out.length)
    return true
  }

  #report(samples: number): void {
    this.#since += samples
    const reducedDb = this.#guard.reducedDb
    const news = Math.abs(reducedDb - this.#told) >= NEWS_DB || (reducedDb === 0 && this.#told > 0)
    if (!news || this.#since < (REPORT_MS * sampleRate) / 1000) return
    this.#since = 0
    this.#told = reducedDb
    this.port.postMessage(reducedDb)
  }
}

registerProcessor('sound-guard', GuardProcessor)
