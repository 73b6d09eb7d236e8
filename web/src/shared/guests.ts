/** A guest has two names: whom a host invited, and what was typed at the door. The first is the record's, the second only said. */
import type { Guest } from './wire'

type Named = Pick<Guest, 'name' | 'said_name'>

/** What the guest says to be called, where that is another name than the invited one; else empty. */
export function saidOtherwise({ name, said_name: said }: Named): string {
  return plain(said) === plain(name) ? '' : said.trim()
}

function plain(name: string): string {
  return name.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase()
}
