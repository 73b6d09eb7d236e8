import { expect, test } from 'vitest'
import { SamePage } from '../../src/doctor/samePage'

test('the same secret with each connection, which are counted', () => {
  const page = new SamePage()
  const [first, second] = [page.next(''), page.next('0192')]
  expect(first.key).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(second.key).toBe(first.key)
  expect([first.turn, second.turn]).toEqual([1, 2])
  expect([first.visit_id, second.visit_id]).toEqual([null, '0192'])
})

test('another page has another secret', () => {
  expect(new SamePage().next('').key).not.toBe(new SamePage().next('').key)
})

test('every byte of the secret counts, in letters that the hub takes', () => {
  const page = (fill: number): string => new SamePage((bytes) => bytes.fill(fill)).next('').key
  expect(page(255)).toBe('_'.repeat(42) + '8')
  expect(page(251)).toMatch(/^[A-Za-z0-9_-]{43}$/)
})
