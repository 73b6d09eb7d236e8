import { expect, test } from 'vitest'
import { demoCamera, modelOf } from '../../src/shared/simulated'

test.each([
  ['Simulated cuff', ''],
  ['Simulated glucose meter', ''],
  ['Simulated CRP analyser', ''],
  ['Simulated BM1000', 'BM1000'],
  ['Simulated POCT1-A', 'POCT1-A'],
  ['M7 Intelli IT', 'M7 Intelli IT'],
  ['', ''],
])('%s is of model %s', (model, said) => {
  expect(modelOf(model)).toBe(said)
})

test('a demonstration’s camera is a number, a real one a name', () => {
  expect(['demo 1', 'demo 12', 'video0', 'demo', 'my demo 1'].map(demoCamera)).toEqual(['1', '12', undefined, undefined, undefined])
})
