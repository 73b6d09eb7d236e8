"""A patient's record at one care provider, past its time: which are, and their removal as a whole.

The record goes when its last entry is past its time, all of it or nothing: of a patient with several visits the old
ones stay as long as the newest. A patient known by two identities that were merged is one (`patients.same_person`).
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, insert, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from carebag_server.access_tables import BlockRow, ConsentRow, EmergencyRow, ProtectionRow
from carebag_server.audit import Act, Actor, append
from carebag_server.kit_damage import KitDamageSeenRow
from carebag_server.move_tables import MoveRow
from carebag_server.patients import same_person, turned_out
from carebag_server.people_tables import PatientMerge
from carebag_server.retention.policies import Period, held, period_of, standing_holds
from carebag_server.retention.rules import born_before, cutoff
from carebag_server.retention.tables import FileToRemove, RemovedRecord, RemovedVisit, RetentionHold
from carebag_server.review_tables import OutcomeRow
from carebag_server.score_tables import PremiseRow
from carebag_server.tables import (
    FilingRow,
    Finding,
    GuestRow,
    HeardRow,
    Kit,
    MarkRow,
    MediaRow,
    NoteRow,
    Organization,
    PathProofRow,
    PatientRow,
    RecordRow,
    RequestRow,
    VisitRow,
)

AT_ONCE = 100
"""Visits in one act, and at least one patient's: while they go nobody else writes."""
_IN_ONE_STATEMENT = 400
OF_A_VISIT: tuple[Any, ...] = (
    MoveRow,
    Finding,
    HeardRow,
    MarkRow,
    PathProofRow,
    GuestRow,
    NoteRow,
    OutcomeRow,
    ConsentRow,
    EmergencyRow,
    PremiseRow,
    KitDamageSeenRow,
    FilingRow,
    RequestRow,
)
"""Tables with a `visit_id` that go with the visit, in an order that foreign keys allow; records and visit follow."""
OF_A_PATIENT: tuple[Any, ...] = (PatientMerge, ProtectionRow, BlockRow)
"""Tables that go with the last visit of all of a person's identities."""
_ENTRIES: tuple[InstrumentedAttribute[Any], ...] = (
    RecordRow.received_at,
    Finding.decided_at,
    Finding.filed_at,
    HeardRow.at,
    MarkRow.at,
    MarkRow.taken_back_at,
    PathProofRow.at,
    GuestRow.invited_at,
    NoteRow.changed_at,
    NoteRow.signed_at,
    OutcomeRow.at,
    ConsentRow.at,
    EmergencyRow.at,
    PremiseRow.at,
    FilingRow.at,
    MoveRow.proposed_at,
    MoveRow.decided_at,
    RequestRow.changed_at,
)
"""When something was entered into a visit."""


@dataclass(frozen=True)
class Record:
    """What one provider has of one person."""

    patients: frozenset[uuid.UUID]
    """The identities with visits there."""
    visits: tuple[uuid.UUID, ...]


@dataclass(frozen=True)
class DueRecords:
    before: datetime
    """No entry since."""
    records: tuple[Record, ...]
    tray: tuple[uuid.UUID, ...]
    """Values of no visit that nobody decided about, as old."""
    held_back: int
    """Records past their time, and under a hold."""

    @property
    def visits(self) -> int:
        return sum(len(one.visits) for one in self.records)

    @property
    def count(self) -> int:
        """Visits, and values of no visit: what an operator confirms."""
        return self.visits + len(self.tray)


def due_records(session: Session, provider: Organization, now: datetime) -> DueRecords:
    """What of a provider's records is past its time.

    Raises:
        Unsettled: the provider has not said how long.
    """
    period = period_of(session, provider, "records")
    by_birth = period.rule.counted_from == "birth"
    before = cutoff(now, max(1, period.rule.quiet_years) if by_birth else period.years)
    past = [one for one in _quiet(session, provider.id, before) if not by_birth or _born(session, one, period, now)]
    past = _without_moved(session, past)
    holds = held(session)
    if provider.id in holds.providers:
        return DueRecords(before, (), (), len(past))
    free = [one for one in past if not one.patients & holds.patients]
    theirs = any(one.organization_id == provider.id for one in standing_holds(session))
    tray = () if theirs or by_birth else _old_tray(session, provider.id, before)
    return DueRecords(before, tuple(free), tray, len(past) - len(free))


