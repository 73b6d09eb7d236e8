/** A guest's way in: look at the link, say who one is, try camera and microphone, wait at the door, be in the room. */
import { fromFragment } from '../entrance/fragment'
import { type CallPath, pathBy } from '../shared/call/callPath'
import { LinkWatch } from '../shared/call/linkQuality'
import { OwnMedia } from '../shared/call/ownMedia'
import type { SignalBody } from '../shared/call/instrumentPeer'
import { type Face, TalkMesh } from '../shared/call/talkMesh'
import { clock } from '../shared/clock.svelte'
import { Api, codeOf } from '../shared/http'
import { ReturningSocket, type SocketState, socketUrl } from '../shared/socket'
import { type FromGuest, type GuestRoom, type GuestSelf, type LinkQuality, PROTOCOL, type Relay, type Signal, type ToGuest } from '../shared/wire'
import { Examination } from './examination.svelte'

export type Stage = 'looking' | 'name' | 'test' | 'waiting' | 'room' | 'left' | 'over'
const LOOK_MS = 5000
/** Endings that are no fault. */
const FINISHED = new Set(['visit_closed', 'guest_visit_over'])

export class GuestVisit {
  readonly own = new OwnMedia()
  readonly examination = new Examination({ send: (to, body) => this.#send(to, body), path: () => this.#path() })
  stage = $state<Stage>('looking')
  name = $state('')
  problem = $state('')
  busy = $state(false)
  room = $state.raw<GuestRoom | null>(null)
  faces = $state.raw<Face[]>([])
  /** The examination camera, while a doctor's page passes it on. */
  shown = $state.raw<MediaStream | null>(null)
  quality = $state.raw<LinkQuality | null>(null)
  muted = $state(false)
  hidden = $state(false)
  link = $state<SocketState>({ kind: 'connecting', sinceMs: Date.now() })
  #api = new Api(undefined)
  #token: string | undefined
  #me = ''
  /** What opens the TURN servers for this page. */
  #relay: Relay | null = null
  #heldToRelay = false
  #socket: ReturningSocket<ToGuest, FromGuest> | undefined
  #mesh: TalkMesh | undefined
  #watch: LinkWatch | undefined
  #looking: ReturnType<typeof setInterval> | undefined

  get finished(): boolean {
    return FINISHED.has(this.problem)
  }

  async start(): Promise<void> {
    this.#token = fromFragment(location.hash, 'token')
    // the secret leaves the address bar and the history at once
    history.replaceState(null, '', location.pathname)
    try {
      const token = this.#token
      const self = token === undefined ? await this.#api.get<GuestSelf>('/api/guest') : await this.#api.post<GuestSelf>('/api/guest/look', { token })
      this.name = self.name
      this.stage = self.state === 'invited' ? 'name' : 'test'
    } catch (error) {
      if (codeOf(error) === 'unreachable') return void setTimeout(() => void this.start(), 2000)
      // a link cut short by a mail program is no link: to reload helps nobody
      const cut = this.#token !== undefined && codeOf(error) === 'bad_request'
      this.#over(cut ? 'guest_link_unknown' : codeOf(error))
    }
  }

  /** Uses the link up: from now on this browser is known. */
  async enter(): Promise<void> {
    this.busy = true
    this.problem = ''
    try {
      await this.#api.post('/api/guest/enter', { token: this.#token, name: this.name })
      this.stage = 'test'
    } catch (error) {
      const code = codeOf(error)
      if (code === 'unreachable' || code === 'bad_request') this.problem = code
      else this.#over(code)
    }
    this.busy = false
  }

  knock(): void {
    this.stage = 'waiting'
    this.#mesh = new TalkMesh({
      own: this.own,
      path: () => this.#path(),
      send: (to, body) => this.#send(to, body),
      onFaces: (faces) => (this.faces = faces),
      onShown: (_from, track) => (this.shown = new MediaStream([track])),
    })
    this.#mesh.mute(this.muted)
    this.#mesh.hide(this.hidden)
    this.#watch = new LinkWatch(() => this.#mesh?.connections() ?? [], (quality) => this.#measured(quality))
    const options = { url: socketUrl('/api/ws/guest', location), hello: () => ({ type: 'hello', protocol: PROTOCOL, client: 'guest' }), pings: true }
    this.#socket = new ReturningSocket<ToGuest, FromGuest>(options, {
      message: (message) => this.#receive(message),
      state: (state) => {
        this.link = state
        if (state.kind === 'refused') this.#over(state.code)
      },
    })
    this.#socket.start()
    this.#looking = setInterval(() => void this.#look(), LOOK_MS)
    window.addEventListener('online', this.#online)
  }

  /** Another window of this browser is the one in the visit: this one takes its place. Nobody is let in twice. */
  comeHere(): void {
    this.problem = ''
    this.knock()
  }

  mute(on: boolean): void {
    this.muted = on
    this.#mesh?.mute(on)
  }

  hide(on: boolean): void {
    this.hidden = on
    this.#mesh?.hide(on)
  }

  leave(): void {
    this.#hangUp()
    this.stage = 'left'
  }

  /** A refused socket does not say why: while it is away, ask whether we are still welcome. */
  async #look(): Promise<void> {
    if (this.link.kind === 'online') return
    try {
      await this.#api.get('/api/guest')
    } catch (error) {
      if (codeOf(error) !== 'unreachable') this.#over(codeOf(error))
    }
  }

  /** This phone was without any network. */
  readonly #online = (): void => {
    this.#mesh?.renew()
    this.examination.renew()
  }

  #receive(message: ToGuest): void {
    if (message.type === 'welcome') this.#welcomed(message)
    else if (message.type === 'guest_room') this.#entered(message)
    else if (message.type === 'relay') this.#relay = message
    else if (message.type === 'signal' && !this.examination.signal(message)) this.#mesh?.signal(message.sender, message as unknown as SignalBody)
  }

  #welcomed(message: Extract<ToGuest, { type: 'welcome' }>): void {
    this.#me = message.participant_id
    this.#heldToRelay = message.relay_only
    clock.agreeWith(message.server_time)
  }

  #entered(room: GuestRoom): void {
    if (room.state === 'ended') return this.#over(room.reason ?? 'guest_revoked')
    this.room = room
    this.stage = room.state === 'admitted' ? 'room' : 'waiting'
    if (!room.camera) this.shown = null
    this.#mesh?.meet(this.#me, room.participants)
    this.examination.meet(this.#me, room)
  }

  #measured(quality: LinkQuality | null): void {
    this.quality = quality
    if (this.room && quality !== null) this.#socket?.send({ type: 'link_report', visit_id: this.room.visit_id, participant: '', quality })
  }

  #send(to: string, { epoch, description = null, candidate = null }: SignalBody): void {
    if (this.room === null) return
    const addressed = { type: 'signal' as const, visit_id: this.room.visit_id, sender: '', to, epoch, proof: '' }
    this.#socket?.send({ ...addressed, description: description as Signal['description'], candidate: candidate as Signal['candidate'] })
  }

  #path(): CallPath {
    return pathBy(this.#relay, this.#heldToRelay)
  }

  #over(code: string): void {
    this.problem = code
    this.stage = 'over'
    this.#hangUp()
  }

  #hangUp(): void {
    clearInterval(this.#looking)
    window.removeEventListener('online', this.#online)
    this.#watch?.close()
    this.#socket?.stop()
    this.#mesh?.close()
    this.examination.close()
    this.own.close()
    this.#mesh = undefined
    this.#socket = undefined
    this.faces = []
    this.shown = null
    this.room = null
  }
}
