/** One end of voice and face in a bare page; `?offers` makes it the doctor's. The test reads `window.talkPage`. */
import { TalkPeer, type MediaProblem } from '../../src/shared/call/talkPeer'
import type { SignalBody } from '../../src/shared/call/instrumentPeer'

const video = document.querySelector('video') as HTMLVideoElement
const page = { states: [] as string[], problem: null as MediaProblem, local: [] as string[] }
const socket = new WebSocket(`ws://${location.host}/talk`)
const peer = new TalkPeer({
  offers: new URLSearchParams(location.search).has('offers'),
  send: (signal) => socket.send(JSON.stringify(signal)),
  onState: (state) => page.states.push(state),
  onLocal: (stream, problem) => {
    page.problem = problem
    page.local = (stream?.getTracks() ?? []).map((track) => track.kind).sort()
  },
  onRemote: (stream) => {
    video.srcObject = stream
    void video.play().catch(() => undefined)
  },
})
socket.onmessage = (event: MessageEvent<string>) => void peer.signal(JSON.parse(event.data) as SignalBody)
socket.onopen = () => void peer.start()
Object.assign(window, { talkPage: { page, peer } })
