"""Who a patient is: by which identity known, and who an unknown one turned out to be (docs/decisions/0031).

Records stay under the patient with whom they were taken; `same_person` says which patients are one.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, Actor, append
from carebag_server.blocks import after_unmerge
from carebag_server.entered_text import LONG, entered, named
from carebag_server.not_possible import NotPossible
from carebag_server.one_person import one_now
from carebag_server.people_tables import PatientMerge
from carebag_server.tables import Installation, PatientRow, Practitioner
from carebag_wire.base import uuid7
from carebag_wire.identity.merges import AnyIdentity, BadMerge, Merge, MergeCode, Merges, TemporaryIdentity
from carebag_wire.identity.person import Identity, birth_date
from carebag_wire.identity.refusal import BadIdentity
from carebag_wire.identity.systems import HSA_ID, URI
from carebag_wire.identity.use import Place, check_use

_WORDS: dict[MergeCode, str] = {
    "merge_ring": "they are one person already, the other way round: see `carebag admin patient list`",
    "merged_elsewhere": "this patient was merged into another one before: take that back first "
    "(`carebag admin patient unmerge`)",
    "two_confirmed_identities": "both have numbers of population registers: two people, until a register says "
    "otherwise",
    "confirmed_identity_merged_away": "a register's number never disappears behind one that is not: merge the other "
    "way round",
    "merge_without_reason": "say how it was found out (--reason)",
    "merge_without_zone": "the time of the merge has no zone",
}


@dataclass(frozen=True)
class Described:
    """What is known of a patient beside the identity; each may be empty but the name."""

    name: str
    place: str = ""
    own_doctor: str = ""
    born: date | None = None
    """What a register tells goes before what the number says."""


def place_of(session: Session) -> Place:
    """Whether this store is a demo's or a real one; one without a stamp is none of a demo."""
    row = session.scalars(select(Installation)).first()
    return "demo" if row is not None and row.kind == "demo" else "production"


def patient_row(identity: AnyIdentity, said: Described, where: Place, patient_id: uuid.UUID) -> PatientRow:
    """The one way to a patient's row; it is not added to a session here.

    Raises:
        BadIdentity: this place may not hold it (`use.check_use`), or it names no patient (an HSA-id, another's UUID).
    """
    born = said.born
    if isinstance(identity, Identity):
        if identity.system in (HSA_ID, URI):
            raise BadIdentity("unknown_identity_system")
        check_use(identity, where)
        born = born or birth_date(identity)
    return PatientRow(
        id=patient_id,
        name=said.name,
        personal_id=identity.value,
        personal_id_system=identity.system,
        birth_date=born.isoformat() if born else None,
        place=said.place,
        own_doctor=said.own_doctor,
    )


def identity_of(row: PatientRow) -> AnyIdentity:
    """Raises: BadIdentity: the store holds what is none."""
    if row.personal_id_system == URI:
        return TemporaryIdentity(uuid.UUID(row.personal_id))
    return Identity(row.personal_id_system, row.personal_id)


def register(session: Session, actor: Actor, identity: AnyIdentity, said: Described, now: datetime) -> PatientRow:
    """Enter a patient.

    Raises:
        BadIdentity: see `patient_row`.
        NotPossible: the patient is there already, or has no name.
    """
    said = Described(
        named(said.name, "a patient", "--name; of somebody unknown what is seen, such as 'Okänd man'"),
        entered(said.place, "the place"),
        entered(said.own_doctor, "the own doctor"),
        said.born,
    )
    row = patient_row(identity, said, place_of(session), uuid7(int(now.timestamp() * 1000)))
    there = select(PatientRow.id).where(
        PatientRow.personal_id_system == row.personal_id_system, PatientRow.personal_id == row.personal_id
    )
    known = session.scalars(there).first()
    if known is not None:
        raise NotPossible(f"a patient with this identity is there already: {known}")
    session.add(row)
    append(session, actor, Act(action="patient_registered", object=f"patient {row.id}", patient_id=row.id), now)
    return row


def register_temporary(session: Session, actor: Actor, said: Described, now: datetime) -> PatientRow:
    """Enter somebody whose number is not known now. Raises: NotPossible."""
    return register(session, actor, TemporaryIdentity(uuid.uuid4()), said, now)


