/** Identities of patients: what each kind of number is called, and how it is written. The system decides, not the language. */
import type { Key } from './i18n/catalogue'
import type { Patient } from './wire'

export type Known = Pick<Patient, 'personal_id' | 'personal_id_system'>

const SE = 'http://electronichealth.se/identifier/'
const TEMPORARY = 'urn:ietf:rfc:3986'
const SYSTEMS: Record<string, Key> = {
  [`${SE}personnummer`]: 'id_system.personnummer',
  [`${SE}samordningsnummer`]: 'id_system.samordningsnummer',
  [`${SE}nationelltReservnummer`]: 'id_system.national_reserve',
  [`${SE}LMA-nummer`]: 'id_system.lma',
  'urn:oid:1.2.752.97.3.1.3': 'id_system.stockholm_reserve',
  'urn:oid:1.2.752.113.11.0.2.1.1.1': 'id_system.vastra_gotaland_reserve',
  'urn:oid:1.2.246.21': 'id_system.henkilotunnus',
  [TEMPORARY]: 'id_system.temporary',
}
/** Eight digits, a hyphen and four: written so by their own authorities, and by no other. */
const HYPHENATED = new Set<Key>(['id_system.personnummer', 'id_system.samordningsnummer', 'id_system.national_reserve'])

/** What the number is called. */
export function identitySystem({ personal_id_system }: Known): Key {
  return SYSTEMS[personal_id_system] ?? 'id_system.other'
}

/** `19121212-1212`, `98240301-AA06`; of a temporary identity its end; every other one exactly as it is stored. */
export function personalId(patient: Known): string {
  const stored = patient.personal_id
  if (patient.personal_id_system === TEMPORARY) return stored.slice(-12)
  return HYPHENATED.has(identitySystem(patient)) && /^\d{8}[\dA-Z]{4}$/.test(stored) ? `${stored.slice(0, 8)}-${stored.slice(8)}` : stored
}
