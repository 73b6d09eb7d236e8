import { describe, expect, test } from 'vitest'
import { codeFor, endingSays, fits, live, over, sameName, unitChoices, whole } from '../../src/admin/staff'
import type { GivenCommission, KitView, ProviderView, StaffPerson, WaitingCode } from '../../src/shared/wire'

const commission = (more: Partial<GivenCommission> = {}): GivenCommission => ({ id: 'c', role: 'nurse', unit: 'U', unit_id: 'u', organization_id: 'o', organization: 'O', hsa_id: null, whole_hub: false, ended_at: null, signed_in: 0, ...more })
const person = (commissions: GivenCommission[], more: Partial<StaffPerson> = {}): StaffPerson => ({ id: 'p', name: 'Anna', title: 'ssk', hsa_id: null, passkeys: 1, link_until: null, commissions, myself: false, elsewhere: false, ...more })
const provider = (name: string, units: string[]): ProviderView => ({ id: name, name, hsa_id: null, units: units.map((unit) => ({ id: unit, name: unit, hsa_id: null, commissions: 0, kits: 0 })) })

test('commissions of now and those that ended', () => {
  const [now, before] = [commission({ id: 'a' }), commission({ id: 'b', ended_at: '2026-11-01T00:00:00Z' })]
  expect(live(person([now, before]))).toEqual([now])
  expect(over(person([now, before]))).toEqual([before])
})

test('keys and sessions are nobody’s own, nor of who works elsewhere too', () => {
  expect([whole(person([])), whole(person([], { myself: true })), whole(person([], { elsewhere: true }))]).toEqual([true, false, false])
})

describe('before a commission ends the page says', () => {
  const [signedIn, quiet] = [commission({ signed_in: 1 }), commission()]
  test.each([
    ['who is signed in, that it is the only one, what stays', person([signedIn]), signedIn, 3],
    ['not the only one', person([signedIn, commission({ id: 'd' })]), signedIn, 2],
    ['nobody is signed in', person([quiet, commission({ id: 'd' })]), quiet, 1],
    ['works elsewhere: not the only way in', person([quiet], { elsewhere: true }), quiet, 1],
    ['one that ended does not count', person([quiet, commission({ id: 'd', ended_at: '2026-11-01T00:00:00Z' })]), quiet, 2],
  ])('%s', (_name, who, what, count) => {
    const says = endingSays(who, what)
    expect(says.length).toBe(count)
    expect(says.at(-1)).toBe('admin.commission.end.stays')
  })
})

test('units carry their provider’s name only where there are several', () => {
  expect(unitChoices([provider('A', ['x', 'y'])]).map((one) => one.label)).toEqual(['x', 'y'])
  expect(unitChoices([provider('A', ['x']), provider('B', ['x'])]).map((one) => one.label)).toEqual(['x, A', 'x, B'])
  expect(unitChoices([])).toEqual([])
})

test('a search finds words in any order and case', () => {
  expect(fits('ånge VÄSKA', 'Väska 1', 'Ånge hemsjukvård')).toBe(true)
  expect(fits('', 'Väska')).toBe(true)
  expect(fits('2', 'Väska 1')).toBe(false)
})

test('the newest code for a kit', () => {
  const code = (kit_id: string | null, expires_at: string): WaitingCode => ({ name: 'n', unit: 'u', organization: 'o', kit_id, made_at: expires_at, expires_at })
  const kit = { id: 'k' } as KitView
  expect(codeFor(kit, [code('k', '1'), code(null, '2'), code('k', '3'), code('x', '4')])?.expires_at).toBe('3')
  expect(codeFor(kit, [])).toBeUndefined()
})

test('a second person of one name is found however it is written', () => {
  const people = [{ name: 'Maja Nordin' }, { name: 'maja  nordin' }, { name: 'Maja Nordin-Ek' }]
  expect(sameName(people, ' Maja Nordin ')).toBe(2)
  expect(sameName(people, 'Maja')).toBe(0)
})
