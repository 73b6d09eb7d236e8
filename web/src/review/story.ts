/** The log of a visit, read as a story: who, what, when; and the ways to look at less of it. Pure. */
import type { AuditEvent } from '../shared/wire'

export type KindOfAct = 'reads' | 'signs' | 'acts'

/** Reading, signing, or doing: what a reviewer asks first. */
export function kindOf(action: string): KindOfAct {
  if (/(_read|_listed|_joined|_exported|_printed)$/.test(action)) return 'reads'
  return /_(signed|verified)$/.test(action) && action !== 'signed_in' ? 'signs' : 'acts'
}

export type Filter = { who: string; kind: KindOfAct | '' }

export function filtered(events: readonly AuditEvent[], filter: Filter): AuditEvent[] {
  return events.filter((event) => (filter.who === '' || event.practitioner === filter.who) && (filter.kind === '' || kindOf(event.action) === filter.kind))
}

export function people(events: readonly AuditEvent[]): string[] {
  return [...new Set(events.map((event) => event.practitioner))].sort((a, b) => a.localeCompare(b))
}

/** The kind of examination that an event is about: the third word of its object, such as `request 0199… blood_pressure`,
 * where that is none of the digests with which objects end. */
export function aboutOf(event: AuditEvent): string {
  const word = event.object.split(' ')[2] ?? ''
  return word.startsWith('sha256:') ? '' : word
}

/** What makes rows one line: who, in which role and for what purpose, did what, about whom and which visit. */
const SAME = ['action', 'practitioner', 'role', 'purpose', 'patient_id', 'visit_id'] as const satisfies readonly (keyof AuditEvent)[]

/** One person doing the same thing several times in a row to one patient is one line with a count; nothing is left out. */
export type Passage = { first: AuditEvent; last: AuditEvent; events: AuditEvent[] }

export function passages(events: readonly AuditEvent[]): Passage[] {
  const found: Passage[] = []
  for (const event of [...events].sort((a, b) => a.seq - b.seq)) {
    const before = found.at(-1)
    if (before && SAME.every((field) => before.last[field] === event[field]) && aboutOf(before.last) === aboutOf(event)) {
      before.events.push(event)
      before.last = event
    } else found.push({ first: event, last: event, events: [event] })
  }
  return found
}

/** `34–36` only where no row of somebody else stands between; else the first and last of them, `34, 37` or `34 … 41`. */
export function numbersOf({ first, last, events }: Passage): string {
  if (events.length === 1) return String(first.seq)
  if (last.seq - first.seq === events.length - 1) return `${first.seq}–${last.seq}`
  return `${first.seq}${events.length === 2 ? ',' : ' …'} ${last.seq}`
}
