/** The lock of the nurse's page. The kit decides; the page tells it of hands, and covers itself while it cannot be asked. */
import { type Api, LOCKED } from '../shared/http'
import { lockAlone, type Seen, tellNow } from '../shared/session/idle'
import type { PageLock } from '../shared/wire'

const TICK_MS = 1000
/** So long before it locks the kit is asked how long it is, and the page says so: one touch is enough (WCAG 2.2.1). */
const WARN_S = 60
const ASK_EVERY_MS = 5000
const INPUT = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const

export class PageGuard {
  lock = $state.raw<PageLock | null>(null)
  /** Nobody was here for long, and the kit cannot be asked. */
  alone = $state(false)
  /** It locks within a minute. */
  soon = $state(false)
  #seen: Seen
  #askedMs = 0

  constructor(
    readonly api: Api,
    readonly away: () => boolean,
  ) {
    const nowMs = Date.now()
    this.#seen = { nowMs, inputMs: nowMs, toldMs: nowMs, openMs: nowMs, idleMs: 900_000 }
    for (const kind of INPUT) window.addEventListener(kind, () => this.#hand(), { capture: true, passive: true })
    document.addEventListener(LOCKED, () => void this.look())
    setInterval(() => void this.#tick(), TICK_MS)
  }

  get covered(): boolean {
    return this.alone || (this.lock !== null && this.lock.state !== 'open')
  }

  /** What the kit says of it; null: nobody is signed in, or a kit from before there was a lock. */
  take(lock: PageLock | null): void {
    this.lock = lock
    this.alone = this.soon = false
    this.#seen.openMs = Date.now()
    if (lock !== null) this.#seen.idleMs = lock.idle_seconds * 1000
  }

  /** That it is locked is taken from the answer; that it is open, the kit's whole state says. */
  async look(): Promise<void> {
    const lock = await this.api.get<PageLock>('/api/lock').catch(() => null)
    if (lock !== null && lock.state !== 'open') this.take(lock)
  }

  /** Throws what the kit refuses. */
  async lockNow(): Promise<void> {
    this.take(await this.api.postAnew<PageLock>('/api/lock'))
  }

  #hand(): void {
    this.#seen.inputMs = Date.now()
    if (!this.soon || this.covered) return
    this.soon = false
    void this.#tell()
  }

  async #tell(): Promise<void> {
    this.#seen.toldMs = Date.now()
    await this.api.postAnew('/api/used').then(() => (this.#seen.openMs = Date.now()), () => undefined)
  }

  async #tick(): Promise<void> {
    const seen = this.#seen
    seen.nowMs = Date.now()
    if (this.lock === null || this.covered || !this.lock.pin) return
    if (this.away()) {
      this.alone = lockAlone(seen)
      return
    }
    if (tellNow(seen)) await this.#tell()
    if (seen.nowMs - seen.inputMs < seen.idleMs - WARN_S * 1000 || seen.nowMs - this.#askedMs < ASK_EVERY_MS) return
    this.#askedMs = seen.nowMs
    // another tab may be in use: the kit knows
    const lock = await this.api.get<PageLock>('/api/lock').catch(() => null)
    this.soon = typeof lock?.left_seconds === 'number' && lock.left_seconds <= WARN_S && seen.inputMs < seen.nowMs - ASK_EVERY_MS
  }
}
