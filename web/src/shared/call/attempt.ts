/**
 * One attempt to connect two ends, numbered by its epoch; it is replaced as a whole when it fails.
 *
 * A closed RTCPeerConnection leaves the promises of what it was just doing pending for ever (WebRTC, "chain an
 * operation": closed in between, "abort these steps"). So what is to be done is queued in the attempt, never across
 * attempts: a queue that waits for a closed connection must not hold up the next one.
 */
import type { SignalBody } from './instrumentPeer'

export class Attempt {
  /** Both descriptions are known: from here on it is up to the network. */
  agreed = false
  #jobs: Promise<void> = Promise.resolve()
  /** Candidates found before our description was sent; null after that. */
  #early: RTCIceCandidateInit[] | null = []

  constructor(
    readonly epoch: number,
    readonly connection: RTCPeerConnection,
    readonly send: (signal: SignalBody) => void,
  ) {
    connection.onicecandidate = (event) => this.#found(event.candidate?.toJSON() ?? {})
  }

  /** Do this after what was queued before; `failed` if it cannot be done. */
  queue(job: () => Promise<void>, failed: () => void): void {
    this.#jobs = this.#jobs.then(job).catch(failed)
  }

  /** Send our description, again if it may have been lost: by then it has the candidates found so far. */
  tell(): void {
    const description = this.connection.localDescription
    if (description === null || this.connection.signalingState === 'closed') return
    this.send({ epoch: this.epoch, description: description.toJSON() as RTCSessionDescriptionInit })
    for (const candidate of this.#early ?? []) this.send({ epoch: this.epoch, candidate })
    this.#early = null
  }

  /** Whether our description was sent. */
  get told(): boolean {
    return this.#early === null
  }

  /** One candidate that does not fit is no reason to give up the others. */
  async candidate(candidate: RTCIceCandidateInit): Promise<void> {
    if (this.connection.remoteDescription === null) return
    await this.connection.addIceCandidate(candidate.candidate ? candidate : undefined).catch(() => undefined)
  }

  close(): void {
    this.connection.onicecandidate = null
    this.connection.onconnectionstatechange = null
    this.connection.ontrack = null
    this.connection.close()
  }

  #found(candidate: RTCIceCandidateInit): void {
    if (this.#early === null) this.send({ epoch: this.epoch, candidate })
    else this.#early.push(candidate)
  }
}
