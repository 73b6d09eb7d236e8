/**
 * The doctor's end of the kit's connection: examination camera, sound packets, live state. The kit always offers; a
 * broken connection is replaced by a new one with a higher epoch, and the last picture stays until then.
 */
import { Attempt } from './attempt'
import { type CallPath, pathBy, type RelayProblem, watchRelay } from './callPath'
import type { Distrust, KitTrust } from './kitTrust'
import { againMs, connectMs } from './patience'
import { labelOf } from './trackLabels'
import { bestCarrier, withCarrier, type Carrier, type SoundTap } from '../sound/tap'

/** Call set-up as the wire carries it (`Signal`), without the addressing that the page adds. */
export interface SignalBody {
  epoch: number
  description?: RTCSessionDescriptionInit | null
  candidate?: RTCIceCandidateInit | null
  /** The kit's signature over the description's fingerprints. */
  proof?: string
}

export type LinkState = 'waiting' | 'connecting' | 'connected' | 'interrupted' | 'rejoining'

export interface InstrumentPeerOptions {
  /** Send to the kit, by way of the hub. */
  send: (signal: SignalBody) => void
  tap: Pick<SoundTap, 'attach' | 'passOn'>
  /** By which servers the next connection may go. */
  path?: () => CallPath
  /** Judges what comes in the kit's name; what is not genuine is not answered, so nothing of it is shown. */
  trust?: KitTrust
  /** null: genuine, and these six digits are the same at the nurse's. */
  onTrust?: (distrust: Distrust | null, digits: string) => void
  onRelay?: (problem: RelayProblem | null) => void
  /** The camera's stream; the element keeps its last picture when the stream ends, so set `srcObject` only here. */
  onVideo?: (stream: MediaStream) => void
  /** Sound that the browser plays itself: monitor sound for those who listen along, or the kit's own microphone. */
  onVoice?: (label: 'monitor' | 'talk', stream: MediaStream) => void
  /** A parsed message of the `live` channel or the `repair` channel's words: switch on `type`, drop the unknown. */
  onMessage?: (message: { type: string } & Record<string, unknown>) => void
  /** A sound packet that came on the `repair` channel. */
  onRepair?: (packet: ArrayBuffer) => void
  /** The `repair` channel opened: ask what is missing. */
  onRepairOpen?: () => void
  onState?: (state: LinkState) => void
  carrier?: Carrier
}

/** What was lost comes again after one round trip: a picture that waits for it does not freeze the next ones. */
const PICTURE_WAITS_MS = 90
const SILENCE_MS = 3000
/** Silence of a connection that spoke before: a kit under load may be late, a dead one is worth a new connection. */
const DEAD_MS = 4500
const WATCH_MS = 500
/** The kit hears so that a page is there, also while it sends no picture to report of. */
const HERE_MS = 1000

export class InstrumentPeer {
  readonly carrier: Carrier
  state: LinkState = 'waiting'
  readonly #options: InstrumentPeerOptions
  #offer: RTCSessionDescriptionInit = { type: 'offer' }
  /** Of the newest offer. */
  #epoch = 0
  #attempt: Attempt | null = null
  #repair: RTCDataChannel | null = null
  #heardAt = 0
  /** Whether this connection ever spoke. */
  #spoke = false
  #beganAt = performance.now()
  #failures = 0
  #askedAt = performance.now()
  #hereAt = -Infinity
  #asked = 0
  readonly #watch: ReturnType<typeof setInterval>

  constructor(options: InstrumentPeerOptions) {
    this.#options = options
    this.carrier = options.carrier ?? bestCarrier()
    this.#watch = setInterval(() => this.#look(), WATCH_MS)
  }

