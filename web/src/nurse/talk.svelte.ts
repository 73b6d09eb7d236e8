/** The doctor's face and voice on the nurse's page; the nurse's go the other way, browser to browser. */
import { pathBy, type RelayProblem } from '../shared/call/callPath'
import type { SignalBody } from '../shared/call/instrumentPeer'
import { Leaving } from '../shared/call/leaving'
import { RoomTalk } from '../shared/call/roomTalk.svelte'
import { TalkPeer, type TalkState } from '../shared/call/talkPeer'
import type { Participant, Signal } from '../shared/wire'
import type { Kit } from './kit.svelte'
import { rememberedMute, rememberMute } from './place'

export class Talk {
  doctor = $state.raw<MediaStream | null>(null)
  state = $state<TalkState>('waiting')
  muted = $state(false)
  /** Why this page reaches no relay. */
  relay = $state<RelayProblem | null>(null)
  /** Of the doctor last met: the call may outlive the list of who is here. */
  name = $state('')
  noOwnMedia = $state(false)
  #other: string | undefined
  #peer: TalkPeer | undefined
  readonly #leaving = new Leaving(() => this.#end())
  /** Guests, and a second doctor. */
  readonly room: RoomTalk

  constructor(
    readonly kit: Kit,
    readonly visitId: string,
  ) {
    this.room = new RoomTalk({
      visitId,
      path: () => pathBy(this.kit.relay, this.kit.state?.relay?.only),
      send: (signal) => this.kit.send(signal),
      report: (quality) => this.kit.send({ type: 'link_report', visit_id: visitId, participant: '', quality }),
      connections: () => (this.#peer?.connection ? [['doctor', this.#peer.connection]] : []),
    })
    if (rememberedMute(sessionStorage, visitId)) this.mute(true)
  }

  start(): () => void {
    const off = this.kit.onSignal((signal) => {
      if (signal.visit_id !== this.visitId || this.room.signal(signal) || this.#peer === undefined) return
      if (!signal.sender.startsWith('doctor:')) return
      // a doctor whose page was loaded anew calls under a new id
      this.#other = signal.sender
      this.#peer.signal(signal as unknown as SignalBody)
    })
    const measured = this.room.start()
    const online = (): void => this.renew()
    window.addEventListener('online', online)
    return () => {
      window.removeEventListener('online', online)
      off()
      measured()
      this.#leaving.here()
      this.#end()
    }
  }

  /**
   * The doctor who is in the room now, or nobody. Without the hub nobody is known to be there, but the call goes from
   * browser to browser and lives on.
   */
  meet(doctor: Participant | undefined, hubOnline: boolean): void {
    if (doctor === undefined) {
      if (hubOnline) this.#leaving.away()
      else this.#leaving.here()
      return
    }
    this.#leaving.here()
    this.#other = doctor.id
    this.name = doctor.name
    if (this.#peer !== undefined) return
    this.#peer = new TalkPeer({
      offers: false,
      path: () => pathBy(this.kit.relay, this.kit.state?.relay?.only),
      onRelay: (problem) => (this.relay = problem),
      send: (body) => this.#send(body),
      onRemote: (stream) => (this.doctor = stream),
      onLocal: (stream) => (this.noOwnMedia = stream === null),
      onState: (state) => (this.state = state),
    })
    this.#peer.microphone = !this.muted
    void this.#peer.start()
  }

  /** The kit, or this tablet, has another address. */
  renew(): void {
    this.#peer?.renew()
    this.room.renew()
  }

  mute(on: boolean): void {
    this.muted = on
    rememberMute(sessionStorage, this.visitId, on)
    if (this.#peer) this.#peer.microphone = !on
    this.room.mute(on)
  }

  #end(): void {
    this.#peer?.close()
    this.#peer = undefined
    this.doctor = null
    this.state = 'waiting'
    this.name = ''
  }

  #send({ epoch, description = null, candidate = null }: SignalBody): void {
    const to = this.#other
    if (to === undefined) return
    this.kit.send({ type: 'signal', visit_id: this.visitId, sender: '', to, epoch, proof: '', description: description as Signal['description'], candidate: candidate as Signal['candidate'] })
  }
}
