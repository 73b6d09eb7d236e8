import { describe, expect, test } from 'vitest'
import { momentsOf } from '../../src/shared/timeline'
import { applyChange, askedAlready, displayOf, lastProblem, openRequests, ownPhotos, readingsOf, soundsAt, upsert } from '../../src/shared/visit'
import type { Changed, PhotoView, SoundView } from '../../src/shared/wire'
import { bloodPressure, reading, request, snapshot, VISIT } from './visits'

function change(over: Partial<Changed>): Changed {
  return { type: 'changed', visit_id: VISIT, visit: null, request: null, reading: null, sound: null, photo: null, note: null, mark: null, guest: null, premise: null, question: null, news2: null, ...over }
}

describe('upsert', () => {
  test('puts an object in the place of the one with the same id, and leaves the list it was given', () => {
    const before = [{ id: 'a', n: 1 }, { id: 'b', n: 1 }]
    expect(upsert(before, { id: 'a', n: 2 }, (one) => one.id)).toEqual([{ id: 'a', n: 2 }, { id: 'b', n: 1 }])
    expect(upsert(before, { id: 'c', n: 1 }, (one) => one.id)).toHaveLength(3)
    expect(before).toEqual([{ id: 'a', n: 1 }, { id: 'b', n: 1 }])
  })
})

describe('changes', () => {
  test('the same change twice is the same as once', () => {
    const once = applyChange(snapshot(), change({ reading: bloodPressure() }))
    expect(applyChange(once, change({ reading: bloodPressure() }))).toEqual(once)
    expect(once.readings).toHaveLength(1)
  })
  test('a decision replaces the draft', () => {
    const draft = applyChange(snapshot(), change({ reading: bloodPressure() }))
    const kept = applyChange(draft, change({ reading: bloodPressure('r1', { decision: 'kept', decided_by: 'Elena Ruiz' }) }))
    expect(kept.readings.map((view) => view.decision)).toEqual(['kept'])
  })
  test('a change of another visit never touches this one', () => {
    const before = snapshot()
    expect(applyChange(before, change({ visit_id: 'another', reading: bloodPressure() }))).toBe(before)
  })
})

test('a place is listened to once the stethoscope lay there on the skin', () => {
  const heard = (point: string, word: string) => ({ sound: { circumstances: { point }, quality: { word, reasons: [] } } }) as unknown as SoundView
  const visit = snapshot({ sounds: [heard('mitral', 'good'), heard('mitral', 'questionable'), heard('aortic', 'invalid')] })
  expect((['mitral', 'aortic', 'erb'] as const).map((one) => soundsAt(visit, one))).toEqual([2, 0, 0])
})

test('the request under way comes first, then the oldest', () => {
  const requests = [
    request('new', { asked_at: '2026-11-23T09:02:00Z' }),
    request('old', { asked_at: '2026-11-23T09:01:00Z' }),
    request('now', { asked_at: '2026-11-23T09:03:00Z', state: 'started' }),
    request('done', { state: 'done' }),
    request('answered', { state: 'answered' }),
  ]
  expect(openRequests(snapshot({ requests })).map((one) => one.id)).toEqual(['now', 'old', 'new'])
})

test('readings of a kind, newest first', () => {
  const at = (id: string, kit_utc: string) => reading({ id, times: { ...bloodPressure().reading.times, kit_utc } })
  const readings = [at('a', '2026-11-23T09:00:00Z'), at('b', '2026-11-23T09:05:00Z'), reading({ id: 'c', kind: 'crp' })]
  expect(readingsOf(snapshot({ readings }), 'blood_pressure').map((view) => view.reading.id)).toEqual(['b', 'a'])
})

test('a value from a memory is as old as it is, however late it came', () => {
  const stored = (id: string, device: string | null) =>
    reading({ id, provenance: 'stored', times: { device, kit_monotonic_ns: 1, kit_utc: '2026-11-23T09:30:00Z', device_offset_s: device === null ? null : 0, device_offset_uncertainty_s: null } })
  const readings = [stored('untimed', null), stored('yesterday', '2026-11-22T07:00:00'), bloodPressure('now')]
  expect(readingsOf(snapshot({ readings }), 'blood_pressure').map((view) => view.reading.id)).toEqual(['now', 'yesterday', 'untimed'])
})

