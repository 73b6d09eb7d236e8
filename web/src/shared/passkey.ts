/** Passkeys (Web Authentication): the hub makes and checks the challenge, the browser and its owner do the rest. */
import { type Api, Refused } from './http'
import type { Entered, PasskeyAnswer, PasskeyOptions } from './api.gen'
import type { Door } from './wire'

type Role = Door['role']

/** Whether this browser can make and use passkeys. */
export const passkeysHere = (): boolean => 'PublicKeyCredential' in window && 'parseRequestOptionsFromJSON' in PublicKeyCredential

/**
 * Sign in with a passkey of this device; `role` decides between several commissions of one person.
 * Refused with `passkey_cancelled` when the person or the browser gave up.
 */
export async function signInWithPasskey(api: Api, role: Role | null): Promise<Entered> {
  const { challenge_id, options } = await api.post<PasskeyOptions>('/api/passkey/login/options', {})
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON)
  const credential = await asked(navigator.credentials.get({ publicKey }))
  return api.post<Entered>('/api/passkey/login/verify', answer(challenge_id, credential, role))
}

/** Make a passkey on this device for the person who is signed in. */
export async function addPasskey(api: Api): Promise<void> {
  const { challenge_id, options } = await api.post<PasskeyOptions>('/api/passkey/register/options', {})
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON)
  const credential = await asked(navigator.credentials.create({ publicKey }))
  await api.post('/api/passkey/register/verify', answer(challenge_id, credential, null))
}

/** Make a passkey on this device by an operator's one-time link, which is used up by it. */
export async function makePasskeyByLink(api: Api, token: string): Promise<void> {
  const { challenge_id, options } = await api.post<PasskeyOptions>('/api/passkey/link/options', { token })
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON)
  const credential = await asked(navigator.credentials.create({ publicKey }))
  await api.post('/api/passkey/link/verify', { token, answer: answer(challenge_id, credential, null) })
}

async function asked(credential: Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const given = await credential
    if (given instanceof PublicKeyCredential) return given
  } catch {
    // NotAllowedError: refused, timed out, or no key here; the browser does not say which, on purpose
  }
  throw new Refused('passkey_cancelled', 0)
}

function answer(challenge_id: string, credential: PublicKeyCredential, role: Role | null): PasskeyAnswer {
  return { challenge_id, credential: credential.toJSON() as unknown as PasskeyAnswer['credential'], role }
}
