/**
 * Whether call set-up really comes from the kit of this visit. The hub names the kit's public key; the browser keeps
 * the first one it sees of each kit, so that another one later is noticed.
 */
import { covers, fingerprints, proofText, sixDigits, signedBy } from './fingerprint'
import type { SignalBody } from './instrumentPeer'

/** Why not, as a code. */
export type Distrust = 'call_unsigned' | 'call_forged' | 'kit_key_unknown' | 'kit_key_changed' | 'browser_cannot_check'
export type KnownKit = { id: string; key: string }

export interface KitTrustOptions {
  visitId: string
  /** Our own participant id as of now. */
  me: () => string
  /** The kit of the visit and its key, as the hub says. */
  kit: () => KnownKit | undefined
  pins?: Pick<Storage, 'getItem' | 'setItem'>
}

const PIN = 'carebag.kit-key.'

export class KitTrust {
  readonly #options: KitTrustOptions
  readonly #pins: Pick<Storage, 'getItem' | 'setItem'>

  constructor(options: KitTrustOptions) {
    this.#options = options
    this.#pins = options.pins ?? localStorage
  }

  /** Judge a description that comes from the kit, or from the nurse's page behind it; null: it is genuine. */
  async judge(from: 'kit' | 'nurse', signal: SignalBody): Promise<Distrust | null> {
    const kit = this.#options.kit()
    if (kit === undefined || kit.key === '') return 'kit_key_unknown'
    const me = this.#options.me()
    const prints = fingerprints(signal.description?.sdp ?? '')
    if (!signal.proof || prints === '') return 'call_unsigned'
    const sender = from === 'kit' ? kit.id : kit.id.replace(/^kit:/, 'nurse:')
    try {
      const genuine = await signedBy(kit.key, signal.proof, proofText(this.#options.visitId, sender, me, signal.epoch, prints))
      if (!genuine) return 'call_forged'
    } catch {
      return 'browser_cannot_check'
    }
    return this.#pinned(kit) ? null : 'kit_key_changed'
  }

  /** Whether the browser will go by what was signed: it may read a description otherwise than we do. */
  holds(signal: SignalBody, connection: RTCPeerConnection): boolean {
    return covers(fingerprints(signal.description?.sdp ?? ''), fingerprints(connection.remoteDescription?.sdp ?? ''))
  }

  /** The digits of a call that stands on these two descriptions. */
  async digits(signal: SignalBody, connection: RTCPeerConnection): Promise<string> {
    const kit = this.#options.kit()?.id ?? ''
    const [theirs, ours] = [signal.description?.sdp ?? '', connection.localDescription?.sdp ?? '']
    return sixDigits(this.#options.visitId, kit, this.#options.me(), signal.epoch, fingerprints(theirs), fingerprints(ours))
  }

  /** A person has made sure that the kit has a new key. */
  acceptKey(): void {
    const kit = this.#options.kit()
    if (kit !== undefined) this.#pins.setItem(PIN + kit.id, kit.key)
  }

  #pinned(kit: KnownKit): boolean {
    const known = this.#pins.getItem(PIN + kit.id)
    if (known === null) this.#pins.setItem(PIN + kit.id, kit.key)
    return known === null || known === kit.key
  }
}
