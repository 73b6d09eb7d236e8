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

  #tick(): void {
    this.nowMs = Date.now() + this.#offsetMs
  }
}

export const clock = new Clock()
