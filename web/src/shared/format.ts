/** How numbers, times and identities are written. Pure: the locale and the clock are parameters. */
import type { Quantity, ReadingView } from './wire'

export type Age = { unit: 'now' | 'seconds' | 'minutes' | 'hours' | 'days'; n: number }

/** How old something is; what lies up to 2 s ahead (clocks differ) is "now". */
export function ageOf(thenMs: number, nowMs: number): Age {
  const seconds = Math.max(0, Math.floor((nowMs - thenMs) / 1000))
  if (seconds < 3) return { unit: 'now', n: 0 }
  if (seconds < 60) return { unit: 'seconds', n: seconds }
  if (seconds < 3600) return { unit: 'minutes', n: Math.floor(seconds / 60) }
  if (seconds < 48 * 3600) return { unit: 'hours', n: Math.floor(seconds / 3600) }
  return { unit: 'days', n: Math.floor(seconds / 86400) }
}

export type Span = { unit: 'seconds' | 'minutes' | 'hours' | 'days' | 'years'; n: number }

/** How long something is, without a sign, rounded to what a person would say. */
export function spanOf(seconds: number): Span {
  const long = Math.abs(seconds)
  if (long < 90) return { unit: 'seconds', n: Math.round(long) }
  const hours = Math.round(long / 3600)
  if (hours > 0 && hours < 48 && Math.abs(long - hours * 3600) < 90) return { unit: 'hours', n: hours }
  if (long < 90 * 60) return { unit: 'minutes', n: Math.round(long / 60) }
  if (long < 48 * 3600) return { unit: 'hours', n: hours }
  if (long < 730 * 86400) return { unit: 'days', n: Math.round(long / 86400) }
  return { unit: 'years', n: Math.round(long / (365.25 * 86400)) }
}

/** Whole years at `now`; undefined when the birth date is not a date. */
export function yearsOld(birthDate: string, now: Date): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(birthDate)
  if (match === null) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const before = now.getMonth() + 1 < month || (now.getMonth() + 1 === month && now.getDate() < day)
  return now.getFullYear() - year - (before ? 1 : 0)
}

/** A decimal string with the locale's separator and exactly the digits that were sent: `6.0` is not `6`. */
export function decimalText(value: string, locale: string): string {
  const separator = new Intl.NumberFormat(locale).formatToParts(1.5).find((part) => part.type === 'decimal')?.value ?? '.'
  return value.replace('-', '−').replace('.', separator)
}

/** A number with its comparator: `<5` stays `<5`. */
export function quantityText(quantity: Pick<Quantity, 'value' | 'comparator'>, locale: string): string {
  return `${quantity.comparator ?? ''}${decimalText(quantity.value, locale)}`
}

const UNITS: Record<string, string> = { 'mm[Hg]': 'mmHg', Cel: '°C', '[degF]': '°F', '[lb_av]': 'lb' }
const USUAL_UNITS = new Set(['mm[Hg]', '/min', '%', 'mg/L', 'Cel', 'kg', 'mmol/L', 'L/min'])

/** Whether people here expect this unit; another one must stand out, so that 98.6 is not taken for °C. */
export function isUsualUnit(ucum: string): boolean {
  return USUAL_UNITS.has(ucum)
}

/** A UCUM code as people write it; `/min` needs a word (`perMinute`), an unknown code is shown as it is. */
export function unitText(ucum: string, perMinute: string): string {
  return ucum === '/min' ? perMinute : (UNITS[ucum] ?? ucum)
}

export type Shown = { text: string; unit: string; name: Quantity['name']; usual: boolean }

/** What stands large on a card (128/82 is one thing), and what stands beside it. */
export function headline(reading: ReadingView['reading'], locale: string, perMinute: string): { main: Shown | undefined; beside: Shown[] } {
  const shown = reading.quantities.map((quantity) => ({
    name: quantity.name,
    text: quantityText(quantity, locale),
    // the word for /min is about a pulse; breaths are not beats
    unit: quantity.name === 'respiration' ? quantity.unit : unitText(quantity.unit, perMinute),
    usual: isUsualUnit(quantity.unit),
  }))
  const systolic = shown.find((one) => one.name === 'systolic')
  const diastolic = shown.find((one) => one.name === 'diastolic')
  if (systolic !== undefined && diastolic !== undefined) {
    const main = { ...systolic, text: `${systolic.text}/${diastolic.text}` }
    // the pulse is looked for first
    const beside = shown.filter((one) => one !== systolic && one !== diastolic).sort((a, b) => Number(b.name === 'pulse') - Number(a.name === 'pulse'))
    return { main, beside }
  }
  return { main: shown[0], beside: shown.slice(1) }
}

/** Where the care is given, as the hub says; "" on a kit's page that has not heard of it. */
let zone = typeof document === 'undefined' ? '' : known(document.documentElement.dataset['careZone'] ?? '')

/** An older browser may not know the zone: its own is better than no page. */
function known(name: string): string {
  try {
    new Intl.DateTimeFormat('sv-SE', name === '' ? {} : { timeZone: name })
    return name
  } catch {
    return ''
  }
}

/** Another zone, by its IANA name; "" for the browser's own. */
export function setCareZone(name: string): void {
  zone = known(name)
}

/** The care's zone, where clocks show another time than this browser's now: "Stockholm"; else "". */
export function otherZone(nowMs: number): string {
  const here = (own: object): string => new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', ...own }).format(nowMs)
  return here({}) === here(inZone()) ? '' : (zone.split('/').at(-1) ?? '').replaceAll('_', ' ')
}

function inZone(): { timeZone?: string } {
  return zone === '' ? {} : { timeZone: zone }
}

export function clockTime(iso: string | null | undefined, locale: string, withSeconds = false): string {
  if (!iso) return ''
  const seconds = withSeconds ? ({ second: '2-digit' } as const) : {}
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', ...seconds, ...inZone() }).format(new Date(iso))
}

export function dayAndTime(iso: string | null | undefined, locale: string): string {
  if (!iso) return ''
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', ...inZone() }).format(new Date(iso))
}

/** Whether two moments lie on the same day where the care is given. */
export function sameDay(a: string | number, b: string | number): boolean {
  return careDay(a) === careDay(b)
}

/** The calendar day of a moment where the care is given: `2026-11-23`. */
export function careDay(at: string | number): string {
  // Swedish writes a day as ISO 8601 does
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', ...inZone() }).format(new Date(at))
}

/** A calendar day without a time: `2027-11-30` → "30 nov. 2027". */
export function longDate(day: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`))
}

export function longDay(iso: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', ...inZone() }).format(new Date(iso))
}
