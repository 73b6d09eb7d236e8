/** The doctor's face and voice on the nurse's page; the nurse's go the other way, browser to browser. */
import type { SignalBody } from '../shared/call/instrumentPeer'
import { TalkPeer, type TalkState } from '../shared/call/talkPeer'
import type { Signal } from '../shared/wire'
import type { Kit } from './kit.svelte'

export class Talk {
  doctor = $state.raw<MediaStream | null>(null)
  state = $state<TalkState>('waiting')
  muted = $state(false)
  noOwnMedia = $state(false)
  #other: string | undefined
  #peer: TalkPeer | undefined

  constructor(
    readonly kit: Kit,
    readonly visitId: string,
  ) {}

  start(): () => void {
    const off = this.kit.onSignal((signal) => {
      if (signal.visit_id === this.visitId && signal.sender === this.#other) void this.#peer?.signal(signal as unknown as SignalBody)
    })
    return () => {
      off()
      this.meet(undefined)
    }
  }

  /** The doctor who is in the room now, or nobody. */
  meet(doctor: string | undefined): void {
    if (doctor === this.#other) return
    this.#other = doctor
    this.#peer?.close()
    this.#peer = undefined
    this.doctor = null
    this.state = 'waiting'
    if (doctor === undefined) return
    this.#peer = new TalkPeer({
      offers: false,
      send: (body) => this.#send(doctor, body),
      onRemote: (stream) => (this.doctor = stream),
      onLocal: (stream) => (this.noOwnMedia = stream === null),
      onState: (state) => (this.state = state),
    })
    this.#peer.microphone = !this.muted
    void this.#peer.start()
  }

  mute(on: boolean): void {
    this.muted = on
    if (this.#peer) this.#peer.microphone = !on
  }

  #send(to: string, { epoch, description = null, candidate = null }: SignalBody): void {
    this.kit.send({ type: 'signal', visit_id: this.visitId, sender: '', to, epoch, description: description as Signal['description'], candidate: candidate as Signal['candidate'] })
  }
}
