/**
 * What two browsers and the way between them do, by a clock that the test turns: connections that need both
 * descriptions and time, promises of a closed connection that never settle (as in Chromium and in the specification),
 * cameras that take their time, and messages that are late or lost.
 */
import { vi } from 'vitest'
import type { SignalBody } from '../../../src/shared/call/instrumentPeer'

export type Chance = () => number

/** Repeatable chance, 0 to 1 (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** All connections of a test by number, so that two ends find each other by what their descriptions say. */
export class Network {
  readonly ends: FakeConnection[] = []
  constructor(
    readonly chance: Chance,
    /** How long each step of a browser takes at most, in ms. */
    public slowMs = 50,
  ) {}

  install(): void {
    const network = this
    vi.stubGlobal('RTCPeerConnection', class extends FakeConnection {
      constructor() {
        super(network)
      }
    })
    vi.stubGlobal('MediaStream', class {
      getTracks(): unknown[] {
        return []
      }
      getAudioTracks = this.getTracks
      getVideoTracks = this.getTracks
    })
    vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: async () => (await this.step(), new MediaStream()) } })
  }

  step(): Promise<void> {
    return wait(this.chance() * this.slowMs)
  }
}

export class FakeConnection {
  signalingState = 'stable'
  connectionState = 'new'
  localDescription: { type: string; sdp: string; toJSON: () => object } | null = null
  remoteDescription: RTCSessionDescriptionInit | null = null
  onconnectionstatechange: (() => void) | null = null
  onicecandidate: ((event: { candidate: { toJSON: () => object } | null }) => void) | null = null
  ontrack = null
  readonly number: number

  constructor(readonly network: Network) {
    this.number = network.ends.push(this) - 1
  }

  addTransceiver(): void {}
  getTransceivers = (): never[] => []
  getSenders = (): never[] => []

  async setLocalDescription(): Promise<void> {
    await this.#busy()
    const remote = this.remoteDescription?.sdp ?? ''
    const [type, sdp] = this.signalingState === 'have-remote-offer' ? ['answer', `${this.number} to ${remote}`] : ['offer', `${this.number}`]
    this.localDescription = { type, sdp, toJSON: () => ({ type, sdp }) }
    this.signalingState = type === 'answer' ? 'stable' : 'have-local-offer'
    for (const candidate of [{ toJSON: () => ({ candidate: `of ${this.number}` }) }, null]) this.onicecandidate?.({ candidate })
    if (type === 'answer') this.#reach(Number(remote))
  }

  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    await this.#busy()
    if (description.type === 'answer' && this.signalingState !== 'have-local-offer') throw new DOMException('', 'InvalidStateError')
    this.remoteDescription = description
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable'
    if (description.type === 'answer') this.#reach(parseInt(description.sdp ?? ''))
  }

  async addIceCandidate(): Promise<void> {
    await this.#busy()
  }

  close(): void {
    this.signalingState = this.connectionState = 'closed'
  }

  /** The other end is gone: noticed after a while. */
  async lose(): Promise<void> {
    await wait(5000)
    this.#become('disconnected')
    await wait(15_000)
    this.#become('failed')
  }

  /** An operation takes time, and is never heard of again when the connection was closed meanwhile. */
  async #busy(): Promise<void> {
    if (this.signalingState === 'closed') throw new DOMException('', 'InvalidStateError')
    await this.network.step()
    if (this.signalingState === 'closed') await new Promise(() => undefined)
  }

  async #reach(number: number): Promise<void> {
    const other = this.network.ends[number]
    if (other === undefined) return
    const known = (): boolean => parseInt(other.remoteDescription?.sdp ?? '') === this.number
    if (!known()) return
    this.#become('connecting')
    other.#become('connecting')
    await this.network.step()
    if (other.signalingState === 'closed' || this.signalingState === 'closed') return
    this.#become('connected')
    other.#become('connected')
    void this.#look(other)
    void other.#look(this)
  }

  async #look(other: FakeConnection): Promise<void> {
    while (other.signalingState !== 'closed' && this.signalingState !== 'closed') await wait(100)
    if (this.signalingState !== 'closed') await this.lose()
  }

  #become(state: string): void {
    if (this.signalingState === 'closed' || this.connectionState === state) return
    this.connectionState = state
    this.onconnectionstatechange?.()
  }
}

/** One direction of the way by hub and kit: in order, late, lossy while `loss` is above 0. */
export class Way {
  loss = 0
  #free = 0
  constructor(
    readonly chance: Chance,
    readonly lateMs: number,
    readonly arrive: (signal: SignalBody) => void,
  ) {}

  send = (signal: SignalBody): void => {
    if (this.chance() < this.loss) return
    this.#free = Math.max(this.#free, performance.now() + this.chance() * this.lateMs)
    setTimeout(() => this.arrive(structuredClone(signal)), this.#free - performance.now())
  }
}
