import { expect, test } from 'vitest'
import { arrivalOf } from '../../src/entrance/arrival'
import { NO_TOKEN, sayingOf } from '../../src/entrance/problem'

test.each([
  ['#token=abc', { kind: 'token', token: 'abc' }],
  ['#abc', { kind: 'token', token: 'abc' }],
  ['#choose', { kind: 'choose' }],
  ['#proved', { kind: 'proved' }],
  ['#problem=oidc_replayed', { kind: 'problem', code: 'oidc_replayed' }],
  ['#problem=<b>x', { kind: 'problem', code: 'bad_request' }],
  ['#problem=', { kind: 'problem', code: 'bad_request' }],
  ['', { kind: 'problem', code: NO_TOKEN }],
  ['#', { kind: 'problem', code: NO_TOKEN }],
])('%s', (hash, arrival) => {
  expect(arrivalOf(hash)).toEqual(arrival)
})

test('what a provider refused is not said to be a link', () => {
  expect(sayingOf('oidc_unknown_person').title).toBe('enter.refused')
  expect(sayingOf('unreachable').title).toBe('enter.not_now')
})
