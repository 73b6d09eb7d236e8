/** Tones for the headphone check, through a context of their own: stereo, at the device's rate, nothing of body sound. */
import type { Ear } from './headphonesCheck'

const LEVEL = 0.35
const RAMP_S = 0.12

export class Tones {
  #context: AudioContext | null = null
  #sounding: { oscillator: OscillatorNode; gain: GainNode } | null = null

  /** Begins a tone, in one ear or both; call from a click the first time. One that sounds ends. */
  async begin(hz: number, ear: Ear | null): Promise<void> {
    this.end()
    const context = (this.#context ??= new AudioContext())
    await context.resume()
    const gain = new GainNode(context, { gain: 0 })
    const pan = new StereoPannerNode(context, { pan: ear === null ? 0 : ear === 'left' ? -1 : 1 })
    const oscillator = new OscillatorNode(context, { frequency: hz })
    oscillator.connect(gain).connect(pan).connect(context.destination)
    // slowly in and out: a click would be heard where the tone is not
    gain.gain.setValueAtTime(0, context.currentTime)
    gain.gain.linearRampToValueAtTime(LEVEL, context.currentTime + RAMP_S)
    oscillator.start()
    this.#sounding = { oscillator, gain }
  }

  end(): void {
    const context = this.#context
    if (context === null || this.#sounding === null) return
    const { oscillator, gain } = this.#sounding
    this.#sounding = null
    gain.gain.cancelScheduledValues(context.currentTime)
    gain.gain.setValueAtTime(gain.gain.value, context.currentTime)
    gain.gain.linearRampToValueAtTime(0, context.currentTime + RAMP_S)
    oscillator.stop(context.currentTime + RAMP_S)
  }

  async close(): Promise<void> {
    this.end()
    await this.#context?.close()
    this.#context = null
  }
}
