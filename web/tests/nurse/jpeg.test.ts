import { expect, test } from 'vitest'
import { fitted } from '../../src/nurse/jpeg'

test('large pictures are made smaller in their own shape, small ones are left', () => {
  expect(fitted(4000, 3000)).toEqual({ width: 2048, height: 1536 })
  expect(fitted(3000, 4000)).toEqual({ width: 1536, height: 2048 })
  expect(fitted(640, 480)).toEqual({ width: 640, height: 480 })
  expect(fitted(10_000, 1)).toEqual({ width: 2048, height: 1 })
})
