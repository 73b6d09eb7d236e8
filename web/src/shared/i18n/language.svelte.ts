/** The language of this person on this page: remembered per user, kept in step with `<html lang>`. */
import { type Key, LANGUAGES, type Language, LOCALES, type Messages, type Params, codeKey, fill } from './catalogue'
import { en } from './en'
import { es } from './es'
import { fi } from './fi'
import { sv } from './sv'

const CATALOGUES: Record<Language, Messages> = { sv, fi, en, es }
const STORE = 'carebag.language'

function remembered(user: string): Language | undefined {
  const found = localStorage.getItem(user ? `${STORE}.${user}` : STORE)
  return LANGUAGES.find((language) => language === found)
}

/** Before anybody chose: the first of the browser's languages that we have, else Swedish. */
function likely(): Language {
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2))
  return wanted.map((tag) => LANGUAGES.find((language) => language === tag)).find((language) => language !== undefined) ?? 'sv'
}

class LanguageChoice {
  #now = $state<Language>(remembered('') ?? likely())
  #user = ''

  get now(): Language {
    return this.#now
  }

  get locale(): string {
    return LOCALES[this.#now]
  }

  /** Called once it is known who reads: that person's own choice wins over the device's last one. */
  belongsTo(user: string): void {
    this.#user = user
    const own = remembered(user)
    if (own !== undefined) this.#apply(own)
  }

  choose(language: Language): void {
    localStorage.setItem(STORE, language)
    if (this.#user) localStorage.setItem(`${STORE}.${this.#user}`, language)
    this.#apply(language)
  }

  #apply(language: Language): void {
    this.#now = language
    document.documentElement.lang = language
  }
}

export const language = new LanguageChoice()
document.documentElement.lang = language.now

/** The text of a key in the language chosen. */
export function t(key: Key, params?: Params): string {
  return fill(CATALOGUES[language.now][key], params, LOCALES[language.now])
}

/** A code from the API as a sentence. `specific` is tried first: a code may mean something else in a family. */
export function tCode(code: string, family = 'code'): string {
  const messages = CATALOGUES[language.now]
  const key = codeKey(messages, family, code) ?? codeKey(messages, 'code', code)
  return key === undefined ? fill(messages['code.unknown'], { code }) : messages[key]
}

/** Like `tCode`, but empty where the catalogue has no word: for details that may be left out. */
export function tMaybe(family: string, code: string): string {
  const key = codeKey(CATALOGUES[language.now], family, code)
  return key === undefined ? '' : CATALOGUES[language.now][key]
}
