/** A visit as the page holds it: a snapshot, then one object at a time put in the place of the one with the same id. */
import { measuredWhen } from './provenance'
import type { AskFor, Changed, Decided, DeviceStatus, Guest, ListeningMark, Note, PhotoView, Point, ReadingView, Request, ScorePremise, SoundView, VisitQuestion, VisitSnapshot } from './wire'

/** `list` with `item` in place of the one with the same id, or at the end. The list given is left as it was. */
export function upsert<T>(list: readonly T[], item: T, id: (one: T) => string): T[] {
  const at = list.findIndex((one) => id(one) === id(item))
  return at < 0 ? [...list, item] : list.with(at, item)
}

export const readingId = (view: ReadingView): string => view.reading.id
export const soundId = (view: SoundView): string => view.sound.id
export const photoId = (view: PhotoView): string => view.photo.id
const plainId = (one: Request | Note | ListeningMark | Guest | ScorePremise): string => one.id

const questionId = (one: VisitQuestion): string => one.id

/** The visit after a change; a change of another visit is not ours and leaves it as it is. */
export function applyChange(snapshot: VisitSnapshot, change: Changed): VisitSnapshot {
  if (change.visit_id !== snapshot.visit.id) return snapshot
  return {
    ...snapshot,
    visit: change.visit ?? snapshot.visit,
    requests: change.request ? upsert(snapshot.requests, change.request, plainId) : snapshot.requests,
    readings: change.reading ? upsert(snapshot.readings, change.reading, readingId) : snapshot.readings,
    sounds: change.sound ? upsert(snapshot.sounds, change.sound, soundId) : snapshot.sounds,
    photos: change.photo ? upsert(snapshot.photos, change.photo, photoId) : snapshot.photos,
    guests: change.guest ? upsert(snapshot.guests, change.guest, plainId) : snapshot.guests,
    notes: change.note ? upsert(snapshot.notes, change.note, plainId) : snapshot.notes,
    premises: change.premise ? upsert(snapshot.premises ?? [], change.premise, plainId) : (snapshot.premises ?? []),
    questions: change.question ? upsert(snapshot.questions ?? [], change.question, questionId) : (snapshot.questions ?? []),
    news2: change.news2 ?? snapshot.news2 ?? null,
    marks: change.mark ? upsert(snapshot.marks, change.mark, plainId) : snapshot.marks,
  }
}

/** Requests that still want something of the nurse, the one under way first, then in the order they were asked. */
export function openRequests(snapshot: VisitSnapshot): Request[] {
  const rank = (request: Request): number => (request.state === 'started' ? 0 : 1)
  return snapshot.requests
    .filter((request) => request.state === 'asked' || request.state === 'started')
    .sort((a, b) => rank(a) - rank(b) || a.asked_at.localeCompare(b.asked_at))
}

/** Requests that the doctor still waits for, newest last. */
export function pendingRequests(snapshot: VisitSnapshot): Request[] {
  return openRequests(snapshot).sort((a, b) => a.asked_at.localeCompare(b.asked_at))
}

/** Whether the very same thing was asked already and nobody has begun it: a double click, a key held down. */
export function askedAlready(snapshot: VisitSnapshot, wanted: AskFor): boolean {
  const { site, posture, point } = wanted.circumstances ?? {}
  return snapshot.requests.some(
    ({ state, kind, note, circumstances: at }) =>
      state === 'asked' && kind === wanted.kind && note === (wanted.note ?? '') && at.site === (site ?? null) && at.posture === (posture ?? null) && at.point === (point ?? null),
  )
}

/** The device's last error while this request waited for its value, as a code; empty if its last word was a value. */
export function lastProblem(snapshot: VisitSnapshot, request: Request): string {
  const its = snapshot.readings.filter((view) => view.reading.binding.request_id === request.id)
  return its.sort((a, b) => b.reading.times.kit_utc.localeCompare(a.reading.times.kit_utc))[0]?.reading.problem ?? ''
}

/** Readings of one kind, the newest measured first: one that lay in a memory is as old as it is, without a time the oldest. */
export function readingsOf(snapshot: VisitSnapshot, kind: ReadingView['reading']['kind']): ReadingView[] {
  const when = (view: ReadingView): number => Date.parse(measuredWhen(view.reading).at ?? '') || 0
  return snapshot.readings.filter((view) => view.reading.kind === kind).sort((a, b) => when(b) - when(a))
}

/** How often somebody has listened there, with the stethoscope on the skin. */
export function soundsAt(snapshot: VisitSnapshot, point: Point): number {
  return snapshot.sounds.filter((one) => one.sound.circumstances.point === point && one.sound.quality.word !== 'invalid').length
}

export function signedNotes(snapshot: VisitSnapshot): Note[] {
  return snapshot.notes.filter((note) => note.state === 'signed').sort((a, b) => b.version - a.version)
}

export function draftNote(snapshot: VisitSnapshot): Note | undefined {
  return snapshot.notes.filter((note) => note.state === 'draft').sort((a, b) => b.version - a.version)[0]
}

const DEVICE_ORDER = ['cuff', 'oximeter', 'stethoscope', 'thermometer', 'scale', 'glucose_meter', 'crp_analyser', 'camera'] as const

/** Instruments always in the same place, whichever was found first. */
export function inOrder(devices: readonly DeviceStatus[]): DeviceStatus[] {
  return [...devices].sort((a, b) => DEVICE_ORDER.indexOf(a.kind) - DEVICE_ORDER.indexOf(b.kind) || a.id.localeCompare(b.id))
}

/** Marks on one stream that nobody took back, in the order of the sound; a mark's number is its place in this list. */
export function marksOf(marks: readonly ListeningMark[], stream: number): ListeningMark[] {
  return marks.filter((mark) => mark.stream === stream && mark.taken_back_at === null).sort((a, b) => a.sample - b.sample || a.at.localeCompare(b.at))
}

/** Waits for a person's decision. */
export function isDraft(view: Decided): boolean {
  return view.decision === 'draft'
}

/** The picture of the instrument's display that belongs to a typed value. */
export function displayOf(snapshot: VisitSnapshot, view: ReadingView): PhotoView | undefined {
  const wanted = view.reading.display_photo
  return wanted === null ? undefined : snapshot.photos.find((one) => one.photo.id === wanted)
}

/** Photos that stand for themselves: one of a display stands on its value, unless no value came of it. */
export function ownPhotos(snapshot: VisitSnapshot): PhotoView[] {
  const shown = new Set(snapshot.readings.map((view) => view.reading.display_photo))
  return snapshot.photos.filter((one) => one.photo.of !== 'display' || !shown.has(one.photo.id))
}
