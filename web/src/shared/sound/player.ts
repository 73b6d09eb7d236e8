/** The page's handle on the audio thread: one AudioContext at a whole multiple of the stream's rate, for each rate its own. */
import { EffectChain, type EffectBuilder } from './effects'
import workletUrl from './player.worklet.ts?worker&url'
import type { PlayerOrder, Rendered } from './player.worklet'
import type { ProofBlock } from './proofMeasure'
import type { SoundTap } from './tap'
import { contextRate } from './upsampler'
import type { View } from './views'

export type PlayerState = 'off' | 'running' | 'needs_gesture' | 'rate_not_playable'

export class SoundPlayer {
  state: PlayerState = 'off'
  /** Last report of the audio thread; null before the first. */
  rendered: Rendered | null = null
  onState: (state: PlayerState) => void = () => {}
  onRendered: (rendered: Rendered) => void = () => {}
  /** What was rendered of a proof's sweep, while `prove` is on. */
  onProof: (block: ProofBlock) => void = () => {}
  #context: AudioContext | null = null
  #node: AudioWorkletNode | null = null
  #rateHz = 0
  #view: View = 'raw'
  #quieter = false
  #volume = 1
  readonly #effects = new EffectChain()
  readonly #tap: SoundTap | null

  /** With a tap, packets reach the audio thread without passing the page. */
  constructor(tap: SoundTap | null) {
    this.#tap = tap
  }

  /** Make ready for streams of this rate (Hz); safe to call for each stream. Needs a user gesture before it. */
  async prepare(rateHz: number): Promise<void> {
    if (this.#rateHz === rateHz && this.#context !== null) return
    await this.#release()
    this.#rateHz = rateHz
    try {
      this.#context = new AudioContext({ sampleRate: contextRate(rateHz), latencyHint: 'interactive' })
    } catch {
      this.#become('rate_not_playable')
      return
    }
    const context = this.#context
    context.onstatechange = () => this.#become(context.state === 'running' ? 'running' : 'needs_gesture')
    await context.audioWorklet.addModule(workletUrl)
    if (this.#context !== context) return
    const processorOptions = { rateHz }
    this.#node = new AudioWorkletNode(context, 'sound-player', { numberOfInputs: 0, outputChannelCount: [1], processorOptions })
    this.#node.port.onmessage = (event: MessageEvent<Rendered | ProofBlock>) => {
      if ('samples' in event.data) return this.onProof(event.data)
      this.rendered = event.data
      this.onRendered(event.data)
    }
    await this.#effects.from(this.#node)
    if (this.#context !== context) return
    if (this.#tap !== null) {
      const { port1, port2 } = new MessageChannel()
      this.#order({ type: 'port' }, [port1])
      this.#tap.addPort(port2)
    }
    this.#order({ type: 'view', view: this.#view })
    this.#order({ type: 'quieter', on: this.#quieter })
    this.#order({ type: 'volume', volume: this.#volume })
    this.#become(context.state === 'running' ? 'running' : 'needs_gesture')
  }

  /**
   * Puts an effect between the exact samples and the loudspeaker, after those added before; it is built again for each
   * context. The returned function takes it out. Without effects the way is direct. `last`: nothing comes after it.
   */
  through(build: EffectBuilder, last = false): Promise<() => Promise<void>> {
    return this.#effects.add(build, last)
  }

  /** Call from a click: browsers play nothing before one. */
  async resume(): Promise<void> {
    await this.#context?.resume()
  }

  /** A packet that did not come through the tap (repair, or data channel as the carrier). */
  packet(data: ArrayBuffer): void {
    const copy = data.slice(0)
    this.#order({ type: 'packet', data: copy }, [copy])
  }

  /** Rate of the stream (Hz), 0 before the first `prepare`. */
  get rateHz(): number {
    return this.#rateHz
  }

  /** Hand what is rendered of a proof to `onProof`; whether on or off, the ear gets nothing of it. */
  prove(on: boolean): void {
    this.#order({ type: 'prove', on })
  }

  end(stream: number, samples: number): void {
    this.#order({ type: 'end', stream, samples })
  }

  get view(): View {
    return this.#view
  }

  set view(view: View) {
    this.#view = view
    this.#order({ type: 'view', view })
  }

  get quieter(): boolean {
    return this.#quieter
  }

  /** Steady noise taken down, for the ear only; heard a little later. A proof does not pass it. */
  set quieter(on: boolean) {
    this.#quieter = on
    this.#order({ type: 'quieter', on })
  }

  get volume(): number {
    return this.#volume
  }

  /** 1 plays as recorded; heart sounds are low, up to 8 is sensible. 0 is silence. */
  set volume(volume: number) {
    this.#volume = volume
    this.#order({ type: 'volume', volume })
  }

  /** From rendering to the loudspeaker, as the browser estimates it, ms. */
  get outputMs(): number {
    return ((this.#context?.baseLatency ?? 0) + (this.#context?.outputLatency ?? 0)) * 1000
  }

  async close(): Promise<void> {
    await this.#release()
    this.#become('off')
  }

  #order(order: PlayerOrder, transfer: Transferable[] = []): void {
    this.#node?.port.postMessage(order, transfer)
  }

  async #release(): Promise<void> {
    const context = this.#context
    this.#node?.disconnect()
    this.#context = this.#node = null
    await this.#effects.from(null)
    if (context !== null && context.state !== 'closed') await context.close()
  }

  #become(state: PlayerState): void {
    if (this.state === state) return
    this.state = state
    this.onState(state)
  }
}
