import { expect, test } from 'vitest'
import { fromFragment, safeNext } from '../../src/entrance/fragment'

test('reads the one-time secret from the fragment', () => {
  expect(fromFragment('#token=a%2Bb', 'token')).toBe('a+b')
  expect(fromFragment('#abc', 'token')).toBe('abc')
  expect(fromFragment('#code=abc', 'token')).toBeUndefined()
  expect(fromFragment('', 'token')).toBeUndefined()
  expect(fromFragment('#ab%2', 'token')).toBeUndefined()
})

test('goes on only to this origin, to this machine, or to a safe address', () => {
  const origin = 'http://localhost:8470'
  expect(safeNext('/doctor/', origin)).toBe('http://localhost:8470/doctor/')
  expect(safeNext('http://localhost:8471/#code=x', origin)).toBe('http://localhost:8471/#code=x')
  expect(safeNext('javascript:alert(1)', origin)).toBeUndefined()
  expect(safeNext('http://elsewhere.example/', origin)).toBeUndefined()
})
