import { expect, test } from 'vitest'
import { closingOf } from '../../src/nurse/closing'
import type { Note } from '../../src/shared/wire'
import { request, snapshot, VISIT } from '../shared/visits'

function note(state: Note['state'], id = 'n', version = 1): Note {
  return { id, visit_id: VISIT, version, assessment: '', plan: 'Rest', state, author: 'Elena Ruiz', changed_at: '2026-11-23T09:05:00Z', signed_at: state === 'signed' ? '2026-11-23T09:06:00Z' : null, sha256: null }
}

test('a plan that is signed is never said to be missing', () => {
  const signed = snapshot({ notes: [note('signed')] })
  expect(closingOf(snapshot({ notes: [note('draft')] }), '').plan).toBe('none')
  expect(closingOf(signed, '').plan).toBe('unread')
  expect(closingOf(signed, 'n').plan).toBe('read')
})

test('a version signed after she has read the one before is unread', () => {
  const both = snapshot({ notes: [note('signed'), note('signed', 'n2', 2)] })
  expect(closingOf(both, 'n').plan).toBe('unread')
  expect(closingOf(both, 'n2').plan).toBe('read')
  expect(closingOf(snapshot({ notes: [note('signed'), note('draft', 'n2', 2)] }), 'n').plan).toBe('read')
})

test('what was asked for and is not done, each kind once; what is answered or over is not named', () => {
  const at = (n: number): string => `2026-11-23T09:0${n}:00Z`
  const requests = [
    request('a', { kind: 'weight', state: 'asked', asked_at: at(2) }),
    request('b', { kind: 'photo', state: 'asked', asked_at: at(1) }),
    request('c', { kind: 'photo', state: 'asked', asked_at: at(3) }),
    request('d', { kind: 'crp', state: 'answered', asked_at: at(0) }),
    request('e', { kind: 'glucose', state: 'declined', asked_at: at(0) }),
  ]
  expect(closingOf(snapshot({ requests }), '').asked).toEqual(['photo', 'weight'])
  expect(closingOf(snapshot(), '').asked).toEqual([])
})
