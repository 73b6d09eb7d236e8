/** The others in the room besides the one whom the page already talks with: guests, and a second doctor. */
import type { LinkQuality, Participant, Signal } from '../wire'
import type { CallPath } from './callPath'
import type { SignalBody } from './instrumentPeer'
import { LinkWatch } from './linkQuality'
import { type Face, TalkMesh } from './talkMesh'

export type RoomTalkOptions = {
  visitId: string
  send: (signal: Signal) => void
  report: (quality: LinkQuality) => void
  /** The page's other connections, measured together with these. */
  connections: () => [string, RTCPeerConnection][]
  /** By which servers the next connection may go. */
  path?: () => CallPath
}

export class RoomTalk {
  faces = $state.raw<Face[]>([])
  /** Of this page itself; null: nothing measured, or connected with nobody. */
  own = $state.raw<LinkQuality | null>(null)
  #mesh: TalkMesh | undefined
  #muted = false
  #hidden = false
  #shown: MediaStreamTrack | null = null
  #shownTo: ReadonlySet<string> = new Set()

  constructor(readonly options: RoomTalkOptions) {}

  /** Begins to measure; returns what ends everything. */
  start(): () => void {
    const watch = new LinkWatch(
      () => [...this.options.connections(), ...(this.#mesh?.connections() ?? [])],
      (quality) => {
        this.own = quality
        if (quality !== null) this.options.report(quality)
      },
    )
    return () => {
      watch.close()
      this.end()
    }
  }

  /** Whom to talk with now. Camera and microphone are not opened a second time before there is somebody. */
  meet(me: string, others: readonly Participant[]): void {
    if (me === '' || (others.length === 0 && this.#mesh === undefined)) return
    this.#mesh ??= this.#begin()
    this.#mesh.meet(me, others)
  }

  signal(signal: Signal): boolean {
    return this.#mesh?.signal(signal.sender, signal as unknown as SignalBody) ?? false
  }

  mute(on: boolean): void {
    this.#muted = on
    this.#mesh?.mute(on)
  }

  hide(on: boolean): void {
    this.#hidden = on
    this.#mesh?.hide(on)
  }

  /** Show the examination camera to these participants and to nobody else. */
  show(track: MediaStreamTrack | null, to: ReadonlySet<string>): void {
    this.#shown = track
    this.#shownTo = to
    this.#mesh?.show(track, to)
  }

  /** This end has another address. */
  renew(): void {
    this.#mesh?.renew()
  }

  end(): void {
    this.#mesh?.close()
    this.#mesh = undefined
    this.faces = []
  }

  #begin(): TalkMesh {
    const mesh = new TalkMesh({
      send: (to, body) => this.#send(to, body),
      onFaces: (faces) => (this.faces = faces),
      ...(this.options.path ? { path: this.options.path } : {}),
    })
    mesh.mute(this.#muted)
    mesh.hide(this.#hidden)
    mesh.show(this.#shown, this.#shownTo)
    return mesh
  }

  #send(to: string, { epoch, description = null, candidate = null }: SignalBody): void {
    const addressed = { type: 'signal' as const, visit_id: this.options.visitId, sender: '', to, epoch, proof: '' }
    this.options.send({ ...addressed, description: description as Signal['description'], candidate: candidate as Signal['candidate'] })
  }
}