def _quiet(session: Session, provider: uuid.UUID, before: datetime) -> list[Record]:
    """Those without any entry since, by their oldest visit."""
    began = func.coalesce(VisitRow.closed_at, VisitRow.opened_at, VisitRow.scheduled_at)
    fresh = or_(began >= before, VisitRow.scheduled_at >= before, VisitRow.state == "open")
    of_provider = select(VisitRow.patient_id).where(VisitRow.organization_id == provider)
    kept = set(session.scalars(of_provider.where(fresh).distinct()))
    query = select(VisitRow.id, VisitRow.patient_id).where(VisitRow.organization_id == provider)
    rows = session.execute(query.order_by(VisitRow.scheduled_at, VisitRow.id)).all()
    ends = turned_out(session, {row.patient_id for row in rows})
    person = {one: ends[one].id if one in ends else one for one in {row.patient_id for row in rows}}
    visits: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    patients: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for row in rows:
        visits[person[row.patient_id]].append(row.id)
        patients[person[row.patient_id]].add(row.patient_id)
    busy = {person[one] for one in kept} | _merged_since(session, before)
    old = {one: found for one, found in visits.items() if one not in busy}
    late = _entered_since(session, [visit for found in old.values() for visit in found], before)
    return [Record(frozenset(patients[one]), tuple(found)) for one, found in old.items() if late.isdisjoint(found)]


def _without_moved(session: Session, records: list[Record]) -> list[Record]:
    """Whose record holds a value that was moved to a visit which stays: it goes after that one."""
    elsewhere = and_(RecordRow.visit_id.is_not(None), Finding.visit_id != RecordRow.visit_id)
    query = select(RecordRow.visit_id, Finding.visit_id).join(Finding, Finding.record_id == RecordRow.id)
    moved: dict[uuid.UUID | None, set[uuid.UUID]] = defaultdict(set)
    for here, there in session.execute(query.where(elsewhere)):
        moved[here].add(there)
    return [one for one in records if all(moved.get(visit, set()) <= set(one.visits) for visit in one.visits)]


def _merged_since(session: Session, before: datetime) -> set[uuid.UUID]:
    """Who was lately said to be, or not to be, somebody else: that is an entry too."""
    lately = or_(PatientMerge.at >= before, PatientMerge.taken_back_at >= before)
    rows = session.execute(select(PatientMerge.patient_id, PatientMerge.into_id).where(lately)).all()
    ids = {one for row in rows for one in row}
    ends = turned_out(session, ids)
    return {ends[one].id if one in ends else one for one in ids}


def _entered_since(session: Session, visits: Sequence[uuid.UUID], before: datetime) -> set[uuid.UUID]:
    found: set[uuid.UUID] = set()
    for some in _parts(visits):
        for column in _ENTRIES:
            visit_id = column.class_.visit_id
            found.update(session.scalars(select(visit_id).where(visit_id.in_(some), column >= before)))
        filed = select(Finding.visit_id).join(RecordRow, RecordRow.id == Finding.record_id)
        found.update(session.scalars(filed.where(Finding.visit_id.in_(some), RecordRow.received_at >= before)))
    return found


def _born(session: Session, record: Record, period: Period, now: datetime) -> bool:
    """Whether all identities were born long enough ago; one without a day of birth was not."""
    rows = session.scalars(select(PatientRow).where(PatientRow.id.in_(record.patients)))
    limit = born_before(now, period.years).isoformat()
    return all(row.birth_date is not None and row.birth_date < limit for row in rows)


def _old_tray(session: Session, provider: uuid.UUID, before: datetime) -> tuple[uuid.UUID, ...]:
    nobodys = and_(RecordRow.visit_id.is_(None), not_(exists().where(Finding.record_id == RecordRow.id)))
    ours = select(Kit.id).where(Kit.organization_id == provider)
    lately = exists().where(FilingRow.reading_id == RecordRow.id, FilingRow.at >= before)
    used = exists().where(FilingRow.record_id == RecordRow.id)  # a decision goes with the value that it is about
    query = select(RecordRow.id).where(
        nobodys, RecordRow.kit_id.in_(ours), RecordRow.received_at < before, not_(lately), not_(used)
    )
    return tuple(session.scalars(query.order_by(RecordRow.received_at, RecordRow.id)))


