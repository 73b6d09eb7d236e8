import { expect, test } from 'vitest'
import source from '../../src/doctor/listening/KeptSounds.svelte?raw'

test('a decision as the class of a row meets no rule that lays out something else', () => {
  const rules = [...source.matchAll(/^ {2}([^\n{]+) \{([^}]*)\}/gm)].map(([, selector = '', body = '']) => ({ selector, body }))
  expect(rules.length).toBeGreaterThan(4)
  const met = rules.filter(({ selector }) => /\.(draft|kept|rejected)\b/.test(selector))
  expect(met.filter(({ body }) => /display|grid|flex/.test(body))).toEqual([])
})
