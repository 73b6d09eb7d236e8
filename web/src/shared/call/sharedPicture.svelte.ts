/** The examination camera's picture, by whichever way it comes: from the kit itself, or by way of the hub's SFU. */
import type { CallPath } from './callPath'
import type { SignalBody } from './instrumentPeer'
import { KitClock, type PictureTime } from './kitClock'
import { SfuClock } from './sfuClock'
import { decoded, PictureChoice, SFU, SfuPeer } from './sfuPeer'

const LOOK_MS = 300

export interface SharedPictureOptions {
  send: (to: string, body: SignalBody) => void
  path: () => CallPath
  /** Statistics of the kit's own connection to this page. */
  kit: () => Promise<RTCStatsReport | null> | undefined
  /** This picture is to be shown from now on. */
  onPicture: (stream: MediaStream) => void
}

export class SharedPicture {
  /** The picture that is shown goes by way of the hub's SFU. */
  bySfu = $state(false)
  readonly #options: SharedPictureOptions
  readonly #kitClock = new KitClock()
  readonly #sfuClock = new SfuClock()
  #choice = new PictureChoice()
  #kit: MediaStream | null = null
  #sfu: MediaStream | null = null
  #shown: MediaStream | null = null
  #peer: SfuPeer | undefined
  #watch: ReturnType<typeof setInterval> | undefined

  constructor(options: SharedPictureOptions) {
    this.#options = options
  }

  /** A new connection of the kit has this picture. */
  fromKit(stream: MediaStream): void {
    this.#kitClock.forget()
    this.#kit = stream
    if (this.bySfu) return
    this.#shown = stream
    this.#options.onPicture(stream)
  }

  signal(body: SignalBody): void {
    this.#peer ??= new SfuPeer({
      send: (answer) => this.#options.send(SFU, answer),
      path: this.#options.path,
      onVideo: (stream) => {
        this.#sfuClock.forget()
        this.#sfu = stream
      },
    })
    this.#watch ??= setInterval(() => void this.#look(), LOOK_MS)
    this.#peer.signal(body)
  }

  /** What the kit says of its pictures' times; false for any other message. */
  message(message: Record<string, unknown>): boolean {
    return this.#kitClock.take(message) || this.#sfuClock.take(message)
  }

  /** Kit time (microseconds) of the picture with this RTP time that is shown now; null where it is not known. */
  timeOf(track: string, rtp: number): number | null {
    return this.bySfu ? this.#sfuClock.shown(rtp) : this.#kitClock.timeOf(track, rtp)
  }

  /** What `carebag bench` compares with `carebag:rendered`. */
  pictured(picture: PictureTime): void {
    document.dispatchEvent(new CustomEvent('carebag:picture', { detail: picture }))
  }

  end(): void {
    clearInterval(this.#watch)
    this.#watch = undefined
    this.#peer?.close()
    this.#peer = undefined
    this.#kit = this.#sfu = this.#shown = null
    this.#choice = new PictureChoice()
    this.bySfu = false
    this.#kitClock.forget()
    this.#sfuClock.forget()
  }

  async #look(): Promise<void> {
    const [kit, sfu] = await Promise.all([this.#options.kit(), this.#peer?.stats()])
    if (this.#watch === undefined) return
    const source = this.#choice.look({ kit: decoded(kit ?? null), sfu: decoded(sfu ?? null) }, performance.now())
    const stream = source === 'sfu' ? this.#sfu : this.#kit
    // what is over keeps its last picture until there is another
    if (stream === null || stream === this.#shown) return
    this.#shown = stream
    this.bySfu = source === 'sfu'
    this.#options.onPicture(stream)
  }
}