@dataclass(frozen=True)
class Removed:
    visits: int
    records: int
    """Signed by kits."""
    patients: int
    """Identities that are not known here any more."""
    files: int
    """That no row names any more; they are in `file_to_remove`."""


def remove(
    session: Session, actor: Actor, provider: Organization, due: DueRecords, decision: str, now: datetime
) -> Removed:
    """Remove the next of what is due, in the caller's writing transaction, in which `due` was found.

    Args:
        due: of this very transaction: what was entered meanwhile keeps its record.

    Returns:
        What went; nothing if nothing is due, and then nothing was logged.
    """
    some = _next(due.records)
    tray = due.tray[:AT_ONCE] if not some else ()
    if not some and not tray:
        return Removed(0, 0, 0, 0)
    visits = [visit for one in some for visit in one.visits]
    going = _records(session, visits, tray)
    files = _only_theirs(session, visits)
    what = f"visits {len(visits)} records {len(going)} files {len(files)} last entry before {due.before.date()}"
    act = append(
        session, actor, Act(action="records_removed", object=f"organization {provider.id} {what} by {decision}"), now
    )
    _mark(session, visits, going, act.seq)
    for part in _parts(visits):
        for table in OF_A_VISIT:
            _delete(session, table, table.visit_id.in_(part))
    for part in _parts(list(going)):
        _delete(session, FilingRow, or_(FilingRow.record_id.in_(part), FilingRow.reading_id.in_(part)))
        _delete(session, RecordRow, RecordRow.id.in_(part))
    for part in _parts(visits):
        _delete(session, VisitRow, VisitRow.id.in_(part))
    gone = sum(_forget_patients(session, one, provider.id) for one in some)
    _forget_files(session, files)
    return Removed(len(visits), len(going), gone, len(files))


def content_of(session: Session, due: DueRecords) -> Iterator[str]:
    """A line for each thing that would go: visit, patient, what kits signed with its digest, notes, files."""
    for one in due.records:
        for patient in sorted(one.patients):
            yield f"patient {patient}"
        for some in _parts(one.visits):
            yield from (f"visit {visit}" for visit in some)
            signed = _records(session, some, ())
            yield from (f"record {each} {signed[each][2]}" for each in sorted(signed))
            yield from (f"file {digest}" for digest in sorted(_only_theirs(session, some)))
            notes = select(NoteRow.id, NoteRow.state).where(NoteRow.visit_id.in_(some)).order_by(NoteRow.id)
            yield from (f"note {note.id} {note.state}" for note in session.execute(notes))
    for some in _parts(due.tray):
        signed = _records(session, (), some)
        yield from (f"record {each} {signed[each][2]}" for each in sorted(signed))


def _next(records: Sequence[Record]) -> list[Record]:
    some: list[Record] = []
    for one in records:
        if some and sum(len(each.visits) for each in some) + len(one.visits) > AT_ONCE:
            break
        some.append(one)
    return some


def _records(
    session: Session, visits: Sequence[uuid.UUID], tray: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[uuid.UUID, int, str]]:
    """What kits signed that is of these visits alone: id → kit, number, digest."""
    ids = set(tray)
    for part in _parts(visits):
        ids.update(session.scalars(select(RecordRow.id).where(RecordRow.visit_id.in_(part))))
        ids.update(session.scalars(select(FilingRow.record_id).where(FilingRow.visit_id.in_(part))))
        filed = select(RecordRow.id).join(Finding, Finding.record_id == RecordRow.id)
        ids.update(session.scalars(filed.where(RecordRow.visit_id.is_(None), Finding.visit_id.in_(part))))
    shared: set[uuid.UUID] = set()
    for part in _parts(list(ids)):
        elsewhere = select(Finding.record_id, Finding.visit_id).where(Finding.record_id.in_(part))
        shared.update(row.record_id for row in session.execute(elsewhere) if row.visit_id not in set(visits))
    ids -= shared
    for part in _parts(list(ids)):  # what nurses decided about them while they were in the tray
        ids.update(session.scalars(select(FilingRow.record_id).where(FilingRow.reading_id.in_(part))))
    found: dict[uuid.UUID, tuple[uuid.UUID, int, str]] = {}
    for part in _parts(list(ids)):
        query = select(RecordRow.id, RecordRow.kit_id, RecordRow.kit_seq, RecordRow.sha256)
        for row in session.execute(query.where(RecordRow.id.in_(part))):
            found[row.id] = (row.kit_id, row.kit_seq, row.sha256)
    return found


