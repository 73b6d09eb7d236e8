// What `carebag bench live` notes in a page, before the page's own scripts run. Times are unix ms.
(() => {
  if (window.__live) return
  const now = () => performance.timeOrigin + performance.now()
  const live = (window.__live = { packets: [], vitals: [], frames: [], rendered: [], peers: [], joins: [], blocks: [], talk: [], firstFrame: null })

  const base64 = (bytes) => btoa(String.fromCharCode(...bytes))
  const isSound = (data) => data instanceof ArrayBuffer && data.byteLength > 4 && new DataView(data).getUint32(0) >>> 8 === 0x434253
  const note = (data, how) => {
    if (isSound(data)) live.packets.push([now(), how, base64(new Uint8Array(data))])
    else if (typeof data === 'string' && data.includes('"live_vitals"')) vitals(data, how)
  }
  const vitals = (text, how) => {
    const message = JSON.parse(text)
    const state = message.type === 'live_vitals' ? message : message.vitals
    if (state && state.measured_at) live.vitals.push([now(), how, state.seq, Date.parse(state.measured_at)])
  }
  document.addEventListener('carebag:vitals', (event) => {
    const { seq, measured_at: at } = event.detail
    if (at) live.vitals.push([now(), 'page', seq, Date.parse(at)])
  })
  document.addEventListener('carebag:rendered', (event) => live.rendered.push({ ...event.detail }))

  // every handler that the page sets for what comes in also tells us
  const overhear = (prototype, how) => {
    const own = Object.getOwnPropertyDescriptor(prototype, 'onmessage')
    Object.defineProperty(prototype, 'onmessage', {
      ...own,
      set(handler) {
        own.set.call(this, handler && ((event) => (note(event.data, how), handler.call(this, event))))
      },
    })
  }
  overhear(MessagePort.prototype, 'rtp')
  overhear(RTCDataChannel.prototype, 'channel')
  overhear(WebSocket.prototype, 'socket')
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (data) {
    if (typeof data === 'string' && data.includes('"type":"join"')) live.joins.push(now())
    return send.call(this, data)
  }

  const Peer = window.RTCPeerConnection
  live.connections = []
  window.RTCPeerConnection = class extends Peer {
    constructor(...options) {
      super(...options)
      const number = live.connections.push(this) - 1
      this.addEventListener('connectionstatechange', () => live.peers.push([now(), number, this.connectionState]))
      this.addEventListener('datachannel', () => live.peers.push([now(), number, 'kit']))
    }
  }

  // the picture's own clock: 48 blocks along the bottom edge of 640x360 (carebag_edge/live/demo_camera.py)
  const strip = new OffscreenCanvas(384, 8).getContext('2d', { willReadFrequently: true })
  const stamp = (video) => {
    const scale = video.videoWidth / 640
    strip.drawImage(video, 128 * scale, 352 * scale, 384 * scale, 8 * scale, 0, 0, 384, 8)
    const row = strip.getImageData(0, 4, 384, 1).data
    let time = 0
    for (let block = 0; block < 48; block += 1) {
      let sum = 0
      for (let x = block * 8 + 2; x < block * 8 + 6; x += 1) sum += row[4 * x]
      const level = sum / 4
      if (level > 80 && level < 170) return null
      time = time * 2 + (level > 127 ? 1 : 0)
    }
    return time
  }
  let watched = null
  const look = () => {
    const video = document.querySelector('[data-testid="room-video"]')
    if (video === null || video === watched) return
    watched = video
    const frame = (_, metadata) => {
      live.frames.push([performance.timeOrigin + metadata.presentationTime, stamp(video), video.videoWidth])
      video.requestVideoFrameCallback(frame)
    }
    video.requestVideoFrameCallback(frame)
  }
  setInterval(look, 100)

  // the audio thread's output, tapped where it leaves our code
  const Node = window.AudioWorkletNode
  live.player = null
  window.AudioWorkletNode = class extends Node {
    constructor(context, name, options) {
      super(context, name, options)
      if (name === 'sound-player') live.player = this
    }
  }
  const RECORDER = `registerProcessor('bench-recorder', class extends AudioWorkletProcessor {
    process([input]) {
      if (input[0]) this.port.postMessage([currentFrame, input[0].slice()])
      return true
    }
  })`
  live.record = async () => {
    const player = live.player
    player.port.postMessage({ type: 'view', view: 'raw' })
    player.port.postMessage({ type: 'volume', volume: 1 })
    await player.context.audioWorklet.addModule(URL.createObjectURL(new Blob([RECORDER], { type: 'text/javascript' })))
    const recorder = new Node(player.context, 'bench-recorder', { numberOfInputs: 1, numberOfOutputs: 1 })
    recorder.port.onmessage = ({ data: [frame, block] }) => live.blocks.push([frame, base64(new Uint8Array(block.buffer))])
    player.connect(recorder)
    recorder.connect(player.context.destination)
    return player.context.sampleRate
  }

  // what the listener of a call hears: how much of it was made up because packets were missing
  live.watchTalk = () =>
    setInterval(async () => {
      for (const connection of live.connections) {
        if (connection.connectionState === 'closed') continue
        const receiver = connection.getReceivers().find((one) => one.track.kind === 'audio')
        for (const one of (await receiver?.getStats())?.values() ?? []) {
          if (one.type !== 'inbound-rtp' || one.totalSamplesReceived === undefined) continue
          live.talk.push([now(), one.ssrc, one.totalSamplesReceived, one.concealedSamples, one.packetsReceived, one.packetsLost])
        }
      }
    }, 50)
})()
