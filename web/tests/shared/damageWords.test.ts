import { expect, test } from 'vitest'
import { damageForDoctor, damageForNurse } from '../../src/shared/parts/damageWords'

test('the nurse is told of what she has not read, what is lost before what was mended', () => {
  expect(damageForNurse(undefined)).toBeNull()
  expect(damageForNurse(null)).toBeNull()
  expect(damageForNurse({ lost: 0, mended: 0 })).toBeNull()
  expect(damageForNurse({ lost: 0, mended: 2 })?.[0]).toBe('net.mended')
  expect(damageForNurse({ lost: 3, mended: 1 })).toEqual(['net.damaged', { n: 3 }])
})

test('the doctor who has read a notice gets the next one only', () => {
  expect(damageForDoctor(null, 0)).toBeNull()
  expect(damageForDoctor({}, 0)).toBeNull()
  const kit = { damaged: 2, damage_number: 3, mended: 1 }
  expect(damageForDoctor(kit, 0)).toEqual(['net.kit.damaged', { n: 2 }])
  expect(damageForDoctor(kit, 2)).toEqual(['net.kit.damaged', { n: 2 }])
  expect(damageForDoctor(kit, 3)).toBeNull()
  expect(damageForDoctor({ ...kit, damage_number: 4 }, 3)).not.toBeNull()
  expect(damageForDoctor({ damage_number: 1, mended: 1 }, 0)?.[0]).toBe('net.kit.mended')
})

test('a kit of before has no number: it is always said', () => {
  expect(damageForDoctor({ damaged: 2 }, 9)).toEqual(['net.kit.damaged', { n: 2 }])
})