describe('pictures of displays', () => {
  const photo = (id: string, of: 'patient' | 'display'): PhotoView => ({
    photo: { type: 'photo_taken', id, binding: reading({}).reading.binding, times: reading({}).reading.times, media_sha256: 'a'.repeat(64), media_type: 'image/jpeg', width: 4, height: 3, caption: '', of, camera: '' },
    media_stored: true,
    decision: 'draft',
    decided_by: '',
    decided_at: null,
    reason: '',
    received_at: null,
    move: '',
  })
  const photos = [photo('skin', 'patient'), photo('shown', 'display'), photo('left over', 'display')]
  const typed = reading({ id: 't', provenance: 'manual', display_photo: 'shown' })
  test('stand on their value', () => {
    expect(displayOf(snapshot({ photos }), typed)?.photo.id).toBe('shown')
    expect(displayOf(snapshot({ photos }), bloodPressure())).toBeUndefined()
    expect(displayOf(snapshot(), typed)).toBeUndefined()
  })
  test('are not shown twice, and never lost', () => {
    expect(ownPhotos(snapshot({ photos, readings: [typed] })).map((view) => view.photo.id)).toEqual(['skin', 'left over'])
    expect(ownPhotos(snapshot({ photos })).map((view) => view.photo.id)).toEqual(['skin', 'shown', 'left over'])
  })
})

describe('timeline', () => {
  test('a filed value happened when it was filed, by whoever filed it; a typed one is told as typed', () => {
    const filed = { ...bloodPressure('f', { filed_by: 'Anna Lind', filed_at: '2026-11-23T09:20:00Z' }) }
    const typed = reading({ id: 't', provenance: 'manual' })
    const moments = momentsOf(snapshot({ readings: [filed, typed] })).filter((moment) => moment.about === 'f' || moment.about === 't')
    expect(moments.map(({ kind, at, who }) => [kind, at, who])).toEqual([
      ['entered', '2026-11-23T09:00:00Z', ''],
      ['filed', '2026-11-23T09:20:00Z', 'Anna Lind'],
    ])
  })
  test('tells asked, measured, kept in order of time, whatever the time zone is written like', () => {
    const visit = snapshot({
      requests: [request('q', { asked_at: '2026-11-23T10:00:00+01:00', state: 'done' })],
      readings: [bloodPressure('r', { decision: 'kept', decided_by: 'Elena Ruiz', decided_at: '2026-11-23T09:00:30Z' })],
    })
    expect(momentsOf(visit).map((moment) => moment.kind)).toEqual(['opened', 'joined', 'asked', 'measured', 'kept'])
  })
  test('a failed measurement and a declined request are told as such', () => {
    const visit = snapshot({
      requests: [request('q', { state: 'declined', reason: 'vill inte', changed_at: '2026-11-23T09:01:00Z' })],
      readings: [reading({ problem: 'cuff_too_loose' })],
    })
    const told = momentsOf(visit)
    expect(told.map((moment) => moment.kind)).toContain('failed')
    expect(told.find((moment) => moment.kind === 'declined')?.reason).toBe('vill inte')
  })
})

describe('asking twice', () => {
  const wanted = { kind: 'blood_pressure', circumstances: { site: 'left_arm', posture: 'sitting', point: null }, note: '' } as const
  test('the very same is asked once, until somebody began it', () => {
    expect(askedAlready(snapshot({ requests: [request('q1')] }), wanted)).toBe(true)
    expect(askedAlready(snapshot({ requests: [request('q1', { state: 'started' })] }), wanted)).toBe(false)
  })
  test('another arm or another word is another question', () => {
    const visit = snapshot({ requests: [request('q1')] })
    expect(askedAlready(visit, { ...wanted, circumstances: { ...wanted.circumstances, site: 'right_arm' } })).toBe(false)
    expect(askedAlready(visit, { ...wanted, note: 'after rest' })).toBe(false)
  })
})

test('a task shows the last error until its value came', () => {
  const of = (id: string, at: string, problem: string | null) =>
    reading({ id, problem, binding: { ...reading({}).reading.binding, request_id: 'q1' }, times: { ...reading({}).reading.times, kit_utc: at } })
  const failed = of('r1', '2026-11-23T09:00:00Z', 'cuff_too_loose')
  expect(lastProblem(snapshot(), request('q1'))).toBe('')
  expect(lastProblem(snapshot({ readings: [failed] }), request('q1'))).toBe('cuff_too_loose')
  expect(lastProblem(snapshot({ readings: [failed] }), request('q2'))).toBe('')
  expect(lastProblem(snapshot({ readings: [failed, of('r2', '2026-11-23T09:01:00Z', null)] }), request('q1'))).toBe('')
})
