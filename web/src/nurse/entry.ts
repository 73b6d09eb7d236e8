/** Values typed by hand: which numbers each kind has, what is a number, and whether two typings agree. Pure. */
import type { MeasuredKind, Quantity } from '../shared/wire'

export type Name = Quantity['name']
export type Field = {
  name: Name
  /** UCUM, the usual one first. */
  units: readonly [string, ...string[]]
  /** The display may say `<5` or `>200`. */
  comparators?: true
  optional?: true
}
/** One number as it was typed. */
export type Typed = { text: string; unit: string; comparator: Quantity['comparator'] }
export type Sheet = Partial<Record<Name, Typed>>

export const ENTRY_KINDS = ['blood_pressure', 'oximetry', 'temperature', 'weight', 'glucose', 'crp'] as const satisfies readonly MeasuredKind[]

export const FIELDS: Readonly<Record<MeasuredKind, readonly Field[]>> = {
  blood_pressure: [
    { name: 'systolic', units: ['mm[Hg]', 'kPa'] },
    { name: 'diastolic', units: ['mm[Hg]', 'kPa'] },
    { name: 'pulse', units: ['/min'], optional: true },
  ],
  oximetry: [
    { name: 'spo2', units: ['%'] },
    { name: 'pulse', units: ['/min'], optional: true },
  ],
  temperature: [{ name: 'temperature', units: ['Cel', '[degF]'] }],
  weight: [{ name: 'weight', units: ['kg', '[lb_av]'] }],
  glucose: [{ name: 'glucose', units: ['mmol/L', 'mg/dL'], comparators: true }],
  crp: [{ name: 'crp', units: ['mg/L', 'mg/dL'], comparators: true }],
}

export function emptySheet(kind: MeasuredKind): Sheet {
  return Object.fromEntries(FIELDS[kind].map((field) => [field.name, { text: '', unit: field.units[0], comparator: null }]))
}

/** `37,4` or `37.4` as the wire wants it; undefined for what is not one plain number. */
export function decimalOf(text: string): string | undefined {
  const match = /^0*(\d{1,5})(?:[.,](\d{1,3}))?$/.exec(text.trim())
  if (match === null) return undefined
  return match[2] === undefined ? (match[1] ?? '') : `${match[1]}.${match[2]}`
}

/** A sheet as quantities; undefined while a number that is needed is missing, or something is not a number. */
export function quantitiesOf(kind: MeasuredKind, sheet: Sheet): Quantity[] | undefined {
  const quantities: Quantity[] = []
  for (const field of FIELDS[kind]) {
    const typed = sheet[field.name]
    if (typed === undefined || typed.text.trim() === '') {
      if (field.optional) continue
      return undefined
    }
    const value = decimalOf(typed.text)
    if (value === undefined) return undefined
    quantities.push({ name: field.name, value, unit: typed.unit, comparator: field.comparators ? typed.comparator : null })
  }
  return quantities
}

/** What was typed and is no number. */
export function notNumbers(kind: MeasuredKind, sheet: Sheet): Name[] {
  return FIELDS[kind].map((field) => field.name).filter((name) => (sheet[name]?.text.trim() ?? '') !== '' && decimalOf(sheet[name]?.text ?? '') === undefined)
}

/** The numbers on which two typings differ; 6.0 and 6 are the same, 6 mmol/L and 6 mg/dL are not. */
export function differing(first: readonly Quantity[], second: readonly Quantity[]): Name[] {
  const names = new Set([...first, ...second].map((one) => one.name))
  return [...names].filter((name) => key(first, name) !== key(second, name))
}

function key(quantities: readonly Quantity[], name: Name): string {
  const one = quantities.find((quantity) => quantity.name === name)
  if (one === undefined) return ''
  const value = one.value.includes('.') ? one.value.replace(/\.?0+$/, '') : one.value
  return `${one.comparator ?? ''}${value} ${one.unit}`
}
