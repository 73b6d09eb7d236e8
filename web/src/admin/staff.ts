/** What follows from a person's commissions, for the questions that the page asks before an act. Pure. */
import type { GivenCommission, KitView, ProviderView, StaffPerson, WaitingCode } from '../shared/wire'
import type { Key } from '../shared/i18n/catalogue'

/** What the page gives; administrators are made on the hub's machine. */
export const GIVEN = ['nurse', 'doctor', 'reviewer'] as const
export type GivenRole = (typeof GIVEN)[number]

export const live = (person: StaffPerson): GivenCommission[] => person.commissions.filter((one) => one.ended_at === null)
export const over = (person: StaffPerson): GivenCommission[] => person.commissions.filter((one) => one.ended_at !== null)

/** Whether what concerns the whole person (keys, sessions, name) may be done here. */
export const whole = (person: StaffPerson): boolean => !person.myself && !person.elsewhere

/** What to say before a commission is ended, besides what it is. */
export function endingSays(person: StaffPerson, commission: GivenCommission): Key[] {
  const says: Key[] = []
  if (commission.signed_in > 0) says.push('admin.commission.end.signed_in')
  if (live(person).length === 1 && !person.elsewhere) says.push('admin.commission.end.last')
  return [...says, 'admin.commission.end.stays']
}

/** Units to choose among, of all care providers within reach, each with its provider's name where there are several. */
export function unitChoices(providers: readonly ProviderView[]): { id: string; label: string }[] {
  return providers.flatMap((one) => one.units.map((unit) => ({ id: unit.id, label: providers.length > 1 ? `${unit.name}, ${one.name}` : unit.name })))
}

/** Whether every word is somewhere in the texts, whatever its case. */
export function fits(search: string, ...texts: string[]): boolean {
  const all = texts.join(' ').toLocaleLowerCase()
  return search.toLocaleLowerCase().split(/\s+/).every((word) => all.includes(word))
}

/** The code that waits for a kit to get another key. */
export const codeFor = (kit: KitView, codes: readonly WaitingCode[]): WaitingCode | undefined => codes.filter((one) => one.kit_id === kit.id).at(-1)

/** How many of these have just that name, however it is capitalised or spaced. */
export function sameName(people: readonly { name: string }[], name: string): number {
  const plain = (one: string): string => one.trim().replace(/\s+/g, ' ').toLocaleLowerCase()
  return people.filter((one) => plain(one.name) === plain(name)).length
}
