import { describe, expect, test } from 'vitest'
import { ageOf, careDay, clockTime, dayAndTime, decimalText, foreignZone, headline, isUsualUnit, localDay, quantityText, sameDay, setCareZone, spanOf, unitText, yearsOld } from '../../src/shared/format'
import { bloodPressure, reading } from './visits'

describe('age', () => {
  test.each([
    [0, 'now', 0],
    [2.9, 'now', 0],
    [3, 'seconds', 3],
    [59.9, 'seconds', 59],
    [60, 'minutes', 1],
    [3599, 'minutes', 59],
    [3600, 'hours', 1],
    [47.9 * 3600, 'hours', 47],
    [48 * 3600, 'days', 2],
  ])('%s s', (seconds, unit, n) => {
    expect(ageOf(1000, 1000 + seconds * 1000)).toEqual({ unit, n })
  })

  test('a clock that runs ahead gives now, never a negative age', () => {
    expect(ageOf(5000, 1000)).toEqual({ unit: 'now', n: 0 })
  })
})

describe('spans', () => {
  test.each([
    [0, 'seconds', 0],
    [-89, 'seconds', 89],
    [90, 'minutes', 2],
    [37 * 60, 'minutes', 37],
    [3600, 'hours', 1],
    [3540, 'hours', 1],
    [75 * 60, 'minutes', 75],
    [90 * 60, 'hours', 2],
    [-12 * 3600, 'hours', 12],
    [48 * 3600, 'days', 2],
    [-1_795_000_000, 'years', 57],
  ])('%s s', (seconds, unit, n) => {
    expect(spanOf(seconds)).toEqual({ unit, n })
  })
})

describe('years', () => {
  test('counts from the birthday', () => {
    expect(yearsOld('1912-12-12', new Date(2026, 11, 11))).toBe(113)
    expect(yearsOld('1912-12-12', new Date(2026, 11, 12))).toBe(114)
    expect(yearsOld('2026-11-23', new Date(2026, 10, 23))).toBe(0)
  })
  test('says nothing of what is not a date', () => {
    expect(yearsOld('', new Date())).toBeUndefined()
    expect(yearsOld('1912', new Date())).toBeUndefined()
  })
})

describe('numbers', () => {
  test('keep their digits and their comparator', () => {
    expect(quantityText({ value: '5', comparator: '<' }, 'sv-SE')).toBe('<5')
    expect(quantityText({ value: '6.0', comparator: null }, 'sv-SE')).toBe('6,0')
    expect(quantityText({ value: '6.0', comparator: null }, 'en-GB')).toBe('6.0')
    expect(quantityText({ value: '200', comparator: '>' }, 'es-ES')).toBe('>200')
  })
  test('never lose digits to a float', () => {
    expect(decimalText('0.1000000000000000055', 'fi-FI')).toBe('0,1000000000000000055')
    expect(decimalText('-3.50', 'sv-SE')).toBe('−3,50')
  })
  test('units as people write them; an unknown one is shown as it came', () => {
    expect(unitText('mm[Hg]', 'slag/min')).toBe('mmHg')
    expect(unitText('/min', 'slag/min')).toBe('slag/min')
    expect(unitText('mg/dL', 'slag/min')).toBe('mg/dL')
    expect(['Cel', '[degF]', 'kg', '[lb_av]', 'mmol/L', 'kPa'].map((unit) => unitText(unit, ''))).toEqual(['°C', '°F', 'kg', 'lb', 'mmol/L', 'kPa'])
  })
  test.each(['[degF]', '[lb_av]', 'mg/dL', 'kPa', 'furlong'])('%s stands out: nobody expects it', (unit) => {
    expect(isUsualUnit(unit)).toBe(false)
  })
  test.each(['Cel', 'kg', 'mmol/L', 'mm[Hg]', 'mg/L', '%', '/min'])('%s is what people expect', (unit) => {
    expect(isUsualUnit(unit)).toBe(true)
  })
})

describe('what stands large', () => {
  test('two pressures are one thing', () => {
    const { main, beside } = headline(bloodPressure().reading, 'sv-SE', 'slag/min')
    expect(main).toEqual({ name: 'systolic', text: '128/82', unit: 'mmHg', usual: true })
    expect(beside.map((one) => `${one.text} ${one.unit}`)).toEqual(['71 slag/min'])
  })
  test('a failed measurement has no number', () => {
    expect(headline(reading({ kind: 'crp', quantities: [], problem: 'cassette_error' }).reading, 'sv-SE', '').main).toBeUndefined()
  })
})

test('no time is no text', () => {
  expect(clockTime(null, 'sv-SE')).toBe('')
  expect(clockTime('2026-11-23T09:05:00Z', 'sv-SE')).toMatch(/^\d\d:05$/)
})

test('the day of a moment is that of this place', () => {
  const late = new Date(2026, 0, 5, 23, 59)
  expect(localDay(late.toISOString())).toBe('2026-01-05')
})

test('the day of a moment where the care is given, wherever the page is', () => {
  setCareZone('Europe/Stockholm')
  expect(careDay('2026-01-05T22:59:00Z')).toBe('2026-01-05')
  expect(careDay('2026-01-05T23:00:00Z')).toBe('2026-01-06')
  expect(careDay('2026-07-05T22:00:00Z')).toBe('2026-07-06')
  setCareZone(undefined)
})

test('times are those of where the care is given, and a page elsewhere says so', () => {
  const winter = '2026-01-05T22:30:00Z'
  setCareZone('Europe/Helsinki')
  expect(clockTime(winter, 'sv-SE')).toBe('00:30')
  expect(dayAndTime(winter, 'sv-SE')).toBe('6 jan. 2026 00:30')
  expect(sameDay(winter, '2026-01-05T21:30:00Z')).toBe(false)
  setCareZone('Nowhere/At-all')
  expect(clockTime(winter, 'sv-SE'), 'a zone nobody knows changes nothing').toBe('00:30')
  // Kiritimati and Niue are 25 hours apart: no page's clock agrees with both
  const named = ['Pacific/Kiritimati', 'Pacific/Niue'].map((zone) => (setCareZone(zone), foreignZone(Date.parse(winter))))
  expect(named).toContainEqual(expect.stringContaining('Pacific/'))
  setCareZone(Intl.DateTimeFormat().resolvedOptions().timeZone)
  expect(foreignZone(Date.parse(winter))).toBe('')
  setCareZone(undefined)
})
