/** What the doctor's console knows: the queue, the one visit joined, the kit, and the connection itself. */
import { clock } from '../shared/clock.svelte'
import { awaySince } from '../shared/call/pictureAge'
import { type LinksTold, ofThoseHere } from '../shared/call/linkNow'
import { Api, codeOf } from '../shared/http'
import { setCareZone } from '../shared/format'
import { language } from '../shared/i18n/language.svelte'
import { SessionGuard } from '../shared/session/guard.svelte'
import { ReturningSocket, type SocketState, socketUrl } from '../shared/socket'
import { applyChange } from '../shared/visit'
import {
  type DoctorHears,
  type FromConsole,
  type KitStatus,
  type LinkQuality,
  type ListeningState,
  type LiveVitals,
  type Me,
  type Participant,
  type Person,
  PROTOCOL,
  type Relay,
  type Signal,
  type ToConsole,
  type VisitHead,
  type VisitSnapshot,
} from '../shared/wire'
import { Asked } from './asked.svelte'
import type { Earlier } from './earlier.svelte'
import { isNewer } from './newest'
import { SamePage } from './samePage'

/** A reload comes back to the same visit; kept in the tab, never in the address. */
const TAB = 'carebag.visit'
const LOOK_MS = 5000
/** The hub misses a kit within this time of its last word. */
const MISSED_WITHIN_MS = 30_000
/** Call set-up that met nobody: the call says so in its own words, and tries again. */
const OF_THE_CALL = new Set(['not_here', 'not_in_room', 'hub_stopping'])
/** What only a kit that lives says. */
const isOfKit = (message: ToConsole): boolean => message.type === 'kit_status' || message.type === 'live' || (message.type === 'link_report' && message.participant.startsWith('kit:'))
type SignalListener = (signal: Signal) => void

