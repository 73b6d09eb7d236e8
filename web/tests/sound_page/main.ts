/** Both ends of live media in one bare page; the test reads `window.soundPage`. */
import { KitClock, watchPictures } from '../../src/shared/call/kitClock'
import { InstrumentPeer, type SignalBody } from '../../src/shared/call/instrumentPeer'
import { parsePacket } from '../../src/shared/sound/packet'
import { Phonocardiogram, type SoundMark } from '../../src/shared/sound/phonocardiogram'
import { SoundPlayer } from '../../src/shared/sound/player'
import { ExactSound, type Heard, type SoundEnd, type Verdict } from '../../src/shared/sound/stream'
import { SoundTap, type Carrier } from '../../src/shared/sound/tap'
import type { Rendered } from '../../src/shared/sound/player.worklet'

const options = new URLSearchParams(location.search)
/** Drops this share of the packets, to see the repair. */
const loss = Number(options.get('loss') ?? 0)
const video = document.querySelector('video') as HTMLVideoElement
const canvas = document.querySelector('canvas') as HTMLCanvasElement
const page = {
  states: [] as string[],
  messages: [] as string[],
  rendered: [] as Rendered[],
  verdict: 'listening' as Verdict,
  heard: null as Heard | null,
  packets: 0,
  /** Kit time of a shown picture, and the unix time drawn in it, ms; null where its strip cannot be read. */
  pictures: [] as { kitUs: number; drawnMs: number | null }[],
  /** First sample of a chunk, and its kit time. */
  sounds: [] as [number, number][],
  vitals: [] as number[],
  output: [] as number[],
  outputHz: 0,
}

const tap = new SoundTap((data) => {
  page.packets += 1
  const packet = parsePacket(data)
  if (!('refused' in packet)) page.sounds.push([packet.number * packet.chunkSamples, packet.timeUs])
  if (Math.random() >= loss) sound.take(data, 'live')
})
const player = new SoundPlayer(tap)
const sound = new ExactSound({
  ask: (message) => peer.sendRepair(message),
  onBegin: (stream, rateHz) => {
    void stream
    void player.prepare(rateHz)
    phono.show(sound)
  },
  onSamples: (first, length) => phono.changed(first, length),
  onVerdict: (verdict, heard) => Object.assign(page, { verdict, heard }),
  onVitals: (vitals) => page.vitals.push(vitals.seq),
})
const phono = new Phonocardiogram(canvas, { head: () => player.rendered?.head ?? sound.length })
player.onRendered = (rendered) => {
  if (rendered.sample >= 0) page.rendered.push(rendered)
}

const kitClock = new KitClock()
watchPictures(video, kitClock, ({ kitUs }) => page.pictures.push({ kitUs, drawnMs: drawn() }))

const strip = new OffscreenCanvas(384, 8).getContext('2d', { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D

/** The demo camera's strip of 48 blocks: unix time, ms, most significant bit first. */
function drawn(): number | null {
  const scale = video.videoWidth / 640
  strip.drawImage(video, 128 * scale, 352 * scale, 384 * scale, 8 * scale, 0, 0, 384, 8)
  const row = strip.getImageData(0, 4, 384, 1).data
  let ms = 0
  for (let block = 0; block < 48; block += 1) {
    const light = row[(block * 8 + 4) * 4] as number
    if (light > 80 && light < 170) return null
    ms = ms * 2 + (light > 127 ? 1 : 0)
  }
  return ms
}

const socket = new WebSocket(`ws://${location.host}/signal`)
const carrier = options.get('carrier') as Carrier | null
const peer = new InstrumentPeer({
  tap,
  ...(carrier ? { carrier } : {}),
  send: (signal) => socket.send(JSON.stringify(signal)),
  onState: (state) => page.states.push(state),
  onVideo: (stream) => {
    kitClock.forget()
    video.srcObject = stream
    void video.play()
  },
  onRepair: (packet) => {
    sound.take(packet, 'repair')
    player.packet(packet)
  },
  onMessage: (message) => {
    page.messages.push(message.type)
    if (message.type === 'clock') kitClock.take(message)
    if (message.type === 'sound_here') sound.here(message as unknown as Parameters<ExactSound['here']>[0])
    else if (message.type === 'listening') phono.mark((message['sound_marks'] as SoundMark[] | undefined) ?? [])
    else if (message.type === 'sound_end') {
      const end = message as unknown as SoundEnd
      sound.end(end)
      player.end(end.stream, end.samples)
    }
  },
})
socket.onmessage = (event: MessageEvent<string>) => void peer.signal(JSON.parse(event.data) as SignalBody)
/** Keeps what goes to the loudspeaker: all of it, as the browser's own graph passes it on. */
async function record(): Promise<void> {
  const keeper = `registerProcessor('keeper', class extends AudioWorkletProcessor {
    process([input], [output]) {
      if (input[0]) { output[0].set(input[0]); this.port.postMessage(input[0].slice()) }
      return true
    }
  })`
  await player.through(async (context) => {
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([keeper], { type: 'text/javascript' })))
    const node = new AudioWorkletNode(context, 'keeper')
    page.outputHz = context.sampleRate
    node.port.onmessage = (event: MessageEvent<Float32Array>) => page.output.push(...event.data)
    return node
  })
}
Object.assign(window, { soundPage: { page, peer, player, sound, phono, record } })
void player.prepare(4000)
