/** What is seen and heard in one visit: the kit's connection (camera, exact sound) and the nurse's face and voice. */
import { clock } from '../shared/clock.svelte'
import { awaySince, PictureAge } from '../shared/call/pictureAge'
import { InstrumentPeer, type LinkState, type SignalBody } from '../shared/call/instrumentPeer'
import { Leaving } from '../shared/call/leaving'
import { RoomTalk } from '../shared/call/roomTalk.svelte'
import { SFU } from '../shared/call/sfuPeer'
import { SharedPicture } from '../shared/call/sharedPicture.svelte'
import { TalkPeer, type TalkState } from '../shared/call/talkPeer'
import { guardEffect } from '../shared/sound/guardEffect'
import { onTheme } from '../shared/sound/paint'
import { type Flag, Phonocardiogram, type SoundMark } from '../shared/sound/phonocardiogram'
import { SoundPlayer } from '../shared/sound/player'
import { ExactSound, type Heard, type SoundEnd, type Verdict } from '../shared/sound/stream'
import { SoundTap } from '../shared/sound/tap'
import type { ListeningState, LiveVitals, Participant, Signal } from '../shared/wire'
import { CallSafety } from './callSafety.svelte'
import type { Console } from './console.svelte'
import { type Hearing, USUAL_HEARING } from './listening/hearing'
import { Ear } from './proof/ear.svelte'
import { SoundMarks } from './listening/soundMarks'
import { Proving } from './proof/proving.svelte'

/** Heart sounds are low: up to eight times as recorded. */
export const LOUDEST = 8
const USUAL_VOLUME = 3
const USUAL_RATE_HZ = 4000
/** A connection that breaks is missed within this time of its last picture. */
const MISSED_WITHIN_MS = 15_000
type ChannelMessage = { type: string } & Record<string, unknown>

