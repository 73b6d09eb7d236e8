import { expect, test } from 'vitest'
import { actOf, VIEWS } from '../../src/doctor/listening/keys'

const press = (key: string, over: object = {}) => ({ key, altKey: false, ctrlKey: false, metaKey: false, ...over })

test('digits are the views, 0 is unfiltered', () => {
  expect(VIEWS[0]).toBe('raw')
  VIEWS.forEach((view, index) => expect(actOf(press(String(index)), false)).toEqual({ do: 'view', view }))
  expect(actOf(press('5'), false)).toBeUndefined()
})

test.each([['p', 'play'], ['P', 'play'], ['l', 'loop'], ['s', 'speed'], ['m', 'mark'], ['+', 'louder'], ['n', 'noise'], ['-', 'softer'], ['Escape', 'live']])('%s: %s', (key, act) => {
  expect(actOf(press(key), false)).toEqual({ do: act })
})

test('nothing with a modifier, nothing while somebody writes, but Escape', () => {
  for (const over of [{ altKey: true }, { ctrlKey: true }, { metaKey: true }]) expect(actOf(press('m', over), false)).toBeUndefined()
  for (const key of ['m', '0', '+', 'p']) expect(actOf(press(key), true)).toBeUndefined()
  expect(actOf(press('Escape'), true)).toEqual({ do: 'live' })
})

test('a key held down does a thing once, and goes on changing the volume', () => {
  expect(actOf(press('m', { repeat: true }), false)).toBeUndefined()
  expect(actOf(press('+', { repeat: true }), false)).toEqual({ do: 'louder' })
})

test('other keys are left alone', () => {
  for (const key of ['Enter', 'Tab', ' ', 'ArrowLeft', 'x', 'constructor', 'toString']) expect(actOf(press(key), false)).toBeUndefined()
})
