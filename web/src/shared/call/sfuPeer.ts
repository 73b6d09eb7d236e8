/**
 * A viewer's end of the picture that the hub's SFU hands on, from the second viewer on. The SFU offers; a signal with
 * neither description nor candidate says that it is over. It is decrypted on the hub's side, so what the kit signs does
 * not cover it: the page says so.
 */
import { Attempt } from './attempt'
import { type CallPath, pathBy } from './callPath'
import type { SignalBody } from './instrumentPeer'
import { againMs, connectMs } from './patience'

/** The participant to whom call set-up of this picture goes. */
export const SFU = 'sfu'
/** A browser says `disconnected` late, and revives short outages itself. */
const DEAD_MS = 3000
const WATCH_MS = 500

export interface SfuPeerOptions {
  send: (signal: SignalBody) => void
  path?: () => CallPath
  /** A new connection's picture; null: it is over. Nothing may come of it yet. */
  onVideo: (stream: MediaStream | null) => void
}

export class SfuPeer {
  readonly #options: SfuPeerOptions
  #epoch = 0
  #attempt: Attempt | null = null
  #connected = false
  /** When it was connected last, or began. */
  #wellAt = 0
  #failures = 0
  #askedAt = -Infinity
  readonly #watch: ReturnType<typeof setInterval>

  constructor(options: SfuPeerOptions) {
    this.#options = options
    this.#watch = setInterval(() => this.#look(), WATCH_MS)
  }

  signal({ epoch, description, candidate }: SignalBody): void {
    if (description?.type === 'offer') this.#offered(epoch, description)
    else if (candidate && this.#attempt?.epoch === epoch) this.#candidate(this.#attempt, candidate)
    else if (!description && !candidate && epoch >= this.#epoch) this.#end()
  }

  async stats(): Promise<RTCStatsReport | null> {
    return (await this.#attempt?.connection.getStats()) ?? null
  }

  close(): void {
    clearInterval(this.#watch)
    this.#end()
  }

  #offered(epoch: number, description: RTCSessionDescriptionInit): void {
    // our answer was lost
    if (epoch === this.#epoch && this.#attempt?.told) this.#attempt.tell()
    if (epoch <= this.#epoch) return
    this.#attempt?.close()
    this.#epoch = epoch
    this.#connected = false
    this.#wellAt = performance.now()
    const attempt = (this.#attempt = this.#connect(epoch))
    attempt.queue(
      async () => {
        await attempt.connection.setRemoteDescription(description)
        await attempt.connection.setLocalDescription()
        if (this.#attempt === attempt) attempt.tell()
      },
      () => this.#broken(attempt),
    )
  }

  #connect(epoch: number): Attempt {
    const connection = new RTCPeerConnection({ ...(this.#options.path?.() ?? pathBy(null)), bundlePolicy: 'max-bundle' })
    connection.ontrack = ({ track }) => this.#options.onVideo(new MediaStream([track]))
    connection.onconnectionstatechange = () => this.#changed(connection.connectionState)
    return new Attempt(epoch, connection, this.#options.send)
  }

  #candidate(attempt: Attempt, candidate: RTCIceCandidateInit): void {
    attempt.queue(
      () => attempt.candidate(candidate),
      () => this.#broken(attempt),
    )
  }

  #broken(attempt: Attempt): void {
    if (this.#attempt !== attempt) return
    this.#connected = true
    this.#wellAt = -Infinity
  }

  #changed(state: RTCPeerConnectionState): void {
    if (state === 'connected') {
      this.#connected = true
      this.#failures = 0
      this.#wellAt = Infinity
    } else if (state === 'failed' || state === 'closed') {
      this.#wellAt = -Infinity
    } else if (state === 'disconnected') {
      this.#wellAt = performance.now()
    }
  }

  /** What broke is asked for anew: meanwhile the kit sends its picture here itself. */
  #look(): void {
    const now = performance.now()
    if (this.#attempt === null || now - this.#wellAt < (this.#connected ? DEAD_MS : connectMs(this.#failures))) return
    if (now - this.#askedAt < againMs(this.#failures + 1)) return
    this.#askedAt = now
    this.#failures += 1
    this.#options.send({ epoch: this.#epoch + 1 })
  }

  #end(): void {
    if (this.#attempt === null) return
    this.#attempt.close()
    this.#attempt = null
    this.#options.onVideo(null)
  }
}

/** Pictures of a video track decoded so far; 0 where there is none. */
export function decoded(report: RTCStatsReport | null): number {
  let pictures = 0
  report?.forEach((entry: { type: string; kind?: string; framesDecoded?: number }) => {
    if (entry.type === 'inbound-rtp' && entry.kind === 'video') pictures += entry.framesDecoded ?? 0
  })
  return pictures
}

export type PictureSource = 'kit' | 'sfu'
/** Fewer pictures than this come on no rung of the ladder. */
const FRESH_MS = 1500

/** Which of two pictures to show: the SFU's as long as it comes, else the kit's as soon as that comes, else the last. Pure. */
export class PictureChoice {
  source: PictureSource = 'kit'
  readonly #counts: Record<PictureSource, number> = { kit: 0, sfu: 0 }
  readonly #atMs: Record<PictureSource, number> = { kit: -Infinity, sfu: -Infinity }

  /** `pictures`: how many each has decoded so far. */
  look(pictures: Record<PictureSource, number>, nowMs: number): PictureSource {
    for (const source of ['kit', 'sfu'] as const) {
      // a new connection counts from nothing
      if (pictures[source] > 0 && pictures[source] !== this.#counts[source]) this.#atMs[source] = nowMs
      this.#counts[source] = pictures[source]
    }
    const fresh = (source: PictureSource): boolean => nowMs - this.#atMs[source] < FRESH_MS
    if (fresh('sfu')) this.source = 'sfu'
    else if (fresh('kit')) this.source = 'kit'
    return this.source
  }
}
