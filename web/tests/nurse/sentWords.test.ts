import { expect, test } from 'vitest'
import { sentWords } from '../../src/nurse/sentWords'

test('all is sent only when nothing waits and nothing is damaged', () => {
  expect(sentWords({ unsent: 0 })[0]).toBe('net.unsent.none')
  expect(sentWords({ unsent: 0, damaged: 0 })[0]).toBe('net.unsent.none')
  expect(sentWords({ unsent: 0, damaged: 2 })).toEqual(['net.unsent.lost', { n: 2 }])
  expect(sentWords({ unsent: 3, damaged: 2 })).toEqual(['net.unsent', { n: 3 }])
})
