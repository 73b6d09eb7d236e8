import { describe, expect, test } from 'vitest'
import { decimalOf, differing, emptySheet, ENTRY_KINDS, FIELDS, notNumbers, quantitiesOf, type Sheet } from '../../src/nurse/entry'

describe('a number', () => {
  test.each([
    ['37,4', '37.4'],
    ['37.4', '37.4'],
    [' 6 ', '6'],
    ['6,0', '6.0'],
    ['007', '7'],
    ['0,6', '0.6'],
    ['0', '0'],
  ])('%s', (typed, value) => {
    expect(decimalOf(typed)).toBe(value)
  })
  test.each(['', ' ', ',', '37,', ',4', '3 7', '1.234,5', '-1', '+1', '1e3', '<5', 'NaN', '37°', '123456', '1,2345', '٣'])('%s is none', (typed) => {
    expect(decimalOf(typed)).toBeUndefined()
  })
})

function typed(kind: (typeof ENTRY_KINDS)[number], texts: Record<string, string>, change: Partial<NonNullable<Sheet['crp']>> = {}): Sheet {
  const sheet = emptySheet(kind)
  for (const [name, text] of Object.entries(texts)) {
    const before = sheet[name as 'crp']
    if (before) sheet[name as 'crp'] = { ...before, text, ...change }
  }
  return sheet
}

describe('a sheet', () => {
  test('blood pressure needs both pressures, not the pulse', () => {
    expect(quantitiesOf('blood_pressure', typed('blood_pressure', { systolic: '128' }))).toBeUndefined()
    expect(quantitiesOf('blood_pressure', typed('blood_pressure', { systolic: '128', diastolic: '82' }))).toEqual([
      { name: 'systolic', value: '128', unit: 'mm[Hg]', comparator: null },
      { name: 'diastolic', value: '82', unit: 'mm[Hg]', comparator: null },
    ])
  })
  test('an optional one that is not a number is not passed over', () => {
    const sheet = typed('oximetry', { spo2: '97', pulse: 'x' })
    expect(quantitiesOf('oximetry', sheet)).toBeUndefined()
    expect(notNumbers('oximetry', sheet)).toEqual(['pulse'])
  })
  test('less than five stays less than five', () => {
    expect(quantitiesOf('crp', typed('crp', { crp: '5' }, { comparator: '<' }))).toEqual([{ name: 'crp', value: '5', unit: 'mg/L', comparator: '<' }])
  })
  test('a comparator where none belongs is left out', () => {
    expect(quantitiesOf('weight', typed('weight', { weight: '72' }, { comparator: '<' }))?.[0]?.comparator).toBeNull()
  })
  test.each(ENTRY_KINDS)('%s begins empty, in the usual unit', (kind) => {
    expect(quantitiesOf(kind, emptySheet(kind))).toBeUndefined()
    for (const field of FIELDS[kind]) expect(emptySheet(kind)[field.name]).toEqual({ text: '', unit: field.units[0], comparator: null })
  })
})

describe('two typings', () => {
  const crp = (text: string, change: Partial<NonNullable<Sheet['crp']>> = {}) => quantitiesOf('crp', typed('crp', { crp: text }, change)) ?? []
  test('are the same when the numbers are', () => {
    expect(differing(crp('12'), crp('12,0'))).toEqual([])
    expect(differing(crp('100'), crp('100'))).toEqual([])
  })
  test.each([
    ['another digit', crp('12'), crp('21')],
    ['a comparator', crp('5'), crp('5', { comparator: '<' })],
    ['a unit', crp('5'), crp('5', { unit: 'mg/dL' })],
    ['a nought', crp('10'), crp('100')],
  ])('differ by %s', (_what, first, second) => {
    expect(differing(first, second)).toEqual(['crp'])
  })
  test('differ where only one has the pulse', () => {
    const first = quantitiesOf('oximetry', typed('oximetry', { spo2: '97', pulse: '71' })) ?? []
    const second = quantitiesOf('oximetry', typed('oximetry', { spo2: '97' })) ?? []
    expect(differing(first, second)).toEqual(['pulse'])
  })
})
