/**
 * Our own camera and microphone, opened once for all calls of the page. Each call gets copies of the tracks: some
 * browsers silence the first microphone when a page opens it a second time, and a call that ends stops only its copies.
 */

type Opener = (wanted: MediaStreamConstraints) => Promise<MediaStream>

export class OwnMedia {
  #sources = new Map<string, Promise<MediaStream>>()

  constructor(readonly opener: Opener = (wanted) => navigator.mediaDevices.getUserMedia(wanted)) {}

  /** As `getUserMedia`; what was opened before for the same kinds is not opened again. */
  readonly open = async (wanted: MediaStreamConstraints): Promise<MediaStream> => {
    const kinds = `${wanted.audio ? 'voice' : ''} ${wanted.video ? 'face' : ''}`
    let source = this.#sources.get(kinds)
    if (source === undefined || ended(await source.catch(() => null))) {
      source = this.opener(wanted)
      this.#sources.set(kinds, source)
      source.catch(() => this.#sources.delete(kinds))
    }
    return (await source).clone()
  }

  close(): void {
    for (const source of this.#sources.values()) {
      void source.then((stream) => stream.getTracks().forEach((track) => track.stop())).catch(() => undefined)
    }
    this.#sources.clear()
  }
}

/** A camera that was unplugged is asked for anew. */
function ended(stream: MediaStream | null): boolean {
  return stream === null || stream.getTracks().some((track) => track.readyState === 'ended')
}
