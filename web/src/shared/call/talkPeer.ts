/**
 * Voice and face, browser to browser: the same on the doctor's page (`offers: true`) and the nurse's. Browsers cancel
 * echo and control congestion; the kit takes no part. Without camera or microphone the call goes on with what there is.
 */
import type { SignalBody } from './instrumentPeer'

export type TalkState = 'waiting' | 'connecting' | 'connected' | 'interrupted' | 'ended'

/** Why we send less than voice and face, as a code; `null` when we send both. */
export type MediaProblem = 'no_permission' | 'no_device' | 'device_busy' | 'not_secure' | null

export interface TalkPeerOptions {
  /** The doctor's page offers; the nurse's answers, and asks for an offer when the call is broken. */
  offers: boolean
  send: (signal: SignalBody) => void
  iceServers?: RTCIceServer[]
  onRemote?: (stream: MediaStream) => void
  onLocal?: (stream: MediaStream | null, problem: MediaProblem) => void
  onState?: (state: TalkState) => void
}

const VOICE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
const FACE: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 20, max: 25 } }
const FACE_MAX_BPS = 400_000
const PATIENCE_MS = 4000
const WATCH_MS = 1000

export class TalkPeer {
  state: TalkState = 'waiting'
  problem: MediaProblem = null
  readonly #options: TalkPeerOptions
  #local: MediaStream | null = null
  #connection: RTCPeerConnection | null = null
  #epoch = 0
  #sinceMs = performance.now()
  /** Candidates found before our description was sent; null after that. */
  #early: RTCIceCandidateInit[] | null = null
  #queue: Promise<void> = Promise.resolve()
  #microphone = true
  #camera = true
  #watch: ReturnType<typeof setInterval> | null = null

  constructor(options: TalkPeerOptions) {
    this.#options = options
  }

  /** Ask for camera and microphone, then call (the doctor) or say that we are there (the nurse). */
  async start(): Promise<void> {
    await this.#openMedia()
    if (this.state === 'ended') return this.#stopMedia()
    this.#watch = setInterval(() => this.#look(), WATCH_MS)
    this.#rejoin()
  }

  /** Take call set-up from the other side, one after the other. */
  signal(signal: SignalBody): Promise<void> {
    this.#queue = this.#queue.then(() => this.#take(signal)).catch(() => this.#become('interrupted'))
    return this.#queue
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

  /** Try for camera and microphone again, and call anew with what there is. */
  async retryMedia(): Promise<void> {
    this.#stopMedia()
    await this.#openMedia()
    this.#rejoin()
  }

  close(): void {
    if (this.#watch !== null) clearInterval(this.#watch)
    this.#become('ended')
    this.#connection?.close()
    this.#connection = null
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
      return await navigator.mediaDevices.getUserMedia(wanted)
    } catch (error) {
      this.problem ??= problemOf(error)
      return null
    }
  }

  #rejoin(): void {
    if (this.#options.offers) void this.#offer()
    else this.#options.send({ epoch: this.#epoch === 0 ? 0 : this.#epoch + 1 })
    this.#sinceMs = performance.now()
  }

  async #offer(): Promise<void> {
    // by the clock, so that a reloaded page is not taken for an old one
    const epoch = Math.max(this.#epoch + 1, Date.now())
    const connection = this.#connect(epoch)
    for (const kind of ['audio', 'video'] as const) {
      const track = this.#local?.getTracks().find((one) => one.kind === kind)
      connection.addTransceiver(track ?? kind, {
        direction: track ? 'sendrecv' : 'recvonly',
        streams: this.#local ? [this.#local] : [],
      })
    }
    await connection.setLocalDescription()
    this.#tell(connection, epoch)
  }

  async #take(signal: SignalBody): Promise<void> {
    if (this.state === 'ended') return
    const { epoch, description, candidate } = signal
    if (!description && !candidate) {
      if (this.#options.offers && (epoch === 0 || epoch > this.#epoch)) this.#asked(epoch)
    } else if (description?.type === 'offer' && !this.#options.offers && epoch > this.#epoch) {
      await this.#answer(epoch, description)
    } else if (epoch !== this.#epoch || this.#connection === null) {
      return
    } else if (description?.type === 'answer' && this.#connection.signalingState === 'have-local-offer') {
      await this.#connection.setRemoteDescription(description)
    } else if (candidate) {
      await this.#candidate(this.#connection, candidate)
    }
  }

  /** The nurse's page is new (epoch 0) or lost the call; an offer of just now is already on its way. */
  #asked(epoch: number): void {
    const underWay = this.state === 'connecting' && performance.now() - this.#sinceMs < 1000
    if (epoch !== 0 || !underWay) this.#rejoin()
  }

