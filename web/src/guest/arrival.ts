/** Whether sound comes in, by how many packets came so far: there are none while nobody listens. Pure. */
const QUIET_MS = 1500

export class Arrival {
  #packets = 0
  #atMs = -Infinity

  /** `packets` came on this connection so far; less than before: it is another connection. */
  look(packets: number, nowMs: number): boolean {
    if (packets > this.#packets) this.#atMs = nowMs
    this.#packets = packets
    return nowMs - this.#atMs < QUIET_MS
  }
}
