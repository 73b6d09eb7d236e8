/** What the nurse's page knows: the kit's state, whole at each change, and its live streams in between. */
import { fromFragment } from '../entrance/fragment'
import { clock } from '../shared/clock.svelte'
import { type LinksTold, ofThoseHere } from '../shared/call/linkNow'
import { Api, codeOf } from '../shared/http'
import { language } from '../shared/i18n/language.svelte'
import { NEAR, ReturningSocket, type SocketState, socketUrl } from '../shared/socket'
import { type FromNurse, type KitState, type ListeningState, type LiveVitals, type PageLock, PROTOCOL, type Relay, type Signal, type ToNurse } from '../shared/wire'
import { PageGuard } from './pageGuard.svelte'
import type { Talk } from './talk.svelte'
import { OnItsWay } from './taps'

export type Entry = 'entering' | 'in' | 'out'
/** Call set-up that met nobody: the call says so in its own words, and tries again. */
const OF_THE_CALL = new Set(['not_here', 'not_in_room'])
const LOOK_MS = 5000
/** What is done once by one tap; the others may well be said twice. */
const ONCE: ReadonlySet<FromNurse['type']> = new Set(['open_visit', 'close_visit', 'take_over_visit', 'close_held_visit', 'start_request', 'decline_request', 'start_listening', 'stop_listening', 'answer_question'])
/** What belongs to the visit that the page shows: the kit refuses it if another one is open by now. */
const IN_VISIT = ['close_visit', 'start_listening', 'take_spot', 'file_reading', 'put_question', 'enter_reading', 'enter_observed'] as const
type InVisit = (typeof IN_VISIT)[number]
type WithoutVisit<M> = M extends { type: InVisit } ? Omit<M, 'visit_id'> : M
const isInVisit = (type: string): type is InVisit => (IN_VISIT as readonly string[]).includes(type)
type SignalListener = (signal: Signal) => void

export class Kit {
  readonly api = new Api(undefined)
  entry = $state<Entry>('entering')
  link = $state<SocketState>({ kind: 'connecting', sinceMs: Date.now() })
  state = $state.raw<KitState | null>(null)
  vitals = $state.raw<LiveVitals | null>(null)
  listening = $state.raw<ListeningState | null>(null)
  /** How each participant's connection is and when that was said, by participant id. */
  links = $state.raw<LinksTold>({})
  /** This page's own id in the room: call set-up is addressed to it. */
  participantId = $state('')
  /** What opens the TURN servers for this page. */
  relay = $state.raw<Relay | null>(null)
  /** Code of the last refusal, for the catalogue; empty when there is none to show. */
  problem = $state('')
  readonly guard: PageGuard = new PageGuard(this.api, () => this.away)
  /** The call of the open visit: a locked page says that it goes on. */
  talk = $state.raw<Talk | null>(null)
  #socket: ReturningSocket<ToNurse, FromNurse> | undefined
  readonly #onItsWay = new OnItsWay()
  #watch: ReturnType<typeof setInterval> | undefined
  #signals = new Set<SignalListener>()

  /** What is done now would not reach the kit. */
  get away(): boolean {
    return this.link.kind !== 'online'
  }

  /** Uses up the one-time code in the address if there is one, then connects. */
  async enter(): Promise<void> {
    const code = fromFragment(location.hash, 'code')
    history.replaceState(null, '', location.pathname)
    try {
      if (code !== undefined) await this.api.post('/api/enter', { code })
      await this.api.get('/api/me')
      this.entry = 'in'
      this.#connect()
    } catch (error) {
      this.entry = 'out'
      this.problem = codeOf(error)
    }
  }

  /** False if it did not go out. The second tap of a double tap goes nowhere, and is no fault. */
  send(said: WithoutVisit<FromNurse>): boolean {
    const message = (isInVisit(said.type) ? { ...said, visit_id: this.state?.open?.visit.id ?? null } : said) as FromNurse
    if (ONCE.has(message.type) && this.#onItsWay.repeats(message, performance.now())) return true
    if (message.type !== 'link_report' && message.type !== 'signal') this.problem = ''
    const sent = this.#socket?.send(message) ?? false
    if (!sent) this.#onItsWay.over()
    if (!sent && message.type !== 'signal' && message.type !== 'link_report') this.problem = 'unreachable'
    return sent
  }

  onSignal(listener: SignalListener): () => void {
    this.#signals.add(listener)
    return () => this.#signals.delete(listener)
  }

  #connect(): void {
    const options = { url: socketUrl('/api/ws', location), hello: () => ({ type: 'hello', protocol: PROTOCOL, client: 'nurse' }), pings: true, pace: NEAR }
    this.#socket = new ReturningSocket<ToNurse, FromNurse>(options, {
      message: (message) => this.#receive(message),
      state: (state) => (this.link = state),
    })
    this.#socket.start()
    window.addEventListener('online', () => this.#socket?.hurry())
    this.#watch = setInterval(() => void this.#look(), LOOK_MS)
  }

  /** A refused socket does not say why: while it is away, ask whether the nurse is still signed in. */
  async #look(): Promise<void> {
    if (!this.away) return
    try {
      await this.api.get('/api/me')
    } catch (error) {
      const code = codeOf(error)
      this.problem = code === 'nurse_out' ? code : ''
      if (code === 'unreachable') return
      clearInterval(this.#watch)
      this.#socket?.stop()
      this.entry = 'out'
      this.#forget()
    }
  }

  /** She goes, in all her tabs; without the hub she does not come in again. */
  async signOut(): Promise<void> {
    try {
      await this.api.post('/api/leave', {})
    } catch (error) {
      this.problem = codeOf(error)
      return
    }
    clearInterval(this.#watch)
    this.#socket?.stop()
    this.problem = ''
    this.entry = 'out'
    this.#forget()
  }

  /** Nobody is signed in here: nothing of a visit stays in the page. */
  #forget(): void {
    this.state = null
    this.vitals = null
    this.listening = null
    this.relay = null
    this.links = {}
    this.guard.take(null)
  }

  #receive(message: ToNurse): void {
    switch (message.type) {
      case 'welcome':
        this.participantId = message.participant_id
        clock.agreeWith(message.server_time)
        break
      case 'kit_state':
        this.#whole(message)
        break
      case 'page_lock':
        this.#locked(message)
        break
      case 'live_vitals':
        this.vitals = message
        break
      case 'listening':
        this.listening = message
        break
      case 'link_report':
        this.links = { ...this.links, [message.participant]: { quality: message.quality, atMs: clock.nowMs } }
        break
      case 'signal':
        for (const listener of this.#signals) listener(message)
        break
      case 'relay':
        this.relay = message
        break
      case 'problem':
        this.#onItsWay.over()
        if (message.code === 'session_locked') void this.guard.look()
        else if (!OF_THE_CALL.has(message.code)) this.problem = message.code
        break
      case 'pong':
        break
    }
  }

  /** What is in the page stays as it was, but for what the call needs. */
  #locked(lock: PageLock): void {
    this.guard.take(lock)
    const { hub = 'offline', moves = 0, participants = [] } = lock
    if (this.state?.open) this.state = { ...this.state, hub, moves, open: { ...this.state.open, participants } }
  }

  #whole(state: KitState): void {
    this.guard.take(state.lock ?? null)
    if (state.nurse && state.nurse.practitioner_id !== this.state?.nurse?.practitioner_id) language.belongsTo(state.nurse.practitioner_id)
    this.state = state
    this.links = ofThoseHere(this.links, state.open?.participants ?? [])
    this.vitals = state.vitals
    this.listening = state.listening
  }
}
