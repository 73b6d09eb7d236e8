/** The time of the hub (or kit) as this page sees it, ticking once a second: ages are measured against whoever stamps the values. */
class Clock {
  #offsetMs = 0
  nowMs = $state(Date.now())

  constructor() {
    setInterval(() => this.#tick(), 1000)
  }

  /** From `Welcome.server_time`: the tablet's or laptop's own clock may be wrong. */
  agreeWith(serverTime: string): void {
    this.#offsetMs = Date.parse(serverTime) - Date.now()
    this.#tick()
  }

  /** A moment of this device's own clock (Unix, ms) as the hub has it. */
  agreed(ownMs: number): number {
    return ownMs + this.#offsetMs
  }

  /** A moment of `performance.now()` as the hub has it. */
  ofPage(pageMs: number): number {
    return this.agreed(Date.now() - (performance.now() - pageMs))
  }

  #tick(): void {
    this.nowMs = Date.now() + this.#offsetMs
  }
}

export const clock = new Clock()