export class Console {
  readonly api = new Api('doctor')
  /** Questions of the medical lead. */
  readonly asked = new Asked(this.api)
  readonly guard = new SessionGuard(this.api, { unlocked: () => this.#unlocked(), out: () => this.#out(), polls: false })
  me = $state.raw<Person | null>(null)
  /** False once the hub said that nobody is signed in. */
  signedIn = $state(true)
  link = $state<SocketState>({ kind: 'connecting', sinceMs: Date.now() })
  participantId = $state('')
  queue = $state.raw<VisitHead[]>([])
  /** The visit asked for, before and while its snapshot is here. */
  visitId = $state('')
  visit = $state.raw<VisitSnapshot | null>(null)
  participants = $state.raw<Participant[]>([])
  /** Guests who stand at the door now. */
  waiting = $state.raw<string[]>([])
  /** How each participant's connection is and when that was said, by participant id. */
  links = $state.raw<LinksTold>({})
  kitOnline = $state(false)
  /** Since when the kit is online; or offline, that is since its last word, by the hub's clock, ms. */
  kitSinceMs = $state(0)
  kit = $state.raw<KitStatus | null>(null)
  vitals = $state.raw<LiveVitals | null>(null)
  listening = $state.raw<ListeningState | null>(null)
  /** What opens the TURN servers for this page, in this visit. */
  relay = $state.raw<Relay | null>(null)
  /** The hub wants media to go by way of a relay or not at all. */
  heldToRelay = $state(false)
  superseded = $state(false)
  /** Of the visit that is shown. */
  earlier = $state.raw<Earlier | null>(null)
  problem = $state('')
  #socket: ReturningSocket<ToConsole, FromConsole> | undefined
  readonly #page = new SamePage()
  #kitHeardMs = 0
  /** A snapshot that comes was asked for. */
  #joining = false
  #signals = new Set<SignalListener>()

  async start(): Promise<void> {
    try {
      const me = await this.api.get<Me>('/api/me')
      this.me = me
      setCareZone(me.time_zone)
      language.belongsTo(me.practitioner_id)
    } catch (error) {
      if (codeOf(error) !== 'unreachable') {
        await this.guard.look() // locked: it begins when its owner is back
        return
      }
      setTimeout(() => void this.start(), 2000)
      return
    }
    this.visitId = sessionStorage.getItem(TAB) ?? ''
    await this.guard.look()
    this.#connect()
    window.addEventListener('online', () => this.#socket?.hurry())
    setInterval(() => void this.#look(), LOOK_MS)
  }

  /** The owner is back: the hub gives what it withheld, over a new connection if the old one did not last. */
  #unlocked(): void {
    if (this.problem === 'session_locked') this.problem = ''
    if (this.#socket === undefined) return void this.start()
    if (this.link.kind === 'online' && this.#socket.send({ type: 'ping', id: 0 })) return
    this.#socket.stop(false)
    this.#connect()
  }

  join(visitId: string, takeOver = false): void {
    if (visitId !== this.visitId) this.#forget()
    this.visitId = visitId
    this.superseded = false
    sessionStorage.setItem(TAB, visitId)
    this.#join(takeOver)
  }

  #join(takeOver: boolean): void {
    this.#joining = true
    this.#socket?.send({ type: 'join', visit_id: this.visitId, take_over: takeOver })
  }

  leave(): void {
    this.#socket?.send({ type: 'leave' })
    sessionStorage.removeItem(TAB)
    this.visitId = ''
    this.#forget()
  }

  /** What the doctor listens to now; may be lost. */
  hears(message: DoctorHears): boolean {
    return this.#socket?.send(message) ?? false
  }

  sendSignal(signal: Signal): boolean {
    return this.#socket?.send(signal) ?? false
  }

  sendQuality(quality: LinkQuality): void {
    this.#socket?.send({ type: 'link_report', visit_id: this.visitId, participant: '', quality })
  }

  onSignal(listener: SignalListener): () => void {
    this.#signals.add(listener)
    return () => this.#signals.delete(listener)
  }

  /** Live state by any way, in sound packets, on the data channel or from the hub: the newest wins. */
  live(vitals: LiveVitals | null, listening: ListeningState | null): void {
    if (vitals && isNewer(vitals, this.vitals)) this.vitals = vitals
    // what `carebag bench live` listens to: which state was here when
    if (vitals) document.dispatchEvent(new CustomEvent('carebag:vitals', { detail: vitals }))
    if (listening === null) return
    const now = this.listening
    const newer = now === null || listening.stream > now.stream || (listening.stream === now.stream && listening.samples >= now.samples)
    if (newer) this.listening = listening
  }

  /** An act of the doctor; what failed is said in words. */
  async act(what: () => Promise<unknown>): Promise<boolean> {
    try {
      this.problem = ''
      await what()
      return true
    } catch (error) {
      this.problem = codeOf(error)
      return false
    }
  }

  async signOut(): Promise<void> {
    await this.act(() => this.api.post('/api/session/end'))
    this.#out()
  }

  #connect(): void {
    const hello = (): object => ({ type: 'hello', protocol: PROTOCOL, client: 'console', page: this.#page.next(this.superseded ? '' : this.visitId) })
    const options = { url: socketUrl('/api/ws/console?as=doctor', location), hello, pings: true }
    this.#socket = new ReturningSocket<ToConsole, FromConsole>(options, {
      message: (message) => this.#receive(message),
      state: (state) => {
        this.link = state
        if (state.kind === 'online' && this.problem === 'unreachable') this.problem = ''
      },
    })
    this.#socket.start()
  }

  /** A refused socket does not say why: while it is away, ask whether we are still signed in, or locked. */
  async #look(): Promise<void> {
    if (this.link.kind !== 'online') await this.guard.look()
  }

  #out(): void {
    this.#socket?.stop()
    this.signedIn = false
    sessionStorage.removeItem(TAB)
    this.visitId = ''
    this.queue = []
    this.me = null
    this.earlier = null
    this.#forget()
  }

  #receive(message: ToConsole): void {
    if (isOfKit(message)) this.#kitHeardMs = clock.nowMs
    switch (message.type) {
      case 'welcome':
        this.participantId = message.participant_id
        this.heldToRelay = message.relay_only
        this.asked.waiting = []
        clock.agreeWith(message.server_time)
        // this tab had the seat: its old connection may still be there, half dead
        if (this.visitId && !this.superseded) this.#join(true)
        break
      case 'queue':
        this.queue = message.visits
        break
      case 'questions_waiting':
        this.asked.told(message.ids)
        break
      case 'snapshot':
        this.#snapshot(message.snapshot)
        // not asked for: something was hidden or shown of the patient
        if (!this.#joining) void this.earlier?.load()
        this.#joining = false
        break
      case 'changed':
        if (this.visit) this.visit = applyChange(this.visit, message)
        break
      case 'present':
        if (message.visit_id !== this.visitId) break
        this.#present(message.participants, message.kit_online)
        this.waiting = message.waiting
        break
      case 'link_report':
        if (message.visit_id === this.visitId) this.links = { ...this.links, [message.participant]: { quality: message.quality, atMs: clock.nowMs } }
        break
      case 'kit_status':
        if (message.visit_id === null || message.visit_id === this.visitId) this.kit = message
        break
      case 'live':
        if (message.visit_id === this.visitId) this.live(message.vitals, message.listening)
        break
      case 'signal':
        for (const listener of this.#signals) listener(message)
        break
      case 'relay':
        if (message.visit_id === this.visitId) this.relay = message
        break
      case 'superseded':
        if (message.visit_id === this.visitId) this.superseded = true
        break
      case 'problem':
        this.#problem(message.code)
        break
      case 'pong':
        break
    }
  }

  #snapshot(snapshot: VisitSnapshot): void {
    if (this.visitId !== '' && snapshot.visit.id !== this.visitId) return
    this.visitId = snapshot.visit.id
    this.visit = snapshot
    this.superseded = false
    this.#present(snapshot.participants, snapshot.kit_online)
  }

  #present(participants: Participant[], kitOnline: boolean): void {
    this.participants = participants
    this.links = ofThoseHere(this.links, participants)
    const turned = kitOnline !== this.kitOnline
    if (turned || this.kitSinceMs === 0) this.kitSinceMs = turned && !kitOnline ? awaySince(this.#kitHeardMs, clock.nowMs, MISSED_WITHIN_MS) : clock.nowMs
    this.kitOnline = kitOnline
  }

  #problem(code: string): void {
    if (OF_THE_CALL.has(code)) return
    if (code === 'session_locked') return void this.guard.look()
    if (code === 'seat_taken') {
      this.superseded = true
      return
    }
    this.problem = code
    if (code === 'seat_ended') this.#forget()
    // a visit kept from before that may not be joined any more: back to the list
    if (this.visit === null && this.visitId !== '') {
      sessionStorage.removeItem(TAB)
      this.visitId = ''
    }
  }

  #forget(): void {
    this.visit = null
    this.participants = []
    this.waiting = []
    this.links = {}
    this.kit = null
    this.vitals = null
    this.listening = null
    this.relay = null
    this.kitSinceMs = 0
    this.superseded = false
  }
}
