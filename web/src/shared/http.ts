/** Requests to the hub or the kit: JSON in and out; every failure is a code for the catalogue. */

export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
  ) {
    super(code)
  }
}

/** Told to the document when the hub says that the session is locked: whatever was asked for. */
export const LOCKED = 'carebag:locked'
/** A press that says the same again within this time is the same press: hands tremble, and screens answer late. */
const SAME_PRESS_MS = 700

export type As = 'doctor' | 'reviewer' | 'administrator' | undefined

export class Api {
  readonly #presses = new Map<string, Promise<unknown>>()

  constructor(readonly as: As) {}

  get<T>(path: string): Promise<T> {
    return this.#json<T>('GET', path, undefined)
  }

  /** The same body to the same path while the first is on its way, or just after, is sent once and answered twice. */
  post<T = unknown>(path: string, body?: unknown): Promise<T> {
    const press = `${path}\n${JSON.stringify(body ?? null)}`
    const before = this.#presses.get(press)
    if (before !== undefined) return before as Promise<T>
    const sent = this.#json<T>('POST', path, body)
    this.#presses.set(press, sent)
    const forget = (): boolean => this.#presses.delete(press)
    sent.then(() => setTimeout(forget, SAME_PRESS_MS), forget)
    return sent
  }

  /** For an answer that is used up by what follows, as a challenge is: each press has its own. */
  postAnew<T>(path: string, body: object = {}, signal?: AbortSignal): Promise<T> {
    return this.#json<T>('POST', path, body, signal)
  }

  put<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.#json<T>('PUT', path, body)
  }

  /** Stored sound or picture. */
  async blob(path: string): Promise<Blob> {
    return (await this.#send('GET', path, undefined, {})).blob()
  }

  /** Raw bytes up, JSON down. */
  async upload<T = unknown>(path: string, bytes: Blob): Promise<T> {
    return jsonOf<T>(await this.#send('POST', path, bytes, { 'Content-Type': bytes.type }))
  }

  async #json<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' }
    return jsonOf<T>(await this.#send(method, path, body === undefined ? undefined : JSON.stringify(body), headers, signal))
  }

  async #send(method: string, path: string, body: BodyInit | undefined, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
    const as: Record<string, string> = this.as === undefined ? {} : { 'X-Carebag-As': this.as }
    let answer: Response
    try {
      answer = await fetch(path, { method, headers: { ...headers, ...as }, credentials: 'same-origin', ...(body === undefined ? {} : { body }), ...(signal === undefined ? {} : { signal }) })
    } catch {
      throw new Refused('unreachable', 0)
    }
    if (answer.ok) return answer
    const code = await refusalCode(answer)
    if (code === 'session_locked' && typeof document !== 'undefined') document.dispatchEvent(new Event(LOCKED))
    throw new Refused(code, answer.status)
  }
}

async function jsonOf<T>(answer: Response): Promise<T> {
  const text = await answer.text()
  return (text === '' ? undefined : JSON.parse(text)) as T
}

async function refusalCode(answer: Response): Promise<string> {
  try {
    const body: unknown = await answer.json()
    const code = (body as { code?: unknown }).code
    if (typeof code === 'string') return code
  } catch {
    // a proxy's page, or nothing: the status decides
  }
  return answer.status === 401 ? 'not_signed_in' : answer.status === 403 ? 'forbidden' : 'unreachable'
}

/** The code of whatever went wrong, for the catalogue. */
export function codeOf(error: unknown): string {
  return error instanceof Refused ? error.code : 'unreachable'
}
