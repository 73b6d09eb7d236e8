/** The visit as a list of what happened, in order; the words come from the catalogue later. */
import { ownPhotos } from './visit'
import type { Circumstances, Decided, ReadingView, RequestKind, VisitSnapshot } from './wire'

export type Moment = {
  at: string
  kind:
    | 'opened'
    | 'joined'
    | 'asked'
    | 'declined'
    | 'cancelled'
    | 'measured'
    | 'entered'
    | 'observed'
    | 'premise'
    | 'question'
    | 'filed'
    | 'moved'
    | 'failed'
    | 'heard'
    | 'marked'
    | 'photo'
    | 'kept'
    | 'rejected'
    | 'withdrawn'
    | 'guest_invited'
    | 'guest_admitted'
    | 'guest_ended'
    | 'signed'
    | 'closed'
  /** Id of the object it is about: the page scrolls there. */
  about: string
  who: string
  subject?: RequestKind | 'sound'
  circumstances?: Circumstances
  reason?: string
  /** Id of the mark on the sound that it is about. */
  mark?: string
}

function decided(view: Decided, about: string, subject: RequestKind | 'sound'): Moment[] {
  if (view.decision === 'draft' || !view.decided_at) return []
  return [{ at: view.decided_at, kind: view.decision, about, who: view.decided_by, subject, reason: view.reason }]
}

function ofRequests(snapshot: VisitSnapshot): Moment[] {
  return snapshot.requests.flatMap((request) => {
    const same = { about: request.id, who: request.asked_by, subject: request.kind, circumstances: request.circumstances }
    const moments: Moment[] = [{ ...same, at: request.asked_at, kind: 'asked' }]
    if (request.state === 'declined' || request.state === 'cancelled')
      moments.push({ ...same, at: request.changed_at, kind: request.state, reason: request.reason })
    return moments
  })
}

/** Typed, and entered in error as the nurse says; what was filed is taken back instead. */
function isWithdrawn(view: ReadingView): boolean {
  return view.taken_back && view.filed_at === null
}

const BY_HAND: Readonly<Partial<Record<ReadingView['reading']['provenance'], 'entered' | 'observed'>>> = { manual: 'entered', observed: 'observed' }

/** How a value came into the visit: an old one was filed by a person, and never counts as measured then. */
function arrival(view: ReadingView, nurse: string): Pick<Moment, 'at' | 'kind' | 'who'> {
  if (view.filed_at) return { at: view.filed_at, kind: view.move === 'here' ? 'moved' : 'filed', who: view.filed_by }
  const kind = view.reading.problem ? 'failed' : BY_HAND[view.reading.provenance] ?? 'measured'
  return { at: view.reading.times.kit_utc, kind, who: nurse }
}

function ofRecords(snapshot: VisitSnapshot): Moment[] {
  const nurse = snapshot.visit.nurse?.name ?? ''
  const readings = snapshot.readings.flatMap((view): Moment[] => [
    {
      ...arrival(view, nurse),
      about: view.reading.id,
      subject: view.reading.kind,
      circumstances: view.reading.circumstances,
    },
    ...decided(view, view.reading.id, view.reading.kind).map((moment) => (isWithdrawn(view) ? { ...moment, kind: 'withdrawn' as const } : moment)),
  ])
  const sounds = snapshot.sounds.flatMap((view): Moment[] => [
    { at: view.sound.times.kit_utc, kind: 'heard', about: view.sound.id, who: nurse, subject: 'sound', circumstances: view.sound.circumstances },
    ...decided(view, view.sound.id, 'sound'),
  ])
  const photos = ownPhotos(snapshot).flatMap((view): Moment[] => [
    { at: view.photo.times.kit_utc, kind: 'photo', about: view.photo.id, who: nurse, subject: 'photo' },
    ...decided(view, view.photo.id, 'photo'),
  ])
  return [...readings, ...sounds, ...photos]
}

/** Marks that stand; the click leads to the recording they are on, once it is here. */
function ofMarks(snapshot: VisitSnapshot): Moment[] {
  return snapshot.marks
    .filter((mark) => mark.taken_back_at === null)
    .map((mark) => {
      const recording = snapshot.sounds.find((view) => view.sound.stream === mark.stream)
      return { at: mark.at, kind: 'marked', about: recording?.sound.id ?? mark.id, mark: mark.id, who: mark.author, subject: 'sound' }
    })
}

/** Who invited, let in and showed out whom; the patient's consent is a condition of the invitation. */
function ofGuests(snapshot: VisitSnapshot): Moment[] {
  return snapshot.guests.flatMap((guest) => {
    const moments: Moment[] = [{ at: guest.invited_at, kind: 'guest_invited', about: guest.id, who: guest.invited_by }]
    if (guest.admitted_at) moments.push({ at: guest.admitted_at, kind: 'guest_admitted', about: guest.id, who: guest.admitted_by })
    if (guest.ended_at) moments.push({ at: guest.ended_at, kind: 'guest_ended', about: guest.id, who: guest.ended_by })
    return moments
  })
}

/** What doctors said that decides how NEWS2 is counted. */
function ofPremises(snapshot: VisitSnapshot): Moment[] {
  return (snapshot.premises ?? []).map((one) => ({ at: one.at, kind: 'premise', about: one.id, who: one.author, reason: one.says }))
}

/** What the nurse asked in words of her own. */
function ofQuestions(snapshot: VisitSnapshot): Moment[] {
  return (snapshot.questions ?? []).map((one) => ({ at: one.asked_at, kind: 'question', about: one.id, who: one.asked_by }))
}

/** Everything asked, measured, kept, heard, seen and signed, oldest first; equal times keep the order of the acts. */
export function momentsOf(snapshot: VisitSnapshot): Moment[] {
  const { visit } = snapshot
  const frame: Moment[] = []
  if (visit.opened_at) frame.push({ at: visit.opened_at, kind: 'opened', about: visit.id, who: visit.nurse?.name ?? '' })
  if (visit.doctor_joined_at) frame.push({ at: visit.doctor_joined_at, kind: 'joined', about: visit.id, who: '' })
  if (visit.closed_at) frame.push({ at: visit.closed_at, kind: 'closed', about: visit.id, who: visit.nurse?.name ?? '' })
  const signed = snapshot.notes
    .filter((note) => note.signed_at)
    .map((note): Moment => ({ at: note.signed_at ?? '', kind: 'signed', about: note.id, who: note.author }))
  const all = [...frame, ...ofRequests(snapshot), ...ofRecords(snapshot), ...ofGuests(snapshot), ...ofMarks(snapshot), ...ofPremises(snapshot), ...ofQuestions(snapshot), ...signed]
  return all.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}
