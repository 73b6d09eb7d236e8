/** Passkeys (Web Authentication): the hub makes and checks the challenge, the browser and its owner do the rest. */
import { type Api, Refused } from './http'
import type { Entered, PasskeyAnswer, PasskeyOptions } from './api.gen'

/** Whether this browser can make and use passkeys. */
export const passkeysHere = (): boolean => 'PublicKeyCredential' in window && 'parseRequestOptionsFromJSON' in PublicKeyCredential

/**
 * Sign in with a passkey of this device; whoever has several commissions chooses on the page that is `next`.
 * Refused with `passkey_cancelled` when the person or the browser gave up.
 */
export async function signInWithPasskey(api: Api): Promise<Entered> {
  const { challenge_id, options } = await api.postAnew<PasskeyOptions>('/api/passkey/login/options')
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON)
  const credential = await asked(navigator.credentials.get({ publicKey }))
  return api.post<Entered>('/api/passkey/login/verify', answer(challenge_id, credential))
}

/** Make a passkey on this device for the person who is signed in. */
export async function addPasskey(api: Api): Promise<void> {
  const { challenge_id, options } = await api.postAnew<PasskeyOptions>('/api/passkey/register/options')
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON)
  const credential = await asked(navigator.credentials.create({ publicKey }), true)
  await api.post('/api/passkey/register/verify', answer(challenge_id, credential))
}

/** Make a passkey on this device by an operator's one-time link, which is used up by it. */
export async function makePasskeyByLink(api: Api, token: string): Promise<void> {
  const { challenge_id, options } = await api.post<PasskeyOptions>('/api/passkey/link/options', { token })
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON)
  const credential = await asked(navigator.credentials.create({ publicKey }), true)
  await api.post('/api/passkey/link/verify', { token, answer: answer(challenge_id, credential) })
}

/** Show anew, with a passkey of one's own, who the owner of this session is. */
export async function proveWithPasskey(api: Api): Promise<void> {
  const { challenge_id, options } = await api.postAnew<PasskeyOptions>('/api/passkey/prove/options')
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON)
  const credential = await asked(navigator.credentials.get({ publicKey }))
  await api.post('/api/passkey/prove/verify', answer(challenge_id, credential))
}

/**
 * Why there is no credential. NotAllowedError: refused, timed out, or no key here; the browser does not say which, on
 * purpose. InvalidStateError, when one is made: this device has one of this person already.
 */
export function whyNone(error: unknown, making: boolean): string {
  if (!making) return 'passkey_cancelled'
  return error instanceof Error && error.name === 'InvalidStateError' ? 'passkey_here_already' : 'passkey_not_made'
}

async function asked(credential: Promise<Credential | null>, making = false): Promise<PublicKeyCredential> {
  let why: unknown
  try {
    const given = await credential
    if (given instanceof PublicKeyCredential) return given
  } catch (error) {
    why = error
  }
  throw new Refused(whyNone(why, making), 0)
}

function answer(challenge_id: string, credential: PublicKeyCredential): PasskeyAnswer {
  return { challenge_id, credential: credential.toJSON() as unknown as PasskeyAnswer['credential'], role: null }
}
