/** One act at a time of one part of the page: asks for a proof where the hub wants one, and keeps what went wrong. */
import { codeOf } from '../shared/http'
import type { SessionGuard } from '../shared/session/guard.svelte'

export class Acts {
  problem = $state('')
  working = $state(false)

  constructor(readonly guard: SessionGuard) {}

  /** What came of it; undefined where it was refused, and then `problem` says why. */
  async run<T>(what: () => Promise<T>): Promise<{ got: T } | undefined> {
    if (this.working) return undefined
    this.problem = ''
    this.working = true
    try {
      return { got: await this.guard.withProof(what) }
    } catch (error) {
      this.problem = codeOf(error)
      return undefined
    } finally {
      this.working = false
    }
  }
}
