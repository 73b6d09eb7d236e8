"""Proofs that the sound path was as it should be, or was not, kept with the visit."""

import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.refusals import Refused
from carebag_server.relations import visible_visit
from carebag_server.tables import PathProofRow
from carebag_server.visits import act_on
from carebag_wire.path_proof import MakePathProof, PathProof

MOST_IN_A_VISIT = 500


def keep(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, made: MakePathProof) -> None:
    """Keep what a doctor's page measured; the same one again changes nothing.

    Raises:
        Refused: 404 `not_found`, 409 `visit_not_open`, `too_many_proofs`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    if visit.state != "open":
        raise Refused(409, "visit_not_open")
    key = (visit.id, caller.person.practitioner_id, made.proof)
    if session.get(PathProofRow, key) is not None:
        return
    query = select(func.count()).select_from(PathProofRow).where(PathProofRow.visit_id == visit.id)
    if (session.scalar(query) or 0) >= MOST_IN_A_VISIT:
        raise Refused(409, "too_many_proofs")
    row = PathProofRow(
        visit_id=visit.id,
        practitioner_id=caller.person.practitioner_id,
        proof=made.proof,
        by=caller.person.name,
        at=hub.now(),
        made=made.model_dump_json(),
    )
    session.add(row)
    session.flush()
    append(session, caller.actor(), act_on(visit, "sound_path_proved", f"proof {made.proof} {made.word}"), hub.now())


def read(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID) -> list[PathProof]:
    """All proofs of a visit, in order; reading them is logged.

    Raises:
        Refused: 404 `not_found`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    rows = session.scalars(
        select(PathProofRow).where(PathProofRow.visit_id == visit.id).order_by(PathProofRow.at, PathProofRow.proof)
    ).all()
    append(session, caller.actor(), act_on(visit, "sound_path_proofs_read", f"visit {visit.id}"), hub.now())
    return [_proof_of(row) for row in rows]


def _proof_of(row: PathProofRow) -> PathProof:
    made = MakePathProof.model_validate_json(row.made)
    return PathProof(**made.model_dump(), at=row.at, by=row.by)
