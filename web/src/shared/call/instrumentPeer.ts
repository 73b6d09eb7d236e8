/**
 * The doctor's end of the kit's connection: examination camera, sound packets, live state. The kit always offers; a
 * broken connection is replaced by a new one with a higher epoch, and the last picture stays until then.
 */
import { bestCarrier, withCarrier, type Carrier, type SoundTap } from '../sound/tap'

/** Call set-up as the wire carries it (`Signal`), without the addressing that the page adds. */
export interface SignalBody {
  epoch: number
  description?: RTCSessionDescriptionInit | null
  candidate?: RTCIceCandidateInit | null
}

export type LinkState = 'waiting' | 'connecting' | 'connected' | 'interrupted' | 'rejoining'

export interface InstrumentPeerOptions {
  /** Send to the kit, by way of the hub. */
  send: (signal: SignalBody) => void
  tap: SoundTap
  iceServers?: RTCIceServer[]
  /** The camera's stream; the element keeps its last picture when the stream ends, so set `srcObject` only here. */
  onVideo?: (stream: MediaStream) => void
  /** A parsed message of the `live` channel or the `repair` channel's words: switch on `type`, drop the unknown. */
  onMessage?: (message: { type: string } & Record<string, unknown>) => void
  /** A sound packet that came on the `repair` channel. */
  onRepair?: (packet: ArrayBuffer) => void
  /** The `repair` channel opened: ask what is missing. */
  onRepairOpen?: () => void
  onState?: (state: LinkState) => void
  carrier?: Carrier
}

const SILENCE_MS = 3000
const ASK_AGAIN_MS = 2000
const WATCH_MS = 500

export class InstrumentPeer {
  readonly carrier: Carrier
  state: LinkState = 'waiting'
  readonly #options: InstrumentPeerOptions
  #epoch = 0
  #connection: RTCPeerConnection | null = null
  #repair: RTCDataChannel | null = null
  /** Candidates found before the answer was sent; null after that. */
  #early: RTCIceCandidateInit[] | null = null
  #heardAt = 0
  #askedAt = performance.now()
  readonly #watch: ReturnType<typeof setInterval>

  constructor(options: InstrumentPeerOptions) {
    this.#options = options
    this.carrier = options.carrier ?? bestCarrier()
    this.#watch = setInterval(() => this.#look(), WATCH_MS)
  }

  /** Take call set-up from the kit; an older epoch is dropped. */
  async signal(signal: SignalBody): Promise<void> {
    if (signal.epoch < this.#epoch) return
    if (signal.description?.type === 'offer' && signal.epoch > this.#epoch) await this.#answer(signal)
    else if (signal.candidate && signal.epoch === this.#epoch) await this.#connection?.addIceCandidate(signal.candidate)
  }

  /** Ask for chunks on the `repair` channel; false when it is not open. */
  sendRepair(message: object): boolean {
    if (this.#repair?.readyState !== 'open') return false
    this.#repair.send(JSON.stringify(message))
    return true
  }

  async stats(): Promise<RTCStatsReport | null> {
    return (await this.#connection?.getStats()) ?? null
  }

  close(): void {
    clearInterval(this.#watch)
    this.#connection?.close()
    this.#connection = null
  }

  async #answer(signal: SignalBody): Promise<void> {
    this.#connection?.close()
    this.#epoch = signal.epoch
    this.#repair = null
    const connection = this.#connect(signal.epoch)
    this.#connection = connection
    this.#askedAt = performance.now()
    this.#become(this.state === 'waiting' ? 'connecting' : 'rejoining')
    await connection.setRemoteDescription(signal.description as RTCSessionDescriptionInit)
    await connection.setLocalDescription()
    if (this.#connection !== connection || connection.localDescription === null) return
    this.#options.send({ epoch: signal.epoch, description: connection.localDescription.toJSON() })
    for (const candidate of this.#early ?? []) this.#options.send({ epoch: signal.epoch, candidate })
    this.#early = null
  }

  #connect(epoch: number): RTCPeerConnection {
    const connection = new RTCPeerConnection(
      withCarrier({ iceServers: this.#options.iceServers ?? [], bundlePolicy: 'max-bundle' }, this.carrier),
    )
    this.#early = []
    connection.ontrack = (event) => this.#track(event)
    connection.ondatachannel = (event) => this.#channel(event.channel)
    connection.onicecandidate = (event) => {
      const candidate = event.candidate?.toJSON() ?? {}
      if (this.#epoch !== epoch) return
      // the kit cannot take a candidate before the answer
      if (this.#early === null) this.#options.send({ epoch, candidate })
      else this.#early.push(candidate)
    }
    connection.onconnectionstatechange = () => {
      if (this.#connection === connection) this.#connectionChanged(connection.connectionState)
    }
    return connection
  }

  #track(event: RTCTrackEvent): void {
    if (event.track.kind === 'audio') {
      this.#options.tap.attach(event.receiver, this.carrier)
      return
    }
    this.#options.tap.passOn(event.receiver, this.carrier)
    this.#options.onVideo?.(new MediaStream([event.track]))
  }

  #channel(channel: RTCDataChannel): void {
    channel.binaryType = 'arraybuffer'
    channel.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      this.#heardAt = performance.now()
      if (typeof event.data === 'string') this.#message(event.data)
      else this.#options.onRepair?.(event.data)
    }
    if (channel.label !== 'repair') return
    channel.onopen = () => {
      this.#repair = channel
      // a browser that cannot take packets out of RTP asks for them here
      if (this.carrier === 'data_channel') this.sendRepair({ type: 'sound_ask', stream: 0, carry: true })
      this.#options.onRepairOpen?.()
    }
  }

  #message(text: string): void {
    let message: unknown
    try {
      message = JSON.parse(text)
    } catch {
      return
    }
    if (typeof message !== 'object' || message === null || !('type' in message)) return
    if (message.type !== 'ping') this.#options.onMessage?.(message as { type: string } & Record<string, unknown>)
  }

  #connectionChanged(state: RTCPeerConnectionState): void {
    if (state === 'connected') {
      this.#heardAt = performance.now()
      this.#become('connected')
    } else if (state === 'failed') {
      this.#become('interrupted')
      this.#ask()
    } else if (state === 'disconnected') {
      this.#become('interrupted')
    }
  }

  /** The kit speaks once a second: silence means the path is gone, long before ICE says so. */
  #look(): void {
    const now = performance.now()
    if (this.state === 'connected' && now - this.#heardAt > SILENCE_MS) this.#become('interrupted')
    else if (this.state === 'interrupted' && now - this.#heardAt < SILENCE_MS) this.#become('connected')
    if (this.state === 'connected' || now - this.#askedAt < ASK_AGAIN_MS) return
    if (this.state !== 'interrupted' || now - this.#heardAt > SILENCE_MS) this.#ask()
  }

  #ask(): void {
    this.#askedAt = performance.now()
    this.#options.send({ epoch: this.#epoch === 0 ? 0 : this.#epoch + 1 })
  }

  #become(state: LinkState): void {
    if (this.state === state) return
    this.state = state
    this.#options.onState?.(state)
  }
}
