/** Pure lookup in a catalogue: no state, no DOM. */
import type { Key, Messages } from './sv'

export type { Key, Messages }
export const LANGUAGES = ['sv', 'fi', 'en', 'es'] as const
export type Language = (typeof LANGUAGES)[number]
export const LANGUAGE_NAMES: Record<Language, string> = { sv: 'Svenska', fi: 'Suomi', en: 'English', es: 'Español' }
/** For Intl: the region where the pages are used. */
export const LOCALES: Record<Language, string> = { sv: 'sv-SE', fi: 'fi-FI', en: 'en-GB', es: 'es-ES' }
export type Params = Readonly<Record<string, string | number>>

const PLACE = /\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}/g
const RULES = new Map<string, Intl.PluralRules>()

/** Whether a number takes the singular in that language (CLDR's `one`); its other words are all alike here. */
function isOne(value: string | number, locale: string): boolean {
  const rules = RULES.get(locale) ?? new Intl.PluralRules(locale)
  RULES.set(locale, rules)
  return rules.select(Number(value)) === 'one'
}

/**
 * `{name}` in the text becomes `params.name`, `{n|dag|dagar}` the word that goes with `params.n`; a missing one stays
 * visible, so that it is noticed.
 */
export function fill(text: string, params: Params = {}, locale: string = LOCALES.en): string {
  return text.replace(PLACE, (whole, name: string, one?: string, other?: string) => {
    const value = params[name]
    if (value === undefined) return whole
    return one === undefined ? String(value) : ((isOne(value, locale) ? one : other) ?? '')
  })
}

/** Each name once. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(PLACE)].map((match) => match[1] ?? ''))].sort()
}

/** The sentence for a code of the API in one family (`code`, `detail`, `audit`, …), or undefined where nobody wrote one. */
export function codeKey(messages: Messages, family: string, code: string): Key | undefined {
  const key = `${family}.${code}`
  return key in messages ? (key as Key) : undefined
}
