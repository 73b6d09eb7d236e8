/**
 * Voice and face, browser to browser: the same on the doctor's page (`offers: true`) and the nurse's. Browsers cancel
 * echo and control congestion; the kit takes no part. Without camera or microphone the call goes on with what there is.
 *
 * Any signal may be lost (a page, the kit or the hub is away for a moment), so while the call is not up each end says
 * its part again: the doctor's page its offer, the nurse's that it waits. The epoch makes that harmless: an offer that
 * is known already is answered with the answer that was given.
 */
import { Attempt } from './attempt'
import { type CallPath, pathBy, type RelayProblem, watchRelay } from './callPath'
import type { SignalBody } from './instrumentPeer'
import type { Distrust, KitTrust } from './kitTrust'
import { againMs, connectMs, MEDIA_MS, REVIVE_MS, UNANSWERED_MS } from './patience'

export type TalkState = 'waiting' | 'connecting' | 'connected' | 'interrupted' | 'ended'

/** Why we send less than voice and face, as a code; `null` when we send both. */
export type MediaProblem = 'no_permission' | 'no_device' | 'device_busy' | 'not_secure' | null

export interface TalkPeerOptions {
  /** The doctor's page offers; the nurse's answers, and asks for an offer when the call is broken. */
  offers: boolean
  send: (signal: SignalBody) => void
  /** By which servers the next connection may go. */
  path?: () => CallPath
  /** Judges what comes from the nurse's page: the kit that serves it vouches for it. */
  trust?: KitTrust
  onTrust?: (distrust: Distrust | null) => void
  onRelay?: (problem: RelayProblem | null) => void
  /** Where camera and microphone come from; several calls of one page share them (`OwnMedia`). */
  open?: (wanted: MediaStreamConstraints) => Promise<MediaStream>
  /** What our face may take of the uplink, bits a second. */
  faceBps?: () => number
  onRemote?: (stream: MediaStream) => void
  /** A second picture of the other's, such as the examination camera; only where the other end calls `show`. */
  onShown?: (track: MediaStreamTrack) => void
  onLocal?: (stream: MediaStream | null, problem: MediaProblem) => void
  onState?: (state: TalkState) => void
}

const VOICE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
const FACE: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 20, max: 25 } }
const FACE_MAX_BPS = 400_000
const WATCH_MS = 500
/** Place among a connection's transceivers, after voice and face. */
const SECOND_PICTURE = 2

export class TalkPeer {
  state: TalkState = 'waiting'
  problem: MediaProblem = null
  readonly #options: TalkPeerOptions
  #local: MediaStream | null = null
  #attempt: Attempt | null = null
  /** Of the newest attempt, ours or heard of. */
  #epoch = 0
  #sinceMs = performance.now()
  #failures = 0
  /** How often the same was said without an answer, and when last. */
  #said = 0
  #saidMs = 0
  /** What came before our own camera and microphone were known; null after that. */
  #held: SignalBody[] | null = []
  #microphone = true
  #camera = true
  #watch: ReturnType<typeof setInterval> | null = null
  /** The second picture that we send: undefined where the call has none, null while nothing is shown. */
  #shown: MediaStreamTrack | null | undefined

  constructor(options: TalkPeerOptions) {
    this.#options = options
  }

