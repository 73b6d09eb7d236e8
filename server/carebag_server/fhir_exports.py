"""What the hub has of a visit, put together for the FHIR export and the print. Who may have it: `relations.py`."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time
from functools import partial

from pydantic import TypeAdapter
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from carebag_fhir.visit_export import CareProvider, SaidOutcome, StoredFile, StoredRecord, VisitExport
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.kit_keys import former_keys
from carebag_server.patients import same_person
from carebag_server.people import person_of
from carebag_server.refusals import Refused, not_found
from carebag_server.relations import Reading, doctor_organizations, known_of, readable_visits, reading_of
from carebag_server.review_tables import OutcomeRow
from carebag_server.scored import scored
from carebag_server.tables import (
    Commission,
    Finding,
    HeardRow,
    Kit,
    MarkRow,
    MediaRow,
    NoteRow,
    Organization,
    RecordRow,
    VisitRow,
)
from carebag_server.visit_views import snapshot_of
from carebag_server.visits import zone_of
from carebag_wire.records import SignedRecord, record_adapter
from carebag_wire.review import Outcome

MOST_MEDIA_BYTES = 100 * 1024 * 1024
"""Of all files inside one Bundle; they grow by a third in it."""
_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)
MOST_VISITS = 200
MOST_RECORDS = 1000
"""Of all visits in one Bundle: while they are read nobody writes (about a second), and they are held in memory."""


def export_of(hub: Hub, session: Session, visit: VisitRow) -> VisitExport:
    """All but the files themselves."""
    doctors = _doctors(session, visit, hub.now())
    providers = {visit.organization_id, *(one.organization_id for one in doctors)}
    named = session.scalars(select(Organization).where(Organization.id.in_(providers)).order_by(Organization.id))
    care_providers = {row.id: CareProvider(id=row.id, name=row.name) for row in named}
    return VisitExport(
        snapshot=scored(hub, snapshot_of(session, visit, None, [], False, hub.now())),
        provider=care_providers[visit.organization_id],
        providers=list(care_providers.values()),
        outcome=_outcome(session, visit),
        people=[person_of(session, one) for one in doctors],
        note_authors=_note_authors(session, visit),
        records=_records(session, visit),
        kit_public_key=session.get_one(Kit, visit.kit_id).public_key,
        kit_former_keys=former_keys(session, visit.kit_id),
        hub_url=hub.settings.origins[0],
    )


def _doctors(session: Session, visit: VisitRow, now: datetime) -> Sequence[Commission]:
    """Of those who listened, marked or signed: commissions in which they may see this visit now."""
    ids = {
        *session.scalars(select(NoteRow.author_id).where(NoteRow.visit_id == visit.id, NoteRow.state == "signed")),
        *session.scalars(select(MarkRow.author_id).where(MarkRow.visit_id == visit.id)),
        *session.scalars(select(HeardRow.practitioner_id).where(HeardRow.visit_id == visit.id)),
    }
    query = select(Commission).where(
        Commission.practitioner_id.in_(ids),
        Commission.role == "doctor",
        Commission.ended_at.is_(None),
        Commission.organization_id.in_(doctor_organizations(session, visit, now)),
    )
    return session.scalars(query.order_by(Commission.id)).all()


def _outcome(session: Session, visit: VisitRow) -> SaidOutcome | None:
    row = session.get(OutcomeRow, visit.id)
    return SaidOutcome(outcome=_OUTCOME.validate_python(row.outcome), by=row.by, at=row.at) if row else None


def _note_authors(session: Session, visit: VisitRow) -> dict[uuid.UUID, uuid.UUID]:
    signed = select(NoteRow.id, NoteRow.author_id).where(NoteRow.visit_id == visit.id, NoteRow.state == "signed")
    return {row.id: row.author_id for row in session.execute(signed)}


def _records(session: Session, visit: VisitRow) -> list[StoredRecord]:
    """What was bound to the visit, and the readings that were filed into it."""
    findings = select(Finding.record_id).where(Finding.visit_id == visit.id)
    query = select(RecordRow).where(or_(RecordRow.visit_id == visit.id, RecordRow.id.in_(findings)))
    rows = session.scalars(query.order_by(RecordRow.kit_seq, RecordRow.id))
    return [_stored(row) for row in rows]


def _stored(row: RecordRow) -> StoredRecord:
    signed = SignedRecord(payload=row.payload, sha256=row.sha256, signature=row.signature)
    record = record_adapter.validate_json(row.payload)
    return StoredRecord(signed=signed, record=record, received_at=row.received_at)


def visits_of_period(
    hub: Hub, session: Session, caller: PersonCaller, patient_id: uuid.UUID, first: date, last: date
) -> Sequence[Reading]:
    """Those of a person that the caller may read and that were opened, or else planned, within these days.

    Under all identities that are one now (docs/decisions/0031): each visit still needs a ground of its own. Days are
    those of where the care is given, both included.

    Raises:
        Refused: 404 `not_found` if the caller may read no visit of the patient at all; 413 `period_too_large`.
    """
    identities = same_person(session, patient_id)
    theirs = readable_visits(caller, hub.now()).where(VisitRow.patient_id.in_(identities))
    if session.scalars(theirs.limit(1)).first() is None:
        raise not_found()
    began = func.coalesce(VisitRow.opened_at, VisitRow.scheduled_at)
    start, end = datetime.combine(first, time.min, zone_of(hub)), datetime.combine(last, time.max, zone_of(hub))
    query = theirs.where(began.between(start, end)).order_by(began, VisitRow.id).limit(MOST_VISITS + 1)
    visits = session.scalars(query).all()
    ids = [visit.id for visit in visits]
    records = session.scalar(select(func.count()).select_from(RecordRow).where(RecordRow.visit_id.in_(ids))) or 0
    if len(visits) > MOST_VISITS or records > MOST_RECORDS:
        raise Refused(413, "period_too_large")
    known = {one: known_of(session, one) for one in {visit.patient_id for visit in visits}}
    return [reading_of(session, caller, visit, known[visit.patient_id], hub.now()) for visit in visits]


def media_of(session: Session, visit_ids: Sequence[uuid.UUID]) -> list[str] | None:
    """Digests of the visits' files that are here; None: more than a Bundle can carry."""
    query = (
        select(MediaRow.sha256, MediaRow.bytes_stored)
        .join(Finding, Finding.media_sha256 == MediaRow.sha256)
        .where(Finding.visit_id.in_(visit_ids))
        .distinct()
        .order_by(MediaRow.sha256)
    )
    rows = session.execute(query).all()
    return [row.sha256 for row in rows] if sum(row.bytes_stored for row in rows) <= MOST_MEDIA_BYTES else None


def stored_files(hub: Hub, digests: Sequence[str]) -> dict[str, StoredFile]:
    """Those that are there, to be read piece by piece."""
    sizes = {sha256: hub.media.size(sha256) for sha256 in digests}
    return {
        sha256: StoredFile(size=size, pieces=partial(hub.media.read, sha256))
        for sha256, size in sizes.items()
        if size is not None
    }
