/** What to say when a link did not lead in: by the code of what went wrong. Pure. */
import type { Key } from '../shared/i18n/catalogue'

/** No token came with the address: it was cut off on its way. */
export const NO_TOKEN = 'no_token'

/** `help` is a key of the catalogue, or null where the code has its own sentence. */
export function sayingOf(code: string): { title: Key; help: Key | null } {
  if (code === NO_TOKEN) return { title: 'enter.incomplete', help: 'enter.incomplete.help' }
  // a token of another form than ours was never a link of this hub
  if (code === 'link_unknown' || code === 'bad_request') return { title: 'enter.failed', help: 'enter.failed.help' }
  // of a sign-in by a provider, in which no link plays a part
  if (code.startsWith('oidc_') || code === 'other_person' || code === 'no_commission') return { title: 'enter.refused', help: null }
  return { title: 'enter.not_now', help: null }
}