  /** Take call set-up from the kit; what belongs to an older epoch is dropped. */
  signal(signal: SignalBody): void {
    const { epoch, description, candidate } = signal
    if (description?.type === 'offer') this.#offered(signal, description)
    else if (candidate && this.#attempt?.epoch === epoch) this.#candidate(this.#attempt, candidate)
  }

  /** Ask for chunks on the `repair` channel; false when it is not open. */
  sendRepair(message: object): boolean {
    if (this.#repair?.readyState !== 'open') return false
    this.#repair.send(JSON.stringify(message))
    return true
  }

  async stats(): Promise<RTCStatsReport | null> {
    return (await this.#attempt?.connection.getStats()) ?? null
  }

  close(): void {
    clearInterval(this.#watch)
    this.#attempt?.close()
    this.#attempt = null
  }

  /** The kit has a new key, and a person has made sure of it: call again. */
  acceptKey(): void {
    this.#options.trust?.acceptKey()
    this.#ask()
  }

  /** This page has another address: what is connected goes nowhere. */
  renew(): void {
    this.#ask()
  }

  #offered(signal: SignalBody, description: RTCSessionDescriptionInit): void {
    const { epoch } = signal
    if (epoch > this.#epoch) this.#answer(signal, description)
    // our answer was lost
    else if (epoch === this.#attempt?.epoch && this.#attempt.told) this.#attempt.tell()
    // the kit's clock is behind what it was: say from where to count
    else if (epoch < this.#epoch && performance.now() - this.#askedAt > againMs(1)) this.#ask()
  }

  #answer(signal: SignalBody, description: RTCSessionDescriptionInit): void {
    const { epoch } = signal
    this.#offer = description
    if (this.#attempt !== null && !this.#spoke) this.#failures += 1
    this.#attempt?.close()
    this.#epoch = epoch
    this.#repair = null
    this.#spoke = false
    this.#asked = 0
    this.#beganAt = performance.now()
    const attempt = (this.#attempt = this.#connect(epoch))
    const { connection } = attempt
    this.#become(this.state === 'waiting' ? 'connecting' : 'rejoining')
    attempt.queue(
      async () => {
        if (!(await this.#genuine(attempt, signal, description))) return
        await connection.setLocalDescription()
        if (this.#attempt !== attempt) return
        attempt.tell()
        await this.#tellDigits(attempt, signal)
      },
      () => this.#broken(attempt),
    )
  }

  /** Take the description, if it comes from this kit; else this connection goes no further. */
  async #genuine(attempt: Attempt, signal: SignalBody, description: RTCSessionDescriptionInit): Promise<boolean> {
    const { connection } = attempt
    const trust = this.#options.trust
    let distrust = (await trust?.judge('kit', signal)) ?? null
    if (distrust === null) {
      await connection.setRemoteDescription(description)
      if (trust && !trust.holds(signal, connection)) distrust = 'call_forged'
    }
    if (this.#attempt !== attempt) return false
    if (distrust !== null) {
      attempt.close()
      this.#options.onTrust?.(distrust, '')
    }
    return distrust === null
  }

  async #tellDigits(attempt: Attempt, signal: SignalBody): Promise<void> {
    const digits = await this.#options.trust?.digits(signal, attempt.connection)
    if (digits !== undefined && this.#attempt === attempt) this.#options.onTrust?.(null, digits)
  }

  #candidate(attempt: Attempt, candidate: RTCIceCandidateInit): void {
    attempt.queue(
      () => attempt.candidate(candidate),
      () => this.#broken(attempt),
    )
  }

  #broken(attempt: Attempt): void {
    if (this.#attempt !== attempt) return
    this.#heardAt = -Infinity
    this.#become('interrupted')
  }

  #connect(epoch: number): Attempt {
    const path = this.#options.path?.() ?? pathBy(null)
    const connection = new RTCPeerConnection(withCarrier({ ...path, bundlePolicy: 'max-bundle' }, this.carrier))
    watchRelay(connection, path, (problem) => this.#attempt?.connection === connection && this.#options.onRelay?.(problem))
    connection.ontrack = (event) => this.#track(event)
    connection.ondatachannel = (event) => this.#channel(event.channel)
    connection.onconnectionstatechange = () => this.#connectionChanged(connection.connectionState)
    // the kit cannot take a candidate before the answer
    return new Attempt(epoch, connection, this.#options.send)
  }

  #track(event: RTCTrackEvent): void {
    const label = labelOf(this.#offer, event.transceiver.mid)
    if (event.track.kind === 'audio' && (label === 'monitor' || label === 'talk')) {
      this.#options.tap.passOn(event.receiver, this.carrier)
      this.#options.onVoice?.(label, new MediaStream([event.track]))
      return
    }
    if (event.track.kind === 'audio') {
      this.#options.tap.attach(event.receiver, this.carrier)
      return
    }
    event.receiver.jitterBufferTarget = PICTURE_WAITS_MS
    this.#options.tap.passOn(event.receiver, this.carrier)
    this.#options.onVideo?.(new MediaStream([event.track]))
  }

  #channel(channel: RTCDataChannel): void {
    const attempt = this.#attempt
    channel.binaryType = 'arraybuffer'
    channel.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (this.#attempt !== attempt) return
      this.#heard()
      if (typeof event.data === 'string') this.#message(event.data)
      else this.#options.onRepair?.(event.data)
    }
    if (channel.label !== 'repair') return
    channel.onopen = () => {
      if (this.#attempt !== attempt) return
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

  #heard(): void {
    this.#heardAt = performance.now()
    this.#spoke = true
    this.#failures = 0
  }

  #connectionChanged(state: RTCPeerConnectionState): void {
    if (state === 'connected') {
      this.#heardAt = performance.now()
      this.#become('connected')
    } else if (state === 'failed') {
      this.#heardAt = -Infinity
      this.#become('interrupted')
      this.#ask()
    } else if (state === 'disconnected') {
      this.#become('interrupted')
    }
  }

  /** The kit speaks once a second: silence means the path is gone, long before ICE says so. */
  #look(): void {
    const now = performance.now()
    const silence = now - this.#heardAt
    if (now - this.#hereAt >= HERE_MS && this.sendRepair({ type: 'here' })) this.#hereAt = now
    if (this.state === 'connected' && silence > SILENCE_MS) this.#become('interrupted')
    else if (this.state === 'interrupted' && silence < SILENCE_MS) this.#become('connected')
    if (this.state !== 'connected' && this.#hadItsTime(now) && now - this.#askedAt > againMs(this.#asked)) this.#ask()
  }

  /** Whether what we wait for is overdue: an offer, a connection, a word. */
  #hadItsTime(now: number): boolean {
    if (this.#attempt === null) return true
    if (this.state === 'interrupted' && this.#spoke) return now - this.#heardAt > DEAD_MS
    return now - Math.max(this.#heardAt, this.#beganAt) > connectMs(this.#failures)
  }

  /** Epoch 0 for "I have nothing yet", or above the connection that is given up. */
  #ask(): void {
    this.#askedAt = performance.now()
    this.#asked += 1
    this.#options.send({ epoch: this.#epoch === 0 ? 0 : this.#epoch + 1 })
  }

  #become(state: LinkState): void {
    if (this.state === state) return
    this.state = state
    this.#options.onState?.(state)
  }
}
