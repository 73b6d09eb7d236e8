/** Whose page this is: it locks when nobody is here, and asks for a proof of who somebody is before what binds them. */
import { type Api, codeOf, LOCKED, Refused } from '../http'
import type { SessionNow } from '../wire'
import { lockAlone, type Seen, tellNow, verdict } from './idle'

const TICK_MS = 5000
const INPUT = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const

export class SessionGuard {
  /** The page is covered; what is in it, and a call, stay as they are. */
  locked = $state(false)
  session = $state.raw<SessionNow | null>(null)
  /** A proof is asked for, to go on with what was begun. */
  asking = $state(false)
  #whose = ''
  #seen: Seen
  /** Locked here, and the hub has not heard of it. */
  #owed = false
  #looks = 0
  /** The newest answer that counted. */
  #taken = 0
  #answer: ((proved: boolean) => void) | undefined

  /**
   * @param on.unlocked - the owner is back
   * @param on.out - nobody is signed in any more
   * @param on.polls - the page has no socket that would say that it is locked
   */
  constructor(
    readonly api: Api,
    readonly on: { unlocked: () => void; out: () => void; polls: boolean },
  ) {
    const nowMs = Date.now()
    this.#seen = { nowMs, inputMs: nowMs, toldMs: nowMs, openMs: nowMs, idleMs: 900_000 }
    for (const kind of INPUT) window.addEventListener(kind, () => (this.#seen.inputMs = Date.now()), { capture: true, passive: true })
    document.addEventListener(LOCKED, () => void this.look())
    setInterval(() => void this.#tick(), TICK_MS)
  }

  /** Ask the hub how the session is; a lock that it does not know of yet is told first. */
  async look(): Promise<void> {
    const asked = (this.#looks += 1)
    try {
      if (this.#owed) await this.api.post('/api/session/lock').catch((error: unknown) => codeOf(error) === 'unreachable' && Promise.reject(error))
      this.#owed = false
      // asked just before a proof gave the browser another cookie, it comes too late with the old one: asked again
      const ask = (): Promise<SessionNow> => this.api.get<SessionNow>('/api/session')
      const session = await ask().catch((error: unknown) => (codeOf(error) === 'not_signed_in' && this.#whose !== '' ? ask() : Promise.reject(error)))
      // an answer from before the lock, or overtaken by a newer one, opens nothing
      if (asked < this.#taken) return
      this.#taken = asked
      this.#take(session)
    } catch (error) {
      if (codeOf(error) !== 'unreachable') this.on.out()
    }
  }

  #take(session: SessionNow): void {
    const meant = verdict(this.#whose, session)
    if (meant === 'leave') return location.reload()
    this.#whose = session.practitioner_id
    this.session = session
    this.#seen.idleMs = session.idle_seconds * 1000
    if (meant === 'open') {
      this.#seen.openMs = Date.now()
      const before = this.locked
      this.locked = false
      if (before) this.on.unlocked()
    } else this.locked = true
  }

  async lockNow(): Promise<void> {
    this.#lockHere()
    await this.look()
  }

  /** Do it; if the hub first wants to know anew who somebody is, ask, and do it again. */
  async withProof<T>(what: () => Promise<T>): Promise<T> {
    try {
      return await what()
    } catch (error) {
      if (codeOf(error) !== 'reauthenticate') throw error
    }
    await this.look()
    if (!(await this.#ask())) throw new Refused('proof_cancelled', 0)
    return what()
  }

  /** What the dialog came to. */
  answered(proved: boolean): void {
    this.asking = false
    this.#answer?.(proved)
    this.#answer = undefined
  }

  #lockHere(): void {
    this.locked = true
    this.#owed = true
    this.#taken = this.#looks + 1
  }

  #ask(): Promise<boolean> {
    this.answered(false)
    this.asking = true
    return new Promise((resolve) => (this.#answer = resolve))
  }

  async #tick(): Promise<void> {
    const seen = (this.#seen = { ...this.#seen, nowMs: Date.now() })
    if (this.#whose === '') return
    if (!this.locked && lockAlone(seen)) this.#lockHere()
    if (!this.locked && tellNow(seen)) {
      seen.toldMs = seen.nowMs
      // refused, it says by itself that it is locked
      await this.api.post('/api/session/used').then(() => (seen.openMs = seen.nowMs), () => undefined)
    }
    if (this.locked || this.on.polls) await this.look()
  }
}
