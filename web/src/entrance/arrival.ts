/** With what somebody comes to the page `/enter/`: read from the fragment, which no server sees. Pure. */
import { fromFragment } from './fragment'
import { NO_TOKEN } from './problem'

export type Arrival = { kind: 'token'; token: string } | { kind: 'problem'; code: string } | { kind: 'choose' } | { kind: 'proved' }

const CODE = /^[a-z0-9_]{1,64}$/

export function arrivalOf(hash: string): Arrival {
  // back from the provider
  if (hash === '#choose') return { kind: 'choose' }
  if (hash === '#proved') return { kind: 'proved' }
  const code = hash.startsWith('#problem=') ? fromFragment(hash, 'problem') : undefined
  if (code !== undefined) return { kind: 'problem', code: CODE.test(code) ? code : 'bad_request' }
  const token = fromFragment(hash, 'token')
  return token ? { kind: 'token', token } : { kind: 'problem', code: NO_TOKEN }
}