def list_patients(session: Session, actor: Actor, now: datetime) -> list[PatientRow]:
    """All of the installation, by name; logged as one reading of the list."""
    rows = list(session.scalars(select(PatientRow).order_by(PatientRow.name, PatientRow.id)))
    append(session, actor, Act(action="patients_listed", object=f"patients {len(rows)}"), now)
    return rows


@dataclass(frozen=True)
class Stated:
    """Who says so, and how it was found out."""

    by: uuid.UUID
    """The practitioner."""
    reason: str


def merge(session: Session, actor: Actor, of: PatientRow, into: PatientRow, stated: Stated, now: datetime) -> uuid.UUID:
    """`of` was found to be the person that `into` is; both stay as they are and readable. Returns: the merge's id.

    Raises:
        NotPossible: it cannot stand beside the merges that are there, or says nothing new.
    """
    standing = _standing(session)
    if any(row.patient_id == of.id and row.into_id == into.id for row in standing):
        raise NotPossible("that was stated before and stands")
    try:
        reason = entered(stated.reason, "the reason", LONG)
        said = Merge(identity_of(of), identity_of(into), stated.by, now, reason)
        Merges([*_as_merges(session, standing), said])
    except BadMerge as bad:
        raise NotPossible(_WORDS[bad.code]) from None
    row = PatientMerge(
        id=uuid7(int(now.timestamp() * 1000)),
        patient_id=of.id,
        into_id=into.id,
        said_by=stated.by,
        at=now,
        reason=reason,
    )
    session.add(row)
    append(session, actor, Act(action="patient_merged", object=_in_words(session, row, stated), patient_id=of.id), now)
    return row.id


def unmerge(session: Session, actor: Actor, of: PatientRow, stated: Stated, now: datetime) -> int:
    """Take back what `of` was merged into. Returns: how many blocks stand on both from now on (`after_unmerge`).

    Raises:
        NotPossible: nothing stands, or no reason.
    """
    row = next((one for one in _standing(session) if one.patient_id == of.id), None)
    if row is None:
        raise NotPossible("this patient is not merged into another one")
    reason = entered(stated.reason, "the reason", LONG)
    if not reason:
        raise NotPossible("say why it was wrong (--reason)")
    row.taken_back_at, row.taken_back_by, row.taken_back_reason = now, stated.by, reason
    thing = _in_words(session, row, stated)
    append(session, actor, Act(action="patient_unmerged", object=thing, patient_id=of.id), now)
    return after_unmerge(session, actor, [one_now(session, of.id), one_now(session, row.into_id)], now)


def _in_words(session: Session, row: PatientMerge, stated: Stated) -> str:
    """For the one row of the log, under the patient whose records are found elsewhere from now on; with both ids."""
    who = session.get_one(Practitioner, stated.by)
    return f"patient {row.patient_id} into {row.into_id}, said by {who.name} {who.id}"


def _standing(session: Session) -> list[PatientMerge]:
    return list(session.scalars(select(PatientMerge).where(PatientMerge.taken_back_at.is_(None))))


def _as_merges(session: Session, rows: list[PatientMerge]) -> list[Merge]:
    def identity(patient_id: uuid.UUID) -> AnyIdentity:
        return identity_of(session.get_one(PatientRow, patient_id))

    return [Merge(identity(row.patient_id), identity(row.into_id), row.said_by, row.at, row.reason) for row in rows]


def same_person(session: Session, patient_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Every patient under whom records of the same person may stand, this one among them."""
    return one_now(session, patient_id)


def turned_out(session: Session, patient_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, PatientRow]:
    """Who each of them turned out to be, over any number of merges; those who are nobody else are not in it."""
    standing = _standing(session)
    into = {row.patient_id: row.into_id for row in standing}
    ends = {one: _end(into, one) for one in patient_ids if one in into}
    return {one: session.get_one(PatientRow, end) for one, end in ends.items()}


def _end(into: dict[uuid.UUID, uuid.UUID], one: uuid.UUID) -> uuid.UUID:
    """`merge` lets no ring in."""
    while one in into:
        one = into[one]
    return one
