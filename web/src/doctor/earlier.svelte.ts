/** The patient's earlier visits: whether they are open, and what opens and closes them. */
import { clock } from '../shared/clock.svelte'
import { type Api, codeOf } from '../shared/http'
import type { EarlierAccess, GiveConsent } from '../shared/wire'
import { groundOf, lasts } from './earlier'

type WithProof = <T>(act: () => Promise<T>) => Promise<T>

export class Earlier {
  access = $state.raw<EarlierAccess | null>(null)
  problem = $state('')
  busy = $state(false)
  /** Which question the page asks now. */
  asks = $state<'consent' | 'emergency' | ''>('')
  readonly ground = $derived(groundOf(this.access, clock.nowMs))
  readonly emergency = $derived(lasts(this.access, clock.nowMs) ? this.access?.emergency : null)
  readonly #api: Api
  readonly #path: string
  readonly #withProof: WithProof

  /** `withProof`: asks who it is first, where the hub wants a fresh proof. */
  constructor(api: Api, visitId: string, withProof: WithProof) {
    this.#api = api
    this.#withProof = withProof
    this.#path = `/api/visits/${visitId}`
  }

  load(): Promise<void> {
    return this.#take(() => this.#api.get<EarlierAccess>(`${this.#path}/earlier`), this.asks)
  }

  consent(said: GiveConsent): Promise<void> {
    return this.#take(() => this.#api.post<EarlierAccess>(`${this.#path}/consent`, said))
  }

  withdraw(): Promise<void> {
    return this.#take(() => this.#api.post<EarlierAccess>(`${this.#path}/consent/withdraw`))
  }

  open(reason: string): Promise<void> {
    return this.#take(() => this.#withProof(() => this.#api.post<EarlierAccess>(`${this.#path}/emergency`, { reason })))
  }

  end(): Promise<void> {
    return this.#take(() => this.#api.post<EarlierAccess>(`${this.#path}/emergency/end`))
  }

  /** What was asked stays open until it is done; reading anew closes nothing. */
  async #take(act: () => Promise<EarlierAccess>, asks: typeof this.asks = ''): Promise<void> {
    this.busy = true
    try {
      this.access = await act()
      this.problem = ''
      this.asks = asks
    } catch (error) {
      this.problem = codeOf(error)
    } finally {
      this.busy = false
    }
  }
}