  /** Ask for camera and microphone, then call (the doctor) or say that we are there (the nurse). */
  async start(): Promise<void> {
    const media = this.#openMedia()
    const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), MEDIA_MS))
    const first = await Promise.race([media, late])
    if (this.state === 'ended') return
    this.#watch = setInterval(() => this.#look(), WATCH_MS)
    this.#begin()
    if (first !== 'late') return
    await media
    if (this.#local !== null) this.#rejoin()
  }

  /** Take call set-up from the other side. */
  signal(signal: SignalBody): void {
    if (this.state === 'ended') return
    if (this.#held === null) return this.#take(signal)
    // a newer offer makes everything before it void
    if (signal.description?.type === 'offer') this.#held = []
    this.#held.push(signal)
  }

  get microphone(): boolean {
    return this.#microphone
  }

  /** Off: silence is sent, the call stays. */
  set microphone(on: boolean) {
    this.#microphone = on
    for (const track of this.#local?.getAudioTracks() ?? []) track.enabled = on
  }

  get camera(): boolean {
    return this.#camera
  }

  set camera(on: boolean) {
    this.#camera = on
    for (const track of this.#local?.getVideoTracks() ?? []) track.enabled = on
  }

  /** The connection of now, to be measured; null while there is none. */
  get connection(): RTCPeerConnection | null {
    return this.#attempt?.connection ?? null
  }

  /** Show a second picture, or nothing (null), to the other end; before `start`, by the end that offers. */
  show(track: MediaStreamTrack | null): void {
    this.#shown = track
    const sender = this.connection?.getTransceivers()[SECOND_PICTURE]?.sender
    if (sender && this.#options.offers) void sender.replaceTrack(track).catch(() => undefined)
  }

  /** Try for camera and microphone again, and call anew with what there is. */
  async retryMedia(): Promise<void> {
    this.#stopMedia()
    await this.#openMedia()
    this.#rejoin()
  }

  /** This end has another address: the connection of now goes nowhere, and browsers need ten seconds to see it. */
  renew(): void {
    if (this.#held === null) this.#rejoin()
  }

  close(): void {
    if (this.#watch !== null) clearInterval(this.#watch)
    this.#become('ended')
    this.#attempt?.close()
    this.#attempt = null
    this.#stopMedia()
  }

  #stopMedia(): void {
    for (const track of this.#local?.getTracks() ?? []) track.stop()
    this.#local = null
  }

  async #openMedia(): Promise<void> {
    this.problem = null
    this.#local = (await this.#get({ audio: VOICE, video: FACE })) ?? (await this.#get({ audio: VOICE }))
    this.#local ??= await this.#get({ video: FACE })
    if (this.state === 'ended') return this.#stopMedia()
    this.microphone = this.#microphone
    this.camera = this.#camera
    this.#options.onLocal?.(this.#local, this.problem)
  }

  async #get(wanted: MediaStreamConstraints): Promise<MediaStream | null> {
    if (navigator.mediaDevices === undefined) {
      this.problem = 'not_secure'
      return null
    }
    try {
      return await (this.#options.open ?? ((what) => navigator.mediaDevices.getUserMedia(what)))(wanted)
    } catch (error) {
      this.problem ??= problemOf(error)
      return null
    }
  }

  #begin(): void {
    const held = this.#held ?? []
    this.#held = null
    if (this.#options.offers) return this.#offer()
    for (const signal of held) this.#take(signal)
    if (this.#attempt === null) this.#ask()
  }

  #rejoin(): void {
    if (this.state === 'ended') return
    this.#said = 0
    if (this.#options.offers) this.#offer()
    else this.#ask()
  }

  /** The nurse's page: epoch 0 for "I have nothing yet", or above the attempt that is given up. */
  #ask(): void {
    this.#options.send({ epoch: this.#epoch === 0 ? 0 : this.#epoch + 1 })
    this.#wasSaid()
  }

  #wasSaid(): void {
    this.#said += 1
    this.#saidMs = performance.now()
  }

  #offer(atLeast = 0): void {
    // by the clock, so that a reloaded page is not taken for an old one; the other's may be ahead of ours
    const attempt = this.#connect(Math.max(this.#epoch + 1, Date.now(), atLeast))
    for (const kind of ['audio', 'video'] as const) {
      const track = this.#local?.getTracks().find((one) => one.kind === kind)
      const transceiver = attempt.connection.addTransceiver(track ?? kind, {
        direction: track ? 'sendrecv' : 'recvonly',
        streams: this.#local ? [this.#local] : [],
      })
      if (kind === 'audio') repeatVoice(transceiver)
    }
    if (this.#shown !== undefined) attempt.connection.addTransceiver('video', { direction: 'sendonly' })
    this.#do(attempt, async () => {
      await attempt.connection.setLocalDescription()
      if (this.#shown) this.show(this.#shown)
      this.#tell(attempt)
    })
  }

  #take(signal: SignalBody): void {
    const { epoch, description, candidate } = signal
    const attempt = this.#attempt
    if (!description && !candidate) {
      if (this.#options.offers) this.#asked(epoch)
    } else if (description?.type === 'offer') {
      if (!this.#options.offers) this.#offered(epoch, description)
    } else if (attempt === null || epoch !== attempt.epoch) {
      return
    } else if (description?.type === 'answer') {
      this.#do(attempt, () => this.#answered(attempt, signal, description))
    } else if (candidate) {
      this.#do(attempt, () => attempt.candidate(candidate))
    }
  }

  /** The nurse's page is new (epoch 0) or lost the call; an offer that was not answered yet is the one to be taken. */
  #asked(epoch: number): void {
    const open = this.#attempt !== null && !this.#attempt.agreed && this.state === 'connecting'
    if (epoch === 0 && open) this.#tellAgain()
    else if (epoch === 0 || epoch > this.#epoch) this.#offer(epoch)
  }

  async #answered(attempt: Attempt, signal: SignalBody, description: RTCSessionDescriptionInit): Promise<void> {
    const { connection } = attempt
    const trust = this.#options.trust
    // one that is not genuine is passed over: the genuine one may still come
    const distrust = (await trust?.judge('nurse', signal)) ?? null
    if (this.#attempt !== attempt || connection.signalingState !== 'have-local-offer') return
    if (distrust !== null) return this.#options.onTrust?.(distrust)
    await connection.setRemoteDescription(description)
    if (trust && !trust.holds(signal, connection)) {
      attempt.close()
      return this.#options.onTrust?.('call_forged')
    }
    this.#options.onTrust?.(null)
    this.#agreed(attempt)
  }

  #offered(epoch: number, description: RTCSessionDescriptionInit): void {
    if (epoch > this.#epoch) this.#answer(epoch, description)
    else if (epoch === this.#attempt?.epoch) this.#tellAgain()
    // the clock of who calls now is behind that of who called before: say from where to count
    else if (performance.now() - this.#saidMs > againMs(1)) this.#ask()
  }

  #answer(epoch: number, description: RTCSessionDescriptionInit): void {
    if (this.#attempt?.agreed && this.state === 'connecting') this.#failures += 1
    const attempt = this.#connect(epoch)
    const { connection } = attempt
    this.#do(attempt, async () => {
      await connection.setRemoteDescription(description)
      for (const transceiver of connection.getTransceivers().slice(0, SECOND_PICTURE)) {
        const track = this.#local?.getTracks().find((one) => one.kind === transceiver.receiver.track.kind)
        transceiver.direction = track ? 'sendrecv' : 'recvonly'
        if (track) await transceiver.sender.replaceTrack(track)
        if (this.#local) transceiver.sender.setStreams(this.#local)
      }
      await connection.setLocalDescription()
      this.#agreed(attempt)
      this.#tell(attempt)
    })
  }

  #do(attempt: Attempt, job: () => Promise<void>): void {
    attempt.queue(job, () => {
      if (this.#attempt === attempt) this.#become('interrupted')
    })
  }

  #agreed(attempt: Attempt): void {
    attempt.agreed = true
    if (this.#attempt === attempt && this.state === 'connecting') this.#sinceMs = performance.now()
  }

  #tell(attempt: Attempt): void {
    if (this.#attempt !== attempt) return
    attempt.tell()
    this.#wasSaid()
  }

  #tellAgain(): void {
    if (this.#attempt?.told) this.#tell(this.#attempt)
  }

  #connect(epoch: number): Attempt {
    this.#attempt?.close()
    const path = this.#options.path?.() ?? pathBy(null)
    const connection = new RTCPeerConnection({ ...path, bundlePolicy: 'max-bundle' })
    watchRelay(connection, path, (problem) => this.#attempt?.connection === connection && this.#options.onRelay?.(problem))
    const attempt = new Attempt(epoch, connection, this.#options.send)
    this.#attempt = attempt
    this.#epoch = epoch
    this.#said = 0
    const remote = new MediaStream()
    connection.ontrack = (event) => {
      if (connection.getTransceivers().indexOf(event.transceiver) >= SECOND_PICTURE) return this.#options.onShown?.(event.track)
      remote.addTrack(event.track)
      this.#options.onRemote?.(remote)
    }
    connection.onconnectionstatechange = () => this.#changed(connection)
    this.#become('connecting')
    this.#sinceMs = performance.now()
    return attempt
  }

  #changed(connection: RTCPeerConnection): void {
    if (connection.connectionState === 'connected') {
      this.#failures = 0
      this.#become('connected')
      void limitFace(connection, this.#options.faceBps?.() ?? FACE_MAX_BPS)
    } else if (connection.connectionState === 'failed') {
      this.#become('interrupted')
      if (this.#failures === 0) this.#giveUp()
    } else if (connection.connectionState === 'disconnected') {
      this.#become('interrupted')
    }
  }

  #giveUp(): void {
    this.#failures += 1
    this.#rejoin()
  }

  /** While the call is not up: say it again if it may be lost, make it anew if it had its time. */
  #look(): void {
    if (this.state === 'connected' || this.state === 'ended') return
    const now = performance.now()
    const saidLongAgo = now - this.#saidMs > againMs(this.#said)
    if (this.#options.offers) {
      if (now - this.#sinceMs > this.#patience()) this.#giveUp()
      else if (saidLongAgo && !this.#attempt?.agreed) this.#tellAgain()
    } else if (saidLongAgo && now - this.#sinceMs > this.#patience()) {
      this.#ask()
    }
  }

  #patience(): number {
    if (this.state === 'interrupted') return REVIVE_MS
    if (this.#attempt === null) return 0
    if (!this.#attempt.agreed) return UNANSWERED_MS
    // who offers makes it anew; the other asks only if nothing came
    return connectMs(this.#failures) + (this.#options.offers ? 0 : REVIVE_MS)
  }

  #become(state: TalkState): void {
    if (this.state === state || this.state === 'ended') return
    this.state = state
    this.#sinceMs = performance.now()
    this.#options.onState?.(state)
  }
}

/** Each packet of voice repeats the one before (RED, RFC 2198), where the browser can: then a lost one is not heard. Both ends follow the offer. */
function repeatVoice(transceiver: RTCRtpTransceiver): void {
  const codecs = globalThis.RTCRtpReceiver?.getCapabilities('audio')?.codecs ?? []
  const isRed = ({ mimeType }: { mimeType: string }): boolean => mimeType.toLowerCase() === 'audio/red'
  const red = codecs.filter(isRed)
  if (red.length > 0) transceiver.setCodecPreferences([...red, ...codecs.filter((one) => !isRed(one))])
}

/** The kit's camera and sound share the uplink: the face takes what is left. */
async function limitFace(connection: RTCPeerConnection, bps: number): Promise<void> {
  for (const { sender } of connection.getTransceivers().slice(0, SECOND_PICTURE)) {
    const parameters = sender.getParameters()
    if (sender.track?.kind !== 'video' || parameters.encodings.length === 0) continue
    for (const encoding of parameters.encodings) encoding.maxBitrate = bps
    await sender.setParameters(parameters).catch(() => undefined)
  }
}

function problemOf(error: unknown): MediaProblem {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'no_permission'
  if (name === 'NotReadableError' || name === 'AbortError') return 'device_busy'
  return 'no_device'
}
