import { describe, expect, test } from 'vitest'
import { parseGs1 } from '../../src/nurse/gs1'

// synthetic: GTIN 07350000000016 has a right check digit, no product has it
const GTIN = '07350000000016'
const TODAY = new Date(2026, 10, 26)
const FNC1 = '\u001d'
const whole = { gtin: GTIN, lot: 'C4711', expires: '2027-11-30' }

describe('the same box', () => {
  test.each([
    ['as printed', `(01)${GTIN}(17)271130(10)C4711`],
    ['printed with spaces around', `  (01) ${GTIN} (17) 271130 (10) C4711 `],
    ['scanned, the lot last', `01${GTIN}1727113010C4711`],
    ['scanned, the lot first and FNC1 after it', `01${GTIN}10C4711${FNC1}17271130`],
    ['with FNC1 first', `${FNC1}01${GTIN}1727113010C4711`],
    ['with the scanner’s symbology identifier', `]d201${GTIN}1727113010C4711`],
    ['as a web address', `https://id.example.org/01/${GTIN}/10/C4711?17=271130`],
  ])('%s', (_how, scanned) => {
    expect(parseGs1(scanned, TODAY)).toEqual(whole)
  })
})

test('a bracket in a lot is a part of it', () => {
  expect(parseGs1('(10)A(2(17)271130', TODAY)).toEqual({ lot: 'A(2', expires: '2027-11-30' })
})

test('other elements are stepped over, a serial number is told', () => {
  expect(parseGs1(`01${GTIN}11260101172711302112AB${FNC1}240X9${FNC1}3103001000${FNC1}10C4711`, TODAY)).toEqual({ ...whole, serial: '12AB' })
})

test('day 00 is the last of the month, also in February of a leap year', () => {
  expect(parseGs1('(17)280200(10)A', TODAY)?.expires).toBe('2028-02-29')
  expect(parseGs1('(17)270200(10)A', TODAY)?.expires).toBe('2027-02-28')
})

test('the century is the one within fifty years', () => {
  expect(parseGs1('(17)760101', TODAY)?.expires).toBe('2076-01-01')
  expect(parseGs1('(17)770101', TODAY)?.expires).toBe('1977-01-01')
  expect(parseGs1('(17)050101', new Date(2060, 0, 1))?.expires).toBe('2105-01-01')
})

test('a part of it is a part of it', () => {
  expect(parseGs1('(10)C4711', TODAY)).toEqual({ lot: 'C4711' })
})

test.each([
  ['nothing', ''],
  ['words', 'Afinion CRP'],
  ['a shop’s bar code', '7350000000016'],
  ['a wrong check digit', `(01)07350000000012(10)A`],
  ['a date that is none', '(17)271331(10)A'],
  ['a day that is none', '(17)270230(10)A'],
  ['cut short', `01${GTIN}172711`],
  ['a lot of 21 characters: its FNC1 was lost', '10ABCDEFGHIJKLMNOPQRSTU'],
  ['brackets that do not fit', '(01)07350000000016(17'],
  ['an address without elements', 'https://example.org/product'],
  ['a serial number alone', '21ABC'],
])('%s is refused', (_what, scanned) => {
  expect(parseGs1(scanned, TODAY)).toBeUndefined()
})

test('any text is read or refused, never thrown', () => {
  const letters = `01(17)${FNC1}]d2/?=%AZ9`
  let seed = 1
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647)
  for (let n = 0; n < 20_000; n++) {
    const text = Array.from({ length: next() % 30 }, () => letters[next() % letters.length]).join('')
    const found = parseGs1(text, TODAY)
    if (found?.expires !== undefined) expect(found.expires).toMatch(/^\d{4}-\d{2}-\d{2}$/)
  }
  expect(parseGs1('https://id.example.org/01/%E0%A4%A/10/x', TODAY)).toBeUndefined()
})
