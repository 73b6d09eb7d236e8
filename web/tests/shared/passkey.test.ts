import { expect, test } from 'vitest'
import { whyNone } from '../../src/shared/passkey'

test('a device that has a key already is not said to have none', () => {
  const there = new DOMException('', 'InvalidStateError')
  expect(whyNone(there, true)).toBe('passkey_here_already')
  expect(whyNone(new DOMException('', 'NotAllowedError'), true)).toBe('passkey_not_made')
  expect(whyNone(undefined, true)).toBe('passkey_not_made')
  expect(whyNone(there, false)).toBe('passkey_cancelled')
})
