/** Pure lookup in a catalogue: no state, no DOM. */
import type { Key, Messages } from './sv'

export type { Key, Messages }
export const LANGUAGES = ['sv', 'fi', 'en', 'es'] as const
export type Language = (typeof LANGUAGES)[number]
export const LANGUAGE_NAMES: Record<Language, string> = { sv: 'Svenska', fi: 'Suomi', en: 'English', es: 'Español' }
/** For Intl: the region where the pages are used. */
export const LOCALES: Record<Language, string> = { sv: 'sv-SE', fi: 'fi-FI', en: 'en-GB', es: 'es-ES' }
export type Params = Readonly<Record<string, string | number>>

/** `{name}` in the text becomes `params.name`; a missing one stays visible, so that it is noticed. */
export function fill(text: string, params: Params = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
}

export function placeholders(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort()
}

/** The sentence for a code of the API in one family (`code`, `detail`, `audit`, …), or undefined where nobody wrote one. */
export function codeKey(messages: Messages, family: string, code: string): Key | undefined {
  const key = `${family}.${code}`
  return key in messages ? (key as Key) : undefined
}
