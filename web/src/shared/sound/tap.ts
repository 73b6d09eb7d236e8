/** Which way the kit's sound packets reach this page. */
export type Carrier = 'script_transform' | 'encoded_streams' | 'data_channel'

interface EncodedStreamsReceiver extends RTCRtpReceiver {
  createEncodedStreams(): { readable: ReadableStream; writable: WritableStream }
}

/** The best carrier of this browser: the standard transform, Chromium's older one, or none (data channel). */
export function bestCarrier(): Carrier {
  if (typeof RTCRtpScriptTransform !== 'undefined') return 'script_transform'
  if ('createEncodedStreams' in RTCRtpReceiver.prototype) return 'encoded_streams'
  return 'data_channel'
}

/** Configuration flag that Chromium's older way needs at construction. */
export function withCarrier(configuration: RTCConfiguration, carrier: Carrier): RTCConfiguration {
  return carrier === 'encoded_streams'
    ? ({ ...configuration, encodedInsertableStreams: true } as RTCConfiguration)
    : configuration
}

/** The worker that takes packets out of receivers; one serves all connections of a page. */
export class SoundTap {
  readonly #worker = new Worker(new URL('./transform.worker.ts', import.meta.url), { type: 'module' })

  /** `onPacket` runs in the page for every packet, in the order they came. */
  constructor(onPacket: (data: ArrayBuffer) => void) {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = (event: MessageEvent<ArrayBuffer>) => onPacket(event.data)
    this.addPort(port2)
  }

  /** Also hand every packet to this port (the audio thread's). */
  addPort(port: MessagePort): void {
    this.#worker.postMessage(null, [port])
  }

  /** Begin to take packets out of a receiver; call it in `ontrack`, before packets come. */
  attach(receiver: RTCRtpReceiver, carrier: Carrier): void {
    if (carrier === 'script_transform') {
      receiver.transform = new RTCRtpScriptTransform(this.#worker, {})
    } else if (carrier === 'encoded_streams') {
      const { readable } = (receiver as EncodedStreamsReceiver).createEncodedStreams()
      this.#worker.postMessage({ readable }, [readable])
    }
  }

  /** A receiver whose packets go to its decoder; Chromium's older way stops those too unless they are passed on. */
  passOn(receiver: RTCRtpReceiver, carrier: Carrier): void {
    if (carrier !== 'encoded_streams') return
    const { readable, writable } = (receiver as EncodedStreamsReceiver).createEncodedStreams()
    void readable.pipeTo(writable).catch(() => undefined)
  }

  close(): void {
    this.#worker.terminate()
  }
}
