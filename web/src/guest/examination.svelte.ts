/** What a guest sees and hears of the examination: the kit's picture and monitor sound, while a host allows it. */
import type { CallPath } from '../shared/call/callPath'
import { InstrumentPeer, type LinkState, type SignalBody } from '../shared/call/instrumentPeer'
import { type Distrust, KitTrust } from '../shared/call/kitTrust'
import { SFU } from '../shared/call/sfuPeer'
import { SharedPicture } from '../shared/call/sharedPicture.svelte'
import type { SoundTap } from '../shared/sound/tap'
import type { GuestRoom, Participant, Signal } from '../shared/wire'
import { Arrival } from './arrival'
import { MonitorEar } from './monitorEar.svelte'

export interface ExaminationOptions {
  send: (to: string, body: SignalBody) => void
  path: () => CallPath
}

const LOOK_MS = 500
/** A place that is asked for is there within a moment. */
const FULL_AFTER_MS = 2000
const BACK_FOR_MS = 4000
/** A guest is sent no exact samples: nothing is ever taken out of a receiver. */
const NO_TAP: Pick<SoundTap, 'attach' | 'passOn'> = { attach: () => undefined, passOn: () => undefined }

export class Examination {
  picture = $state.raw<MediaStream | null>(null)
  link = $state<LinkState>('waiting')
  /** Why the kit's call was not answered. */
  distrust = $state<Distrust | null>(null)
  /** The kit has no place for this guest. */
  full = $state(false)
  /** When the picture that stands still was taken; null while it moves. */
  frozenAt = $state<string | null>(null)
  kitHere = $state(false)
  /** Somebody listens with the stethoscope now. */
  sounding = $state(false)
  /** The picture came back a moment ago. */
  back = $state(false)
  readonly ear = new MonitorEar()
  readonly shared: SharedPicture
  readonly #options: ExaminationOptions
  #kit: Participant | null = null
  #visitId = ''
  #me = ''
  #peer: InstrumentPeer | null = null
  #arrival = new Arrival()
  #looking: ReturnType<typeof setInterval> | undefined
  #ending: ReturnType<typeof setTimeout> | undefined
  #filling: ReturnType<typeof setTimeout> | undefined

  constructor(options: ExaminationOptions) {
    this.#options = options
    this.shared = new SharedPicture({
      send: options.send,
      path: options.path,
      kit: () => this.#peer?.stats(),
      onPicture: (stream) => (this.picture = stream),
    })
  }

  /** What the room is now. Without the word all ends at once; a kit that is away for a moment is waited for. */
  meet(me: string, room: GuestRoom): void {
    if (!room.camera) return this.close()
    this.#me = me
    this.#visitId = room.visit_id
    this.kitHere = room.kit !== null
    this.frozenAt = room.frozen_at ?? null
    this.#place(room.kit === null || room.served)
    if (room.kit === null) return
    this.#kit = room.kit
    this.#peer ??= this.#begin()
  }

  /** True if it was call set-up of the kit, or of its picture by way of the SFU. */
  signal(signal: Signal): boolean {
    if (signal.sender === SFU) {
      if (this.#peer !== null && this.distrust === null) this.shared.signal(signal as unknown as SignalBody)
      return true
    }
    if (this.#kit === null || signal.sender !== this.#kit.id) return false
    this.#peer?.signal(signal as unknown as SignalBody)
    return true
  }

  renew(): void {
    this.#peer?.renew()
  }

  close(): void {
    clearInterval(this.#looking)
    clearTimeout(this.#ending)
    this.#place(true)
    this.#peer?.close()
    this.#peer = this.#kit = null
    this.ear.close()
    this.shared.end()
    this.picture = this.distrust = null
    this.sounding = this.back = this.kitHere = false
    this.link = 'waiting'
  }

  #begin(): InstrumentPeer {
    this.#looking = setInterval(() => void this.#look(), LOOK_MS)
    return new InstrumentPeer({
      tap: NO_TAP,
      carrier: 'script_transform',
      path: this.#options.path,
      trust: this.#trust(),
      onTrust: (distrust) => this.#judged(distrust),
      send: (body) => this.#kit && this.#options.send(this.#kit.id, body),
      onVideo: (stream) => this.shared.fromKit(stream),
      onVoice: (label, stream) => label === 'monitor' && this.ear.hear(stream),
      onState: (state) => this.#linked(state),
    })
  }

  /** Against the key that the hub names, for as long as the page is open: a guest's browser knows no kit from before. */
  #trust(): KitTrust {
    const seen = new Map<string, string>()
    const pins = { getItem: (key: string) => seen.get(key) ?? null, setItem: (key: string, value: string) => void seen.set(key, value) }
    return new KitTrust({ visitId: this.#visitId, me: () => this.#me, kit: () => (this.#kit ? { id: this.#kit.id, key: this.#kit.key } : undefined), pins })
  }

  #judged(distrust: Distrust | null): void {
    this.distrust = distrust
    if (distrust === null) return
    this.shared.end()
    this.picture = null
  }

  #linked(state: LinkState): void {
    const lost = this.link === 'interrupted' || this.link === 'rejoining'
    this.link = state
    clearTimeout(this.#ending)
    this.back = state === 'connected' && lost && this.picture !== null
    if (this.back) this.#ending = setTimeout(() => (this.back = false), BACK_FOR_MS)
  }

  #place(served: boolean): void {
    if (served) {
      clearTimeout(this.#filling)
      this.#filling = undefined
      this.full = false
    } else {
      this.#filling ??= setTimeout(() => this.#noPlace(), FULL_AFTER_MS)
    }
  }

  /** The kit has hung up: what stands must not be taken for now. */
  #noPlace(): void {
    this.full = true
    this.shared.end()
    this.picture = null
  }

  async #look(): Promise<void> {
    const report = this.link === 'connected' ? await this.#peer?.stats() : null
    let packets = 0
    report?.forEach((stat: { type: string; kind?: string; packetsReceived?: number }) => {
      if (stat.type === 'inbound-rtp' && stat.kind === 'audio') packets += stat.packetsReceived ?? 0
    })
    this.sounding = this.#arrival.look(packets, performance.now()) && this.link === 'connected'
  }
}
