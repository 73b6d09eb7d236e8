"""A patient's block (spärr) on what a care provider or one of its units documented: recorded and lifted there.

What a block hides is `policy.py`'s; here it is written down. It holds for whom the patient was known to be when it was
recorded, and for whom they are known to be now (`after_unmerge`, docs/decisions/0033). It works at once for every
question, and rooms that a doctor may no longer sit in are left within `together.LOOK_SECONDS`. Source: patientdatalagen
2008:355 ch. 4 s. 4 and 5.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from itertools import permutations
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.access_tables import BlockRow
from carebag_server.audit import Act, Actor, append
from carebag_server.one_person import one_at, one_now
from carebag_server.refusals import Refused, not_found
from carebag_wire.base import uuid7

Why = Literal["patient", "emergency"]
"""Why a block is lifted: the patient agrees, or cannot be asked and the care may not wait."""


def block(
    session: Session,
    actor: Actor,
    patient_id: uuid.UUID,
    organization_id: uuid.UUID,
    now: datetime,
    unit: str = "",
    covers_until: datetime | None = None,
) -> BlockRow:
    """Record a block; see `BlockRow` for its extent.

    Raises:
        Refused: 409 `already_so`.
    """
    alike = [row for row in _under(session, patient_id) if _extent(row) == (organization_id, unit, covers_until)]
    person = one_now(session, patient_id)
    # one recorded before the last merge would not hold for all of them if the merge were taken back
    if any(one_at(session, patient_id, row.at) >= person for row in alike):
        raise Refused(409, "already_so")
    row = BlockRow(
        id=uuid7(int(now.timestamp() * 1000)),
        patient_id=patient_id,
        organization_id=organization_id,
        unit=unit,
        covers_until=covers_until,
        recorded_by=actor.practitioner,
        at=now,
    )
    session.add(row)
    act = Act(action="block_recorded", object=f"block {row.id}", patient_id=patient_id)
    append(session, actor, act, now)
    return row


def lift(session: Session, actor: Actor, block_id: uuid.UUID, why: Why, now: datetime) -> BlockRow:
    """End a block; it stays on record.

    Raises:
        Refused: 404 `not_found`; 409 `already_so`.
    """
    row = session.get(BlockRow, block_id)
    if row is None:
        raise not_found()
    if row.lifted_at is not None:
        raise Refused(409, "already_so")
    row.lifted_at, row.lifted_by, row.lifted_why = now, actor.practitioner, why
    act = Act(action="block_lifted", object=f"block {row.id}", patient_id=row.patient_id)
    append(session, actor, act, now)
    return row


def after_unmerge(session: Session, actor: Actor, sides: Collection[Collection[uuid.UUID]], now: datetime) -> int:
    """A block that was recorded while two were held to be one person stays on both when that is taken back: whose wish
    it was nobody can tell any more, and what one of them wants hidden may not be shown. Each is lifted for itself.

    Args:
        sides: the identities of either, after it was taken back.

    Returns: how many were recorded for the other side; each is one row of the log.
    """
    recorded = 0
    for one, other in permutations(sides, 2):
        there = {(row.at, *_extent(row)) for each in other for row in _under(session, each)}
        for row in [row for each in sorted(one) for row in _under(session, each)]:
            meant = sorted(one_at(session, row.patient_id, row.at) & set(other))
            if not meant or (row.at, *_extent(row)) in there:
                continue
            copy = BlockRow(
                id=uuid7(int(now.timestamp() * 1000)),
                patient_id=meant[0],
                organization_id=row.organization_id,
                unit=row.unit,
                covers_until=row.covers_until,
                recorded_by=row.recorded_by,
                at=row.at,
            )
            session.add(copy)
            act = Act(action="block_recorded", object=f"block {copy.id}", patient_id=meant[0])
            append(session, actor, act, now)
            there.add((row.at, *_extent(row)))
            recorded += 1
    return recorded


def blocks_of(session: Session, patient_id: uuid.UUID) -> list[BlockRow]:
    """Those that are in force, under whichever identity of the person, oldest first."""
    return _in_force(session, one_now(session, patient_id))


def _under(session: Session, patient_id: uuid.UUID) -> list[BlockRow]:
    return _in_force(session, [patient_id])


def _in_force(session: Session, patient_ids: Collection[uuid.UUID]) -> list[BlockRow]:
    query = select(BlockRow).where(BlockRow.patient_id.in_(patient_ids), BlockRow.lifted_at.is_(None))
    return list(session.scalars(query.order_by(BlockRow.at, BlockRow.id)))


def listed(session: Session, actor: Actor, patient_id: uuid.UUID, count: int, now: datetime) -> None:
    """Somebody looked which blocks there are."""
    append(session, actor, Act(action="blocks_listed", object=f"blocks {count}", patient_id=patient_id), now)


def _extent(row: BlockRow) -> tuple[uuid.UUID, str, datetime | None]:
    return row.organization_id, row.unit, row.covers_until
