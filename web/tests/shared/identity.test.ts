import { expect, test } from 'vitest'
import { identitySystem, personalId } from '../../src/shared/identity'
import { en } from '../../src/shared/i18n/en'
import { sv } from '../../src/shared/i18n/sv'

const SE = 'http://electronichealth.se/identifier/'
const STOCKHOLM = 'urn:oid:1.2.752.97.3.1.3'
const of = (personal_id_system: string, personal_id = '') => ({ personal_id_system, personal_id })

test.each([
  [`${SE}personnummer`, '191212121212', '19121212-1212'],
  [`${SE}samordningsnummer`, '196109732393', '19610973-2393'],
  [`${SE}nationelltReservnummer`, '98240301AA06', '98240301-AA06'],
  // twelve digits, and no personnummer
  [STOCKHOLM, '199912345678', '199912345678'],
  ['urn:oid:9.9', '191212121212', '191212121212'],
  // since 2023 the separator is a part of the Finnish identity
  ['urn:oid:1.2.246.21', '010594Y9032', '010594Y9032'],
  ['urn:ietf:rfc:3986', 'urn:uuid:6f6e2c1a-8d0b-4d6e-9c3a-2b7d4e1f0a55', '2b7d4e1f0a55'],
  // what an older version let in is shown as it is
  [`${SE}personnummer`, '19121212-1212', '19121212-1212'],
  [`${SE}personnummer`, '121212-1212', '121212-1212'],
])('%s: %s is written %s', (system, stored, written) => {
  expect(personalId(of(system, stored))).toBe(written)
})

test('the number is called by its system, in every language', () => {
  expect(sv[identitySystem(of(`${SE}samordningsnummer`))]).toBe('Samordningsnummer')
  expect(en[identitySystem(of('urn:oid:1.2.246.21'))]).toBe('Finnish personal identity code')
  expect(identitySystem(of('urn:oid:9.9'))).toBe('id_system.other')
  expect(identitySystem(of(''))).toBe('id_system.other')
})
