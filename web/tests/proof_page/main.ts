/** The doctor's end of a proof in a bare page; the test reads `window.proofPage`. */
import { InstrumentPeer, type SignalBody } from '../../src/shared/call/instrumentPeer'
import { Aid } from '../../src/shared/sound/aid'
import { SoundPlayer } from '../../src/shared/sound/player'
import { isProofPacket, type ProofOutcome, ProofRun } from '../../src/shared/sound/proofRun'
import { ExactSound } from '../../src/shared/sound/stream'
import { SoundTap } from '../../src/shared/sound/tap'

const RATE_HZ = 4000
const page = {
  outcome: null as ProofOutcome | null,
  /** Greatest value that reached the loudspeaker. */
  loudest: 0,
  /** Streams that the store of body sound was given. */
  stored: [] as number[],
  rendered: 0,
}
let run: ProofRun | undefined

const tap = new SoundTap((data) => take(data, 'live'))
const player = new SoundPlayer(tap)
const aid = new Aid(() => player)
const sound = new ExactSound({ ask: (message) => peer.sendRepair(message), onBegin: (stream) => page.stored.push(stream) })

function take(data: ArrayBuffer, how: 'live' | 'repair'): void {
  if (isProofPacket(data)) run?.packet(data, how)
  else sound.take(data, how)
}

const socket = new WebSocket(`ws://${location.host}/signal`)
const peer = new InstrumentPeer({
  tap,
  send: (signal) => socket.send(JSON.stringify(signal)),
  onRepair: (packet) => {
    take(packet, 'repair')
    player.packet(packet)
  },
  onMessage: (message) => {
    run?.message(message)
    if (message.type === 'sound_end') player.end(message['stream'] as number, message['samples'] as number)
  },
})
socket.onmessage = (event: MessageEvent<string>) => void peer.signal(JSON.parse(event.data) as SignalBody)

/** What stands before the loudspeaker hears what the ear would. */
async function listenIn(context: BaseAudioContext): Promise<AudioNode> {
  const ear = new AnalyserNode(context, { fftSize: 4096 })
  const heard = new Float32Array(ear.fftSize)
  setInterval(() => {
    ear.getFloatTimeDomainData(heard)
    page.loudest = heard.reduce((most, one) => Math.max(most, Math.abs(one)), page.loudest)
  }, 100)
  return ear
}

function prove(): void {
  page.outcome = null
  run = new ProofRun({ send: (message) => peer.sendRepair(message), prove: (on) => player.prove(on) }, RATE_HZ, (outcome) => (page.outcome = outcome))
  player.onProof = (block) => run?.block(block)
}

player.onRendered = (rendered) => {
  if (rendered.sample >= 0) page.rendered += 1
}
Object.assign(window, { proofPage: { page, peer, player, aid, prove } })
void player.prepare(RATE_HZ).then(() => player.through(listenIn))
