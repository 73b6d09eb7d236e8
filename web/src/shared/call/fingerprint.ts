/**
 * Whose certificate a call is encrypted for: fingerprints of a description, what the kit signs of them, and the six
 * digits that doctor and nurse read to each other. The same as `server/carebag_wire/calls.py`, bound by
 * `tests/wire/golden_call_proof.json`.
 */

const MAX_SDP = 100_000
const CODE_ROUNDS = 200_000
const LINE = /^a=fingerprint:[ \t]*([a-z0-9-]{1,20})[ \t]+([0-9a-f:]{2,200})[ \t]*\r?$/i
const encoder = new TextEncoder()

/** All fingerprints of a description, each once, sorted: `sha-256 AB:CD:…,sha-384 …`; empty if there are none. */
export function fingerprints(sdp: string): string {
  const found = new Set<string>()
  for (const line of sdp.slice(0, MAX_SDP).split('\n')) {
    const [, name, value] = LINE.exec(line) ?? []
    if (name !== undefined && value !== undefined) found.add(`${name.toLowerCase()} ${value.toUpperCase()}`)
  }
  return [...found].sort().join(',')
}

/** Whether everything that `used` goes by was also in `signed`; both as `fingerprints` gives them. */
export function covers(signed: string, used: string): boolean {
  const known = new Set(signed.split(','))
  return used !== '' && used.split(',').every((one) => known.has(one))
}

/** What the kit signs of a description that leaves it. */
export function proofText(visitId: string, sender: string, to: string, epoch: number, prints: string): string {
  return ['carebag call 1', visitId, sender, to, String(epoch), prints].join('\n')
}

/** The code to read aloud; takes about a tenth of a second, so that nobody can try a million certificates in passing. */
export async function sixDigits(visitId: string, kit: string, viewer: string, epoch: number, kitPrints: string, pagePrints: string): Promise<string> {
  const words = await crypto.subtle.importKey('raw', encoder.encode(`${kitPrints}\n${pagePrints}`), 'PBKDF2', false, ['deriveBits'])
  const salt = encoder.encode(`carebag code 1\n${visitId}\n${kit}\n${viewer}\n${epoch}`)
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: CODE_ROUNDS }, words, 64)
  return String(new DataView(bits).getBigUint64(0) % 1_000_000n).padStart(6, '0')
}

/** The digits as they are read: `249 584`. */
export function digitsText(digits: string): string {
  return `${digits.slice(0, 3)} ${digits.slice(3)}`
}

/**
 * Whether `signature` over `text` is by the raw Ed25519 `key`, both base64; what cannot be read is not.
 * @throws NotSupportedError where the browser knows no Ed25519 or the page is not secure
 */
export async function signedBy(key: string, signature: string, text: string): Promise<boolean> {
  const [raw, bytes] = [fromBase64(key), fromBase64(signature)]
  if (raw?.length !== 32 || bytes === null) return false
  if (globalThis.crypto?.subtle === undefined) throw new DOMException('', 'NotSupportedError')
  try {
    const known = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', known, bytes, encoder.encode(text))
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError') throw error
    return false
  }
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  } catch {
    return null
  }
}
