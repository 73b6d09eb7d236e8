/**
 * Takes the kit's sound packets out of the audio receiver before its decoder. Each packet goes to every port given:
 * the page (store, drawing, repair) and, without passing the busy page, the audio thread.
 */
import { isSoundPacket } from './packet'

interface EncodedFrame {
  data: ArrayBuffer
}

interface TransformScope {
  onrtctransform: ((event: TransformEvent) => void) | null
  onmessage: ((event: MessageEvent) => void) | null
}

interface TransformEvent {
  transformer: { readable: ReadableStream<EncodedFrame>; options: unknown }
}

const scope = self as unknown as TransformScope
const ports = new Set<MessagePort>()

scope.onmessage = (event) => {
  for (const port of event.ports) ports.add(port)
  const readable = (event.data as { readable?: ReadableStream<EncodedFrame> } | null)?.readable
  if (readable !== undefined) void take(readable)
}

scope.onrtctransform = (event) => {
  void take(event.transformer.readable)
}

async function take(readable: ReadableStream<EncodedFrame>): Promise<void> {
  const reader = readable.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    // nothing is passed on: the decoder would make noise of it
    if (isSoundPacket(value.data)) give(value.data)
  }
}

function give(data: ArrayBuffer): void {
  for (const port of ports) {
    const copy = data.slice(0)
    port.postMessage(copy, [copy])
  }
}
