import { expect, test } from 'vitest'
import { withoutKit } from '../../src/doctor/passOn'
import type { Guest } from '../../src/shared/wire'

const guest = (id: string, more: Partial<Guest> = {}): Guest => ({ id, camera: true, state: 'admitted', ...more }) as Guest

test('the picture is passed on to whom the kit has no place for, and to nobody without the word', () => {
  const guests = [guest('1'), guest('2'), guest('3', { camera: false }), guest('4', { state: 'ended' })]
  expect(withoutKit(guests, ['guest:1'])).toEqual(['guest:2'])
  expect(withoutKit(guests, ['guest:1', 'guest:2'])).toEqual([])
  expect(withoutKit([], [])).toEqual([])
})
