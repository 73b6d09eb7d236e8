/** Says with each connection that it is of this page: so the hubs know it as the participant that it was, and calls go on. */
import type { SamePage as Said } from '../shared/wire'

const KEY_BYTES = 32

export class SamePage {
  /** In memory only: a page loaded anew, or a copy of the tab, is another participant. */
  readonly #key: string
  #turn = 0

  constructor(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes)) {
    const text = String.fromCharCode(...random(new Uint8Array(KEY_BYTES)))
    this.#key = btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  }

  /** For the next connection; `visitId` is the room that the page shows and has its seat in, '' for none. */
  next(visitId: string): Said {
    this.#turn += 1
    return { key: this.#key, turn: this.#turn, visit_id: visitId || null }
  }
}
