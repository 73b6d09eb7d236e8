/** Visits for tests, in the shape the hub sends. */
import type { ReadingView, Request, VisitSnapshot } from '../../src/shared/wire'

export const VISIT = '01890000-0000-7000-8000-000000000001'
type Reading = ReadingView['reading']

export function reading(over: Partial<Reading> & { id?: string }, decided: Partial<ReadingView> = {}): ReadingView {
  return {
    decision: 'draft',
    decided_by: '',
    decided_at: null,
    reason: '',
    move: '',
    received_at: '2026-11-23T09:00:01Z',
    filed_by: '',
    filed_at: null,
    taken_back: false,
    ...decided,
    reading: {
      type: 'reading',
      id: 'r1',
      binding: { visit_id: VISIT, patient_id: 'p', nurse_id: 'n', kit_id: 'k', kit_seq: 1, request_id: null },
      times: { device: null, kit_monotonic_ns: 1, kit_utc: '2026-11-23T09:00:00Z', device_offset_s: null, device_offset_uncertainty_s: null },
      kind: 'blood_pressure',
      quantities: [],
      problem: null,
      flags: [],
      circumstances: { site: 'left_arm', posture: 'sitting', point: null },
      quality: { word: 'good', reasons: [] },
      device: { id: 'x', kind: 'cuff', maker: '', model: '', serial: '', firmware: '', simulated: true, udi: null },
      provenance: 'live',
      raw: '',
      display_photo: null,
      user: null,
      seen: null,
      ...over,
    },
  }
}

export function bloodPressure(id = 'r1', decided: Partial<ReadingView> = {}): ReadingView {
  const quantities: Reading['quantities'] = [
    { name: 'systolic', value: '128', unit: 'mm[Hg]', comparator: null },
    { name: 'diastolic', value: '82', unit: 'mm[Hg]', comparator: null },
    { name: 'pulse', value: '71', unit: '/min', comparator: null },
  ]
  return reading({ id, quantities }, decided)
}

export function request(id: string, over: Partial<Request> = {}): Request {
  return {
    id,
    visit_id: VISIT,
    kind: 'blood_pressure',
    circumstances: { site: 'left_arm', posture: 'sitting', point: null },
    note: '',
    state: 'asked',
    reason: '',
    again_of: null,
    asked_by: 'Elena Ruiz',
    asked_at: '2026-11-23T09:00:00Z',
    changed_at: '2026-11-23T09:00:00Z',
    ...over,
  }
}

export function snapshot(over: Partial<VisitSnapshot> = {}): VisitSnapshot {
  return {
    visit: {
      id: VISIT,
      patient: { id: 'p', name: 'Tolvan Tolvansson', personal_id: '191212121212', personal_id_system: '', birth_date: '1912-12-12', place: 'Timrå', own_doctor: 'Elena Ruiz', colour: 2, turned_out: null, protected: '' },
      nurse: null,
      kit_id: 'k',
      kit_name: 'Väska 1',
      scheduled_at: '2026-11-23T09:00:00Z',
      reason: '',
      background: '',
      state: 'open',
      opened_at: '2026-11-23T08:59:00Z',
      closed_at: null,
      doctor_joined_at: '2026-11-23T08:59:30Z',
    },
    requests: [],
    readings: [],
    sounds: [],
    photos: [],
    notes: [],
    marks: [],
    participants: [],
    kit_online: true,
    guests: [],
    premises: [], questions: [],
    news2: null,
    ...over,
  }
}
