"""Which patients are one person by the merges that stand: inside a query, now, and at a moment of the past.

What a person allowed or forbade stands under the identity by which the person was known then and is looked for under
all that are the same person now, so that a merge, and its being taken back, need rewrite nothing
(docs/decisions/0031, 0033).
"""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from carebag_server.people_tables import PatientMerge

_MERGED = (
    select(PatientMerge.patient_id, PatientMerge.into_id).where(PatientMerge.taken_back_at.is_(None)).subquery("merged")
)


def _ends() -> Any:
    """Each patient of a merge that stands, with the one in whom all of them end; patients without a merge are not
    in it, so that the usual store has nothing here."""
    last = _MERGED.alias("last")
    into_nobody = ~exists().where(_MERGED.c.patient_id == last.c.into_id)
    ends = select(last.c.into_id.label("one"), last.c.into_id.label("end")).where(into_nobody)
    found = ends.cte("person", recursive=True)
    step = _MERGED.alias("step")
    return found.union(select(step.c.patient_id, found.c.end).join(found, step.c.into_id == found.c.one))


_ENDS = _ends()


def any_of_person(patient_id: Any, of: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is a row, under the patient or another identity of the same person, that fits the conditions.

    Two questions rather than one with an OR inside, so that the store finds the first by its index.

    Args:
        patient_id: column of the rows looked for.
        of: column of the patient asked about.
    """
    mine, other = _ENDS.alias(), _ENDS.alias()
    elsewhere = exists().where(
        mine.c.one == of, other.c.end == mine.c.end, other.c.one != of, patient_id == other.c.one, *conditions
    )
    return or_(exists().where(patient_id == of, *conditions), elsewhere)


def one_now(session: Session, patient_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Every patient under whom something of the same person may stand, this one among them."""
    return each_one_now(session, [patient_id])[patient_id]


def each_one_now(session: Session, patient_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
    """As `one_now`, of many, with one question."""
    rows = session.scalars(select(PatientMerge).where(PatientMerge.taken_back_at.is_(None))).all()
    return {one: _together(rows, [one]) for one in patient_ids}


def one_at(session: Session, patient_id: uuid.UUID, at: datetime) -> frozenset[uuid.UUID]:
    """As `one_now`, by the merges that stood at a moment of the past, that moment included."""
    rows = session.scalars(select(PatientMerge).where(PatientMerge.at <= at))
    return _together([row for row in rows if row.taken_back_at is None or row.taken_back_at > at], [patient_id])


def ever_one(session: Session, patient_ids: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
    """These, and all who were ever said to be one of them, also where that was taken back."""
    return _together(session.scalars(select(PatientMerge)), patient_ids)


def _together(rows: Iterable[PatientMerge], patient_ids: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
    beside: dict[uuid.UUID, list[uuid.UUID]] = {}
    for row in rows:
        beside.setdefault(row.patient_id, []).append(row.into_id)
        beside.setdefault(row.into_id, []).append(row.patient_id)
    found, ahead = set(patient_ids), list(patient_ids)
    while ahead:
        for other in beside.get(ahead.pop(), ()):
            if other not in found:
                found.add(other)
                ahead.append(other)
    return frozenset(found)
