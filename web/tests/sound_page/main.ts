/** Both ends of live media in one bare page; the test reads `window.soundPage`. */
import { InstrumentPeer, type SignalBody } from '../../src/shared/call/instrumentPeer'
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
}

const tap = new SoundTap((data) => {
  page.packets += 1
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
})
const phono = new Phonocardiogram(canvas, { head: () => player.rendered?.head ?? sound.length })
player.onRendered = (rendered) => {
  if (rendered.sample >= 0) page.rendered.push(rendered)
}

const socket = new WebSocket(`ws://${location.host}/signal`)
const carrier = options.get('carrier') as Carrier | null
const peer = new InstrumentPeer({
  tap,
  ...(carrier ? { carrier } : {}),
  send: (signal) => socket.send(JSON.stringify(signal)),
  onState: (state) => page.states.push(state),
  onVideo: (stream) => {
    video.srcObject = stream
    void video.play()
  },
  onRepair: (packet) => {
    sound.take(packet, 'repair')
    player.packet(packet)
  },
  onMessage: (message) => {
    page.messages.push(message.type)
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
Object.assign(window, { soundPage: { page, peer, player, sound, phono } })
void player.prepare(4000)
