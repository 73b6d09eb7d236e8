/** The audio thread of the pitch aid; it stands after everything that is measured. */
import { type Octaves, PitchAid } from './aidShift'

interface ProcessorOptions {
  processorOptions?: { octaves?: Octaves }
}
declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new (options: ProcessorOptions) => AudioWorkletProcessor): void
declare const sampleRate: number

class PitchAidProcessor extends AudioWorkletProcessor {
  readonly #aid: PitchAid

  constructor(options: ProcessorOptions) {
    super()
    this.#aid = new PitchAid(sampleRate, options.processorOptions?.octaves ?? 1)
    this.port.onmessage = (event: MessageEvent<Octaves>) => (this.#aid.octaves = event.data)
  }

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const input = inputs[0]?.[0]
    const [out, ...others] = outputs[0] ?? []
    if (out === undefined) return true
    for (let index = 0; index < out.length; index += 1) out[index] = this.#aid.step(input?.[index] ?? 0)
    for (const other of others) other.set(out)
    return true
  }
}

registerProcessor('pitch-aid', PitchAidProcessor)
