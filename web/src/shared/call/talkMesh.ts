/**
 * Voices and faces between everyone in a room, browser to browser, one `TalkPeer` for each pair. Doctors call everyone,
 * the nurse calls guests, and of two alike the one with the smaller id: so both ends know who offers.
 */
import type { Participant } from '../wire'
import type { CallPath } from './callPath'
import type { SignalBody } from './instrumentPeer'
import type { Distrust, KitTrust } from './kitTrust'
import { Leaving } from './leaving'
import { OwnMedia } from './ownMedia'
import { TalkPeer, type TalkState } from './talkPeer'

export type Face = { id: string; name: string; role: Participant['role']; stream: MediaStream | null; state: TalkState }
export type MeshOptions = {
  send: (to: string, body: SignalBody) => void
  onFaces: (faces: Face[]) => void
  /** Somebody shows a second picture: the examination camera. */
  onShown?: (from: string, track: MediaStreamTrack) => void
  onLocal?: (stream: MediaStream | null) => void
  own?: OwnMedia
  /** By which servers the next connection may go. */
  path?: () => CallPath
  /** Judges what comes from the nurse's page. */
  trust?: KitTrust
  onTrust?: (distrust: Distrust | null) => void
}

/** For all faces that leave this page together. */
const ALL_FACES_BPS = 500_000
const LEAST_FACE_BPS = 60_000
const RANK: Record<string, number> = { doctor: 0, nurse: 1, guest: 2 }
type Pair = { peer: TalkPeer; leaving: Leaving; face: Face }

/** Whether `me` offers to `other`; ids are participants', such as `doctor:…:1`. */
export function offersTo(me: string, other: string): boolean {
  const rank = (id: string): number => RANK[id.split(':')[0] ?? ''] ?? 3
  return rank(me) !== rank(other) ? rank(me) < rank(other) : me < other
}

export class TalkMesh {
  readonly own: OwnMedia
  #pairs = new Map<string, Pair>()
  #microphone = true
  #camera = true
  #shown: MediaStreamTrack | null = null
  #shownTo = new Set<string>()

  constructor(readonly options: MeshOptions) {
    this.own = options.own ?? new OwnMedia()
  }

  /** Everyone to talk with now; one who is gone from the list is hung up on after a moment. */
  meet(me: string, others: readonly Participant[]): void {
    const here = new Set(others.map((one) => one.id))
    for (const other of others) {
      const pair = this.#pairs.get(other.id) ?? this.#call(me, other)
      pair.leaving.here()
      pair.face = { ...pair.face, name: other.name }
    }
    for (const [id, pair] of this.#pairs) if (!here.has(id)) pair.leaving.away()
    this.#tell()
  }

  /** Call set-up; true if it was for one of these calls. */
  signal(sender: string, body: SignalBody): boolean {
    const pair = this.#pairs.get(sender)
    pair?.peer.signal(body)
    return pair !== undefined
  }

  mute(on: boolean): void {
    this.#microphone = !on
    for (const { peer } of this.#pairs.values()) peer.microphone = !on
  }

  hide(on: boolean): void {
    this.#camera = !on
    for (const { peer } of this.#pairs.values()) peer.camera = !on
  }

  /** Show this picture to these participants and to nobody else. */
  show(track: MediaStreamTrack | null, to: ReadonlySet<string>): void {
    this.#shown = track
    this.#shownTo = new Set(to)
    for (const [id, { peer }] of this.#pairs) peer.show(this.#shownFor(id))
  }

  async retryMedia(): Promise<void> {
    this.own.close()
    await Promise.all([...this.#pairs.values()].map(({ peer }) => peer.retryMedia()))
  }

  /** This end has another address. */
  renew(): void {
    for (const { peer } of this.#pairs.values()) peer.renew()
  }

  connections(): [string, RTCPeerConnection][] {
    return [...this.#pairs].flatMap(([id, { peer }]) => (peer.connection === null ? [] : [[id, peer.connection] as [string, RTCPeerConnection]]))
  }

  close(): void {
    for (const id of [...this.#pairs.keys()]) this.#end(id)
    this.own.close()
  }

  #call(me: string, other: Participant): Pair {
    const face: Face = { id: other.id, name: other.name, role: other.role, stream: null, state: 'waiting' }
    const set = (change: Partial<Face>): void => {
      pair.face = { ...pair.face, ...change }
      this.#tell()
    }
    const peer = new TalkPeer({
      offers: offersTo(me, other.id),
      send: (body) => this.options.send(other.id, body),
      open: this.own.open,
      faceBps: () => Math.max(LEAST_FACE_BPS, ALL_FACES_BPS / Math.max(1, this.#pairs.size)),
      onRemote: (stream) => set({ stream }),
      onShown: (track) => this.options.onShown?.(other.id, track),
      onLocal: (stream) => this.options.onLocal?.(stream),
      onState: (state) => set({ state }),
      ...(this.options.path ? { path: this.options.path } : {}),
      ...(this.options.trust && other.role === 'nurse' ? { trust: this.options.trust } : {}),
      ...(this.options.onTrust ? { onTrust: this.options.onTrust } : {}),
    })
    const pair: Pair = { peer, face, leaving: new Leaving(() => this.#end(other.id)) }
    this.#pairs.set(other.id, pair)
    peer.microphone = this.#microphone
    peer.camera = this.#camera
    if (me.startsWith('doctor:') && other.role === 'guest') peer.show(this.#shownFor(other.id))
    void peer.start()
    return pair
  }

  #shownFor(id: string): MediaStreamTrack | null {
    return this.#shownTo.has(id) ? this.#shown : null
  }

  #end(id: string): void {
    const pair = this.#pairs.get(id)
    if (pair === undefined) return
    this.#pairs.delete(id)
    pair.leaving.here()
    pair.peer.close()
    this.#tell()
  }

  #tell(): void {
    this.options.onFaces([...this.#pairs.values()].map((pair) => pair.face))
  }
}