export class Media {
  camera = $state.raw<MediaStream | null>(null)
  link = $state<LinkState>('waiting')
  /** Since when picture and sound are lost that were here, by the hub's clock, ms; 0: they are here, or never were. */
  lostAtMs = $state(0)
  /** When the last picture was taken that was shown, by the hub's clock, ms. */
  picturedMs = 0
  nurseFace = $state.raw<MediaStream | null>(null)
  talkState = $state<TalkState>('waiting')
  muted = $state(false)
  hidden = $state(false)
  noOwnMedia = $state(false)
  audioOn = $state(false)
  hearing = $state.raw<Hearing>(USUAL_HEARING)
  volume = $state(USUAL_VOLUME)
  verdict = $state<Verdict>('listening')
  repaired = $state(0)
  missing = $state(0)
  /** Nothing of the stream has come for a while. */
  still = $state(false)
  /** Of the sound: its samples are counted as pictures are. */
  #age = new PictureAge()
  /** How often the sound in the ear jumped ahead to catch up; the store has everything. */
  jumps = $state(0)
  readonly proving: Proving
  readonly ear = new Ear(() => this.#player)
  /** By how much the live sound is turned down so that nothing is cut off, dB. */
  turnedDown = $state(0)
  /** The stream that is drawn and heard; -1 before the first. */
  stream = $state(-1)
  /** S1 and S2 of the stream, all of them. */
  #marks = new SoundMarks()
  #flags: readonly Flag[] = []
  /** Something else is played: the live sound is received and recorded, and not heard. */
  #aside = false
  /** Guests, and other doctors. */
  readonly room: RoomTalk
  readonly safety: CallSafety
  readonly shared: SharedPicture
  #kit: string | undefined
  #nurse: string | undefined
  #instruments: InstrumentPeer | undefined
  #talk: TalkPeer | undefined
  readonly #nurseLeaving = new Leaving(() => this.#endTalk())
  #tap: SoundTap | undefined
  #player: SoundPlayer | undefined
  #exact: ExactSound | undefined
  #picture: Phonocardiogram | undefined

  constructor(
    readonly desk: Console,
    readonly visitId: string,
  ) {
    this.safety = new CallSafety(desk, visitId)
    const show = (stream: MediaStream): void => void (this.camera = stream)
    this.shared = new SharedPicture({ send: (to, body) => this.#send(to, body), path: this.safety.path, kit: () => this.#instruments?.stats(), onPicture: show })
    this.room = new RoomTalk({
      path: this.safety.path,
      visitId,
      send: (signal) => this.desk.sendSignal(signal),
      report: (quality) => this.desk.sendQuality(quality),
      connections: () => (this.#talk?.connection ? [['nurse', this.#talk.connection]] : []),
    })
    this.proving = new Proving({
      player: () => this.#player,
      carrier: () => this.#instruments?.carrier ?? 'data_channel',
      send: (message) => this.#instruments?.sendRepair(message) ?? false,
      may: () => ({
        connected: this.link === 'connected',
        audible: this.#player?.state === 'running',
        quiet: !['starting', 'live'].includes(this.desk.listening?.state ?? ''),
      }),
      save: (path) => this.desk.api.post(`/api/visits/${this.visitId}/path-proofs`, path),
    })
  }

  /** Begins to wait for the kit; returns what ends it. */
  start(): () => void {
    const tap = new SoundTap((packet) => this.proving.packet(packet, 'live') || this.#exact?.take(packet, 'live'))
    this.#tap = tap
    this.#player = new SoundPlayer(tap)
    void this.#player.through(guardEffect((decibel) => (this.turnedDown = decibel)), true)
    // what `carebag bench` listens to: which sample was rendered when
    this.#player.onRendered = (rendered) => {
      if (this.jumps !== rendered.jumps) this.jumps = rendered.jumps
      document.dispatchEvent(new CustomEvent('carebag:rendered', { detail: rendered }))
    }
    this.#exact = new ExactSound({
      ask: (message) => this.#instruments?.sendRepair(message) ?? false,
      onBegin: (_stream, rateHz) => this.#began(rateHz),
      onSamples: (first, length) => this.#picture?.changed(first, length),
      onVerdict: (verdict, heard) => this.#judged(verdict, heard),
      onVitals: (vitals) => this.desk.live(vitals, null),
    })
    const off = this.desk.onSignal((signal) => this.#signal(signal))
    const count = setInterval(() => this.#count(), 1000)
    const proved = this.proving.start()
    const measured = this.room.start()
    const heard = this.ear.start()
    const online = (): void => this.#renew()
    window.addEventListener('online', online)
    return () => {
      window.removeEventListener('online', online)
      off()
      proved()
      measured()
      heard()
      clearInterval(count)
      this.#endTalk()
      this.#endInstruments()
      this.#exact?.close()
      void this.#player?.close()
      tap.close()
    }
  }

  /** Whom to connect with now; undefined: nobody there. A kit or nurse that comes back keeps the connection if it lives. */
  meet(kit: string | undefined, nurse: string | undefined): void {
    this.#kit = kit ?? this.#kit
    this.#nurse = nurse ?? this.#nurse
    if (kit !== undefined) this.#instruments ??= this.#toKit()
    if (nurse !== undefined) this.#talk ??= this.#toNurse()
    // the kit's way to the hub may break while picture and voices live on, browser to browser: only who really left ends them
    if (nurse === undefined && kit !== undefined) this.#nurseLeaving.away()
    else this.#nurseLeaving.here()
  }

  /** Guests and other doctors who are in the room; `passOnTo` these the examination camera's picture goes from here. */
  meetOthers(me: string, others: readonly Participant[], passOnTo: readonly string[]): void {
    this.room.meet(me, others)
    this.room.show(this.camera?.getVideoTracks()[0] ?? null, new Set(passOnTo))
  }

  /** The kit does it, and its nurse sees that. */
  workCamera(act: 'choose' | 'freeze' | 'release' | 'still', camera?: number): void {
    void this.desk.act(() => this.desk.api.post(`/api/visits/${this.visitId}/camera`, { act, camera: camera ?? null }))
  }

  /** The visit is closed, or another tab has the seat: nothing more may be seen or heard here. */
  leave(): void {
    this.room.end()
    this.#endTalk()
    this.#endInstruments()
  }

  /** The kit has a new key, and the doctor has made sure of it. */
  acceptKitKey(): void {
    this.#instruments?.acceptKey()
  }

  mute(on: boolean): void {
    this.muted = on
    if (this.#talk) this.#talk.microphone = !on
    this.room.mute(on)
  }

  hide(on: boolean): void {
    this.hidden = on
    if (this.#talk) this.#talk.camera = !on
    this.room.hide(on)
  }

  /** From a click: browsers play nothing before one. */
  async listen(on: boolean): Promise<void> {
    if (!this.#player) return
    this.audioOn = on
    if (!on) return void (this.#player.volume = 0)
    await this.#player.prepare(this.#exact?.rateHz || this.desk.listening?.rate_hz || USUAL_RATE_HZ)
    await this.#player.resume()
    this.hear(this.hearing)
    this.#player.volume = this.#aside ? 0 : this.volume
  }

  hear(hearing: Hearing): void {
    this.hearing = hearing
    if (this.#player) ({ view: this.#player.view, quieter: this.#player.quieter } = hearing)
  }

  setVolume(volume: number): void {
    this.volume = volume
    if (this.#player && this.audioOn && !this.#aside) this.#player.volume = volume
  }

  /** While something else is played: the live sound goes on being received, and is silent here. */
  aside(on: boolean): void {
    this.#aside = on
    if (this.#player && this.audioOn) this.#player.volume = on ? 0 : this.volume
  }

  /** The exact samples of the stream of now; null before the first. */
  get sound(): ExactSound | null {
    return this.#exact !== undefined && this.#exact.stream >= 0 ? this.#exact : null
  }

  get soundMarks(): readonly SoundMark[] {
    return this.#marks.all
  }

  /** The sample that is heard now; the newest one where the sound is off. */
  get heardSample(): number {
    const rendered = this.#player?.rendered
    const heard = this.audioOn && rendered?.stream === this.stream ? rendered.head : Infinity
    return Math.max(0, Math.min(heard, (this.#exact?.length ?? 0) - 1))
  }

  /** The persons' marks on the stream of now. */
  flag(flags: readonly Flag[]): void {
    this.#flags = flags
    this.#picture?.flag(flags)
  }

  /** Draws the exact samples on these canvases until the returned function is called. */
  draw(canvas: HTMLCanvasElement, spectrogram: HTMLCanvasElement, onNamed: (all: boolean) => void): () => void {
    const picture = new Phonocardiogram(canvas, { head: () => this.#exact?.length ?? 0, spectrogram, onNamed })
    this.#picture = picture
    this.#show(picture)
    const off = onTheme(() => picture.recolour())
    return () => {
      off()
      picture.close()
      this.#picture = undefined
    }
  }

  #show(picture: Phonocardiogram): void {
    if (this.sound === null) return
    picture.show(this.sound)
    picture.mark(this.#marks.all)
    picture.flag(this.#flags)
  }

  /** This computer was without any network. */
  #renew(): void {
    this.#instruments?.renew()
    this.#talk?.renew()
    this.room.renew()
  }

  #linked(state: LinkState): void {
    if (state === 'connected') this.lostAtMs = 0
    else if (this.link === 'connected') this.lostAtMs = awaySince(this.picturedMs, clock.nowMs, MISSED_WITHIN_MS)
    this.link = state
  }

  #toKit(): InstrumentPeer {
    if (this.#tap === undefined) throw new Error('start() comes before meet()')
    return new InstrumentPeer({
      tap: this.#tap,
      path: this.safety.path,
      trust: this.safety.trust,
      onTrust: (distrust, digits) => {
        this.safety.onKit(distrust, digits)
        if (distrust !== null) this.#unseen()
      },
      onRelay: this.safety.onRelay,
      send: (body) => this.#send(this.#kit, body),
      onVideo: (stream) => {
        this.shared.fromKit(stream)
      },
      onMessage: (message) => this.#channel(message),
      onRepair: (packet) => this.#repair(packet),
      onState: (state) => this.#linked(state),
    })
  }

  #toNurse(): TalkPeer {
    const talk = new TalkPeer({
      offers: true,
      path: this.safety.path,
      trust: this.safety.trust,
      onTrust: this.safety.onNurse,
      send: (body) => this.#send(this.#nurse, body),
      onRemote: (stream) => (this.nurseFace = stream),
      onLocal: (stream) => {
        this.noOwnMedia = stream === null
        this.ear.speaksInto(stream?.getAudioTracks()[0] ?? null)
      },
      onState: (state) => (this.talkState = state),
    })
    void talk.start()
    return talk
  }

  #endTalk(): void {
    this.#nurseLeaving.here()
    this.#talk?.close()
    this.#talk = undefined
    this.nurseFace = null
    this.talkState = 'waiting'
  }

  #endInstruments(): void {
    this.#instruments?.close()
    this.#instruments = undefined
    this.#unseen()
    this.link = 'waiting'
  }

  #unseen(): void {
    this.shared.end()
    this.camera = null
  }

  #send(to: string | undefined, body: SignalBody): void {
    if (to === undefined) return
    const { epoch, description = null, candidate = null } = body
    this.desk.sendSignal({ type: 'signal', visit_id: this.visitId, sender: '', to, epoch, proof: '', description: description as Signal['description'], candidate: candidate as Signal['candidate'] })
  }

  #signal(signal: Signal): void {
    if (signal.visit_id !== this.visitId) return
    const body = signal as unknown as SignalBody
    if (signal.sender === this.#nurse) this.#talk?.signal(body)
    else if (signal.sender === this.#kit) this.#instruments?.signal(body)
    else if (signal.sender === SFU) this.#instruments && this.safety.kit === null && this.shared.signal(body)
    else this.room.signal(signal)
  }

  #channel(message: ChannelMessage): void {
    this.proving.message(message)
    if (this.shared.message(message)) return
    if (message.type === 'live_vitals') this.desk.live(message as unknown as LiveVitals, null)
    else if (message.type === 'listening') this.#listening(message as unknown as ListeningState)
    else if (message.type === 'sound_here') this.#exact?.here(message as unknown as Parameters<ExactSound['here']>[0])
    else if (message.type === 'sound_end') this.#ended(message as unknown as SoundEnd)
  }

  #listening(state: ListeningState): void {
    this.desk.live(null, state)
    this.takeMarks(state)
  }

  takeMarks(state: ListeningState): void {
    if (state.stream !== this.#exact?.stream) return
    const fresh = this.#marks.take(state.sound_marks as SoundMark[])
    if (fresh.length > 0) this.#picture?.mark(fresh)
  }

  #repair(packet: ArrayBuffer): void {
    const how = this.#instruments?.carrier === 'data_channel' ? 'live' : 'repair'
    if (!this.proving.packet(packet, how)) this.#exact?.take(packet, how)
    this.#player?.packet(packet)
  }

  #began(rateHz: number): void {
    this.verdict = 'listening'
    this.still = false
    this.#age = new PictureAge()
    this.repaired = 0
    this.missing = 0
    this.stream = this.#exact?.stream ?? -1
    this.#marks = new SoundMarks()
    this.#flags = []
    if (this.#picture) this.#show(this.#picture)
    if (this.audioOn) void this.#player?.prepare(rateHz)
  }

  #ended(end: SoundEnd): void {
    this.#exact?.end(end)
    this.#player?.end(end.stream, end.samples)
  }

  #count(): void {
    if (!this.#exact || this.#exact.stream < 0) return
    this.repaired = this.#exact.repaired
    this.still = this.#age.look(this.#exact.length, performance.now()) !== null
  }

  /** What was heard is compared here and told to the hub, which compares it with the record. */
  #judged(verdict: Verdict, heard: Heard | null): void {
    this.verdict = verdict
    this.#count()
    if (heard === null) return
    this.missing = heard.missing
    void this.desk.act(() => this.desk.api.post(`/api/visits/${this.visitId}/sounds/heard`, heard))
  }
}
