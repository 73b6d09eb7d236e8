import { describe, expect, test } from 'vitest'
import { codeKey, fill, type Messages, placeholders } from '../../src/shared/i18n/catalogue'
import { en } from '../../src/shared/i18n/en'
import { es } from '../../src/shared/i18n/es'
import { fi } from '../../src/shared/i18n/fi'
import { type Key, sv } from '../../src/shared/i18n/sv'

const keys = Object.keys(sv) as Key[]

describe.each([
  ['sv', sv as Messages],
  ['fi', fi],
  ['en', en],
  ['es', es],
])('%s', (_name, messages) => {
  test('has every text and no other', () => {
    expect(Object.keys(messages).sort()).toEqual([...keys].sort())
  })

  test('has no empty text, and none with space around it', () => {
    expect(keys.filter((key) => messages[key].trim() === '' || messages[key] !== messages[key].trim())).toEqual([])
  })

  test('has the placeholders of the source', () => {
    expect(keys.filter((key) => placeholders(messages[key]).join() !== placeholders(sv[key]).join())).toEqual([])
  })
})

test.each([
  ['fi', fi],
  ['en', en],
  ['es', es],
])('%s is translated: few texts are word for word Swedish', (_name, messages) => {
  const same = keys.filter((key) => messages[key] === sv[key] && /\p{L}{6,}/u.test(sv[key].replace(/\{\w+\}/g, '')))
  // names of things that are the same word: Carebag, Pulsoximeter, Plan …
  expect(same.length).toBeLessThan(15)
})

test('Spanish says usted to everybody', () => {
  const TU = /(?<!\p{L})(tú|tu|tus|contigo|os|has|tienes|puedes|quieres|Abre|Acércate|Aprieta|Apaga|Busca|Comprueba|Elige|Empareja|Enciende|Escribe|Haz|Inténtalo|Lee|Llama|Mantén|Mete|Mide|Mira|No te|Pide|Pon|Pulsa|Rasca|Usa|Vuelve)(?!\p{L})/u
  expect(keys.filter((key) => TU.test(es[key]))).toEqual([])
})

test('fills placeholders, and shows one that was forgotten', () => {
  expect(fill('{name}, {time}', { name: 'Anna' })).toBe('Anna, {time}')
  expect(fill('{n} %', { n: 0 })).toBe('0 %')
})

test.each([
  ['sv-SE', '1 dag', '2 dagar', '0 dagar'],
  ['fi-FI', '1 dag', '2 dagar', '0 dagar'],
  ['en-GB', '1 dag', '2 dagar', '0 dagar'],
  ['es-ES', '1 dag', '2 dagar', '0 dagar'],
])('%s has one word for one and another for the others', (locale, one, two, none) => {
  const text = '{n} {n|dag|dagar}'
  expect([1, 2, 0].map((n) => fill(text, { n }, locale))).toEqual([one, two, none])
  expect(fill(text, { n: '1' }, locale)).toBe(one)
  expect(fill(text, {}, locale)).toBe(text)
  expect(fill('{n|ett|}!', { n: 3 }, locale)).toBe('!')
})

test('no text counts one as many: a word in the plural after a number has its singular', () => {
  const COUNTED = /\{n\} (dagar|frågor|händelser|rader|värden|åtkomster|patienter|luckor|sekunder|days|events|rows|values|accesses|patients|gaps|questions|días|sucesos|filas|valores|accesos|preguntas|päivää|tapahtumaa|kysymystä)(?!\p{L})/u
  const many = (messages: Messages): string[] => keys.filter((key) => COUNTED.test(messages[key]) && !(`${key}.one` in messages) && !messages[`${key}.one` as Key])
  expect([sv, fi, en, es].flatMap(many)).toEqual([])
})

test('each way to write a number is whole', () => {
  const left = (messages: Messages): string[] => keys.filter((key) => /[{}|]/.test(fill(messages[key], Object.fromEntries(placeholders(messages[key]).map((name) => [name, 1])))))
  expect([sv, fi, en, es].flatMap(left)).toEqual([])
})

test('finds a sentence for a code in its family only', () => {
  expect(codeKey(sv, 'code', 'cuff_too_loose')).toBe('code.cuff_too_loose')
  expect(codeKey(sv, 'detail', 'cuff_too_loose')).toBeUndefined()
  expect(codeKey(sv, 'code', 'never_heard_of')).toBeUndefined()
})
