import { expect, test } from 'vitest'
import { filtered, kindOf, numbersOf, passages, people } from '../../src/review/story'
import type { AuditEvent } from '../../src/shared/wire'

function event(seq: number, practitioner: string, action: string): AuditEvent {
  const empty = { object: '', patient_id: null, visit_id: null, role: 'doctor', care_unit: '', organization: '', purpose: 'care', origin: '', request_ref: '' }
  return { ...empty, seq, at: `2026-11-23T09:00:${String(seq).padStart(2, '0')}Z`, action, practitioner, hash: 'a'.repeat(64) }
}

const log = [event(3, 'Anna', 'reading_stored'), event(1, 'Elena', 'visit_read'), event(2, 'Elena', 'visit_read'), event(4, 'Elena', 'note_signed')]

test('reading, doing and signing are told apart', () => {
  expect(['visit_read', 'room_joined', 'audit_read', 'visits_listed', 'visit_exported', 'period_exported', 'visit_printed'].map(kindOf)).toEqual(Array(7).fill('reads'))
  expect(['note_signed', 'audit_verified'].map(kindOf)).toEqual(['signs', 'signs'])
  expect(['reading_kept', 'signed_in', 'request_made'].map(kindOf)).toEqual(['acts', 'acts', 'acts'])
})

test('the same act in a row is one passage that still holds every event, in order', () => {
  const found = passages(log)
  expect(found.map((passage) => passage.events.map((one) => one.seq))).toEqual([[1, 2], [3], [4]])
})

test('filters by person and by kind', () => {
  expect(people(log)).toEqual(['Anna', 'Elena'])
  expect(filtered(log, { who: 'Elena', kind: 'reads' })).toHaveLength(2)
  expect(filtered(log, { who: '', kind: '' })).toHaveLength(4)
})

test('what concerns another patient, visit or purpose is another passage', () => {
  const one = { ...event(1, 'Jonas', 'visit_read'), patient_id: 'a', visit_id: 'v' }
  const after = (seq: number, change: Partial<AuditEvent>): AuditEvent => ({ ...one, seq, ...change })
  const log = [one, after(2, {}), after(3, { patient_id: 'b' }), after(4, { patient_id: 'b', visit_id: 'w' }), after(5, { patient_id: 'b', visit_id: 'w', purpose: 'emergency' })]
  expect(passages(log).map((part) => part.events.length)).toEqual([2, 1, 1, 1])
})

test('numbers of a passage are a range only where no other row stands between', () => {
  const of = (...seqs: number[]) => numbersOf(passages(seqs.map((seq) => event(seq, 'Maria', 'reading_stored')))[0]!)
  expect([of(34), of(34, 35, 36), of(34, 37), of(34, 35, 41)]).toEqual(['34', '34–36', '34, 37', '34 … 41'])
})
