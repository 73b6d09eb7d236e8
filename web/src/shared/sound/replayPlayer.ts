/** The page's handle on what is played again; an AudioContext at a whole multiple of its rate, apart from the live sound's. */
import type { Pitch } from './replay'
import workletUrl from './replay.worklet.ts?worker&url'
import type { Replayed, ReplayOrder } from './replay.worklet'
import type { Speed } from './slow'
import type { PhonoSource } from './trace'
import { contextRate } from './upsampler'
import type { View } from './views'

export class ReplayPlayer {
  onReplayed: (replayed: Replayed) => void = () => {}
  #context: AudioContext | null = null
  #rateHz = 0
  #node: AudioWorkletNode | null = null
  /** Said before the audio thread was there, and said again to a new one: the last of each kind. */
  #orders = new Map<ReplayOrder['type'], ReplayOrder>()

  /**
   * Take this piece; from a click, since browsers play nothing before one.
   *
   * Raises: an error of the browser where no sound can be played at this rate.
   */
  async load(source: PhonoSource): Promise<void> {
    for (const type of ['range', 'seek', 'play'] as const) this.#orders.delete(type)
    const { rateHz } = source
    if (this.#context === null || this.#rateHz !== rateHz) await this.#begin(rateHz)
    this.#order({ type: 'load', samples: source.samples.slice(), known: source.known.slice() })
    await this.#context?.resume()
  }

  range(from: number, to: number): void {
    this.#order({ type: 'range', from, to })
  }

  seek(sample: number): void {
    this.#order({ type: 'seek', sample })
  }

  play(playing: boolean, loop: boolean): void {
    this.#order({ type: 'play', playing, loop })
  }

  speed(speed: Speed, pitch: Pitch): void {
    this.#order({ type: 'speed', speed, pitch })
  }

  set view(view: View) {
    this.#order({ type: 'view', view })
  }

  set quieter(on: boolean) {
    this.#order({ type: 'quieter', on })
  }

  set volume(volume: number) {
    this.#order({ type: 'volume', volume })
  }

  async close(): Promise<void> {
    const context = this.#context
    this.#node?.disconnect()
    this.#context = this.#node = null
    if (context !== null && context.state !== 'closed') await context.close()
  }

  async #begin(rateHz: number): Promise<void> {
    await this.close()
    const context = new AudioContext({ sampleRate: contextRate(rateHz), latencyHint: 'interactive' })
    this.#context = context
    this.#rateHz = rateHz
    await context.audioWorklet.addModule(workletUrl)
    if (this.#context !== context) return
    const processorOptions = { rateHz }
    const node = new AudioWorkletNode(context, 'sound-replay', { numberOfInputs: 0, outputChannelCount: [1], processorOptions })
    node.port.onmessage = (event: MessageEvent<Replayed>) => this.onReplayed(event.data)
    node.connect(context.destination)
    this.#node = node
    for (const order of this.#orders.values()) if (order.type !== 'load') node.port.postMessage(order)
  }

  #order(order: ReplayOrder): void {
    if (order.type !== 'load') this.#orders.set(order.type, order)
    this.#node?.port.postMessage(order)
  }
}