def _only_theirs(session: Session, visits: Sequence[uuid.UUID]) -> list[str]:
    """Digests of files that no finding of another visit names."""
    named: set[str | None] = set()
    for part in _parts(visits):
        named.update(session.scalars(select(Finding.media_sha256).where(Finding.visit_id.in_(part))))
    mine, theirs, digests = set(visits), set[str](), sorted(one for one in named if one is not None)
    for start in range(0, len(digests), _IN_ONE_STATEMENT):
        query = select(Finding.media_sha256, Finding.visit_id)
        rows = session.execute(query.where(Finding.media_sha256.in_(digests[start : start + _IN_ONE_STATEMENT])))
        theirs.update(row.media_sha256 for row in rows if row.visit_id not in mine)
    return [one for one in digests if one not in theirs]


def _mark(
    session: Session,
    visits: Sequence[uuid.UUID],
    records: dict[uuid.UUID, tuple[uuid.UUID, int, str]],
    act_seq: int,
) -> None:
    """Without a mark a trigger lets no record and no signed note go."""
    if visits:
        session.execute(insert(RemovedVisit), [{"visit_id": one, "act_seq": act_seq} for one in visits])
    marks = [
        {"record_id": one, "kit_id": kit, "kit_seq": seq, "sha256": sha256, "act_seq": act_seq}
        for one, (kit, seq, sha256) in records.items()
    ]
    if marks:
        session.execute(insert(RemovedRecord), marks)


def _forget_patients(session: Session, record: Record, provider: uuid.UUID) -> int:
    """All identities of the person, if nobody has a visit of any of them now. Returns: how many."""
    everyone = {each for one in record.patients for each in same_person(session, one)}
    left: Select[uuid.UUID] = select(VisitRow.id).where(VisitRow.patient_id.in_(everyone)).limit(1)
    if session.scalars(left).first() is not None:
        _delete(session, BlockRow, BlockRow.patient_id.in_(record.patients), BlockRow.organization_id == provider)
        return 0
    for table in OF_A_PATIENT:
        _delete(session, table, table.patient_id.in_(everyone))
    _delete(session, PatientMerge, PatientMerge.into_id.in_(everyone))
    _delete(session, RetentionHold, RetentionHold.patient_id.in_(everyone), RetentionHold.lifted_at.is_not(None))
    _delete(session, PatientRow, PatientRow.id.in_(everyone))
    return len(everyone)


def _forget_files(session: Session, digests: Sequence[str]) -> None:
    if not digests:
        return
    for start in range(0, len(digests), _IN_ONE_STATEMENT):
        _delete(session, MediaRow, MediaRow.sha256.in_(digests[start : start + _IN_ONE_STATEMENT]))
    for digest in digests:
        session.merge(FileToRemove(sha256=digest))


def files_to_remove(session: Session) -> list[str]:
    """Digests of files that may be removed; one that came again meanwhile is not among them."""
    again = exists().where(MediaRow.sha256 == FileToRemove.sha256)
    _delete(session, FileToRemove, again)
    return list(session.scalars(select(FileToRemove.sha256).order_by(FileToRemove.sha256)))


def file_removed(session: Session, sha256: str) -> None:
    _delete(session, FileToRemove, FileToRemove.sha256 == sha256)


def _delete(session: Session, table: Any, *where: ColumnElement[bool]) -> None:
    session.execute(delete(table).where(*where), execution_options={"synchronize_session": False})


def _parts(ids: Sequence[uuid.UUID]) -> Iterable[Sequence[uuid.UUID]]:
    return (ids[start : start + _IN_ONE_STATEMENT] for start in range(0, len(ids), _IN_ONE_STATEMENT))