  async #answer(epoch: number, description: RTCSessionDescriptionInit): Promise<void> {
    const connection = this.#connect(epoch)
    await connection.setRemoteDescription(description)
    for (const transceiver of connection.getTransceivers()) {
      const track = this.#local?.getTracks().find((one) => one.kind === transceiver.receiver.track.kind)
      transceiver.direction = track ? 'sendrecv' : 'recvonly'
      if (track) await transceiver.sender.replaceTrack(track)
      if (this.#local) transceiver.sender.setStreams(this.#local)
    }
    await connection.setLocalDescription()
    this.#tell(connection, epoch)
  }

  #tell(connection: RTCPeerConnection, epoch: number): void {
    if (this.#connection !== connection || connection.localDescription === null) return
    this.#options.send({ epoch, description: connection.localDescription.toJSON() as RTCSessionDescriptionInit })
    for (const candidate of this.#early ?? []) this.#options.send({ epoch, candidate })
    this.#early = null
  }

  async #candidate(connection: RTCPeerConnection, candidate: RTCIceCandidateInit): Promise<void> {
    if (connection.remoteDescription === null) return
    await connection.addIceCandidate(candidate.candidate ? candidate : undefined)
  }

  #connect(epoch: number): RTCPeerConnection {
    this.#connection?.close()
    const connection = new RTCPeerConnection({
      iceServers: this.#options.iceServers ?? [],
      bundlePolicy: 'max-bundle',
    })
    const remote = new MediaStream()
    this.#connection = connection
    this.#epoch = epoch
    this.#early = []
    connection.ontrack = (event) => {
      remote.addTrack(event.track)
      this.#options.onRemote?.(remote)
    }
    connection.onicecandidate = (event) => {
      const candidate = event.candidate?.toJSON() ?? {}
      if (this.#connection !== connection) return
      if (this.#early === null) this.#options.send({ epoch, candidate })
      else this.#early.push(candidate)
    }
    connection.onconnectionstatechange = () => {
      if (this.#connection === connection) this.#changed(connection)
    }
    this.#become('connecting')
    return connection
  }

  #changed(connection: RTCPeerConnection): void {
    if (connection.connectionState === 'connected') {
      this.#become('connected')
      void limitFace(connection)
    } else if (connection.connectionState === 'failed') {
      this.#broken()
    } else if (connection.connectionState === 'disconnected') {
      this.#become('interrupted')
    }
  }

  #broken(): void {
    if (this.state === 'ended') return
    this.#become('interrupted')
    this.#rejoin()
  }

  /** Browsers revive short outages themselves; after that the call is made anew. */
  #look(): void {
    if (this.state === 'connected' || this.state === 'ended') return
    if (performance.now() - this.#sinceMs > PATIENCE_MS) this.#rejoin()
  }

  #become(state: TalkState): void {
    if (this.state === state || this.state === 'ended') return
    this.state = state
    this.#sinceMs = performance.now()
    this.#options.onState?.(state)
  }
}

/** The kit's camera and sound share the uplink: the face takes what is left. */
async function limitFace(connection: RTCPeerConnection): Promise<void> {
  for (const sender of connection.getSenders()) {
    const parameters = sender.getParameters()
    if (sender.track?.kind !== 'video' || parameters.encodings.length === 0) continue
    for (const encoding of parameters.encodings) encoding.maxBitrate = FACE_MAX_BPS
    await sender.setParameters(parameters).catch(() => undefined)
  }
}

function problemOf(error: unknown): MediaProblem {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'no_permission'
  if (name === 'NotReadableError' || name === 'AbortError') return 'device_busy'
  return 'no_device'
}
