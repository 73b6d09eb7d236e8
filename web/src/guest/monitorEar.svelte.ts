/** Plays the kit's monitor sound: as loud as the guest wants, turned down before it would be cut off. */
import { guardEffect } from '../shared/sound/guardEffect'

/** Heart sounds are low: up to eight times as sent. */
export const LOUDEST = 8
const USUAL = 3

export class MonitorEar {
  volume = $state(USUAL)
  muted = $state(false)
  /** The browser plays nothing before somebody presses. */
  silent = $state(false)
  #context: AudioContext | undefined
  #gain: GainNode | undefined
  #source: MediaStreamAudioSourceNode | undefined
  /** Chromium gives a call's sound to an AudioContext only while an element plays it too. */
  #puller: HTMLAudioElement | undefined

  hear(stream: MediaStream): void {
    this.#puller ??= Object.assign(new Audio(), { muted: true })
    this.#puller.srcObject = stream
    void this.#puller.play().catch(() => undefined)
    const gain = this.#open()
    this.#source?.disconnect()
    this.#source = gain.context instanceof AudioContext ? gain.context.createMediaStreamSource(stream) : undefined
    this.#source?.connect(gain)
    this.press()
  }

  /** From a click too. */
  press(): void {
    const context = this.#context
    if (context === undefined) return
    this.silent = context.state !== 'running'
    void context.resume().catch(() => undefined)
  }

  setVolume(volume: number): void {
    this.volume = volume
    this.#level()
  }

  mute(on: boolean): void {
    this.muted = on
    this.#level()
  }

  close(): void {
    if (this.#puller) this.#puller.srcObject = null
    void this.#context?.close()
    this.#context = this.#gain = this.#source = this.#puller = undefined
    this.silent = false
  }

  #open(): GainNode {
    if (this.#gain !== undefined) return this.#gain
    const context = (this.#context = new AudioContext())
    const gain = (this.#gain = context.createGain())
    context.onstatechange = () => (this.silent = context.state !== 'running')
    this.#level()
    void this.#guarded(context, gain)
    return gain
  }

  /** Without the guard it is still heard. */
  async #guarded(context: AudioContext, gain: GainNode): Promise<void> {
    const guard = await guardEffect(() => undefined)(context).catch(() => null)
    if (context.state === 'closed') return
    if (!(guard instanceof AudioNode)) return void gain.connect(context.destination)
    gain.connect(guard).connect(context.destination)
  }

  #level(): void {
    if (this.#gain) this.#gain.gain.value = this.muted ? 0 : this.volume
  }
}
