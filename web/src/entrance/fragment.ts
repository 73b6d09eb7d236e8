/** What stands after `#` in the address: one-time secrets travel there because a browser never sends it to a server. */

/** `#token=abc` → "abc"; also a bare `#abc`, which is read as the value of the name asked for. */
export function fromFragment(hash: string, name: string): string | undefined {
  const text = hash.replace(/^#/, '')
  if (text === '') return undefined
  if (!text.includes('=')) return decoded(text)
  return new URLSearchParams(text).get(name) ?? undefined
}

/** What is cut off within a sign in `%20` form is no secret. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Where to go after signing in: only an address of this origin, or one on this machine (the kit in the demo). */
export function safeNext(next: string, origin: string): string | undefined {
  let target: URL
  try {
    target = new URL(next, origin)
  } catch {
    return undefined
  }
  if (target.origin === origin) return target.href
  const web = target.protocol === 'http:' || target.protocol === 'https:'
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(target.hostname)
  return web && (local || target.protocol === 'https:') ? target.href : undefined
}
