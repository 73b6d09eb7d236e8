/** What stands in the code on a box of test cartridges: GS1 element strings, as a scanner types them or as they are printed. Pure. */

export type Gs1 = { gtin?: string; lot?: string; expires?: string; serial?: string }

/** FNC1 between elements of varying length, as scanners send it. */
const SEPARATOR = '\u001d'
/** Length of the value after a two-digit identifier whose length is fixed (GS1 General Specifications, figure 7.8.5-2). */
const FIXED: Readonly<Record<string, number>> = { '00': 18, '01': 14, '02': 14, '11': 6, '12': 6, '13': 6, '15': 6, '16': 6, '17': 6, '20': 2 }
const LONGEST_LOT = 20

/**
 * The elements of `(01)…(17)YYMMDD(10)LOT`, of the same with FNC1 between, or of a GS1 Digital Link.
 *
 * Undefined for everything else: nothing is guessed, and a wrong check digit or an impossible date refuses it all.
 */
export function parseGs1(scanned: string, today: Date): Gs1 | undefined {
  const text = scanned.trim().replace(/^\](?:d2|C1|e0|Q3|J1)/, '')
  const elements = text.startsWith('(') ? printed(text) : /^https?:\/\//i.test(text) ? digitalLink(text) : raw(text)
  if (elements === undefined || elements.size === 0) return undefined
  return named(elements, today)
}

function printed(text: string): Map<string, string> | undefined {
  const found = [...text.replaceAll(SEPARATOR, '').matchAll(/\((\d{2,4})\)((?:(?!\(\d{2,4}\)).)*)/gs)]
  const whole = found.reduce((length, match) => length + match[0].length, 0)
  if (whole !== text.replaceAll(SEPARATOR, '').length) return undefined
  return new Map(found.map((match) => [match[1] ?? '', (match[2] ?? '').trim()]))
}

function digitalLink(text: string): Map<string, string> | undefined {
  if (!URL.canParse(text)) return undefined
  const address = new URL(text)
  const path = address.pathname.split('/').filter((part) => part !== '')
  const from = path.indexOf('01')
  if (from < 0) return undefined
  const elements = new Map<string, string>()
  try {
    for (let at = from; at + 1 < path.length; at += 2) elements.set(path[at] ?? '', decodeURIComponent(path[at + 1] ?? ''))
  } catch {
    return undefined // a percent sign that begins nothing
  }
  for (const [key, value] of address.searchParams) if (/^\d{2,4}$/.test(key)) elements.set(key, value)
  return elements
}

function raw(text: string): Map<string, string> | undefined {
  const elements = new Map<string, string>()
  let rest = text
  while (rest !== '') {
    if (rest.startsWith(SEPARATOR)) {
      rest = rest.slice(1)
      continue
    }
    const id = rest.slice(0, 2)
    if (!/^\d\d$/.test(id)) return undefined
    const fixed = FIXED[id]
    const name = fixed === undefined ? longName(rest) : id
    const end = fixed === undefined ? endOf(rest) : 2 + fixed
    const value = rest.slice(name.length, end)
    if (value === '' || (fixed !== undefined && value.length !== fixed)) return undefined
    elements.set(name, value)
    rest = rest.slice(end)
  }
  return elements
}

/** Identifiers of varying length: 10, 21, 22, 30, 37 and 90 to 99 have two digits, those that begin with 3 and 8 four, the others three. */
function longName(rest: string): string {
  if (/^(?:10|21|22|30|37|9\d)/.test(rest)) return rest.slice(0, 2)
  return rest.slice(0, /^[38]/.test(rest) ? 4 : 3)
}

function endOf(rest: string): number {
  const at = rest.indexOf(SEPARATOR)
  return at < 0 ? rest.length : at
}

function named(elements: ReadonlyMap<string, string>, today: Date): Gs1 | undefined {
  const [gtin, lot, due, serial] = [elements.get('01'), elements.get('10'), elements.get('17'), elements.get('21')]
  if (gtin !== undefined && !isGtin(gtin)) return undefined
  if (lot !== undefined && !/^[\x21-\x7e]{1,20}$/.test(lot.slice(0, LONGEST_LOT + 1))) return undefined
  const expires = due === undefined ? undefined : dateOf(due, today)
  if (due !== undefined && expires === undefined) return undefined
  if (lot === undefined && expires === undefined && gtin === undefined) return undefined
  return {
    ...(gtin === undefined ? {} : { gtin }),
    ...(lot === undefined ? {} : { lot }),
    ...(expires === undefined ? {} : { expires }),
    ...(serial === undefined ? {} : { serial }),
  }
}

function isGtin(text: string): boolean {
  if (!/^\d{14}$/.test(text)) return false
  const sum = [...text].reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 3 : 1), 0)
  return sum % 10 === 0
}

/** `YYMMDD`; day 00 is the last of the month; the century is the one within fifty years of today (section 7.12). */
function dateOf(text: string, today: Date): string | undefined {
  if (!/^\d{6}$/.test(text)) return undefined
  const [short, month, day] = [Number(text.slice(0, 2)), Number(text.slice(2, 4)), Number(text.slice(4))]
  const now = today.getFullYear()
  const century = now - (now % 100)
  const difference = short - (now % 100)
  const year = century + short + (difference >= 51 ? -100 : difference <= -50 ? 100 : 0)
  if (month < 1 || month > 12) return undefined
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate()
  if (day > last) return undefined
  return `${year}-${text.slice(2, 4)}-${String(day === 0 ? last : day).padStart(2, '0')}`
}
