"""NEWS2 on the hub: what doctors say about it, and the rooms told anew whenever a value that it came from changes.

Points and rules are those of `carebag_scores.early_warning`; nothing of a score is stored.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_scores.early_warning import READINGS_LOOKED_AT, Scored, score_of
from carebag_server.announcements import Announcement, announce_changed
from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.refusals import Refused
from carebag_server.relations import visible_visit
from carebag_server.score_tables import PremiseRow
from carebag_server.tables import Finding, PatientRow, RecordRow, VisitRow
from carebag_server.visit_views import premise_of, premises_of
from carebag_server.visits import act_on
from carebag_wire.api import SayPremise
from carebag_wire.base import uuid7
from carebag_wire.records import Reading
from carebag_wire.scores import ScorePremise
from carebag_wire.visit import ReadingView

MOST_IN_A_VISIT = 100
_LATER = timedelta(microseconds=1)
"""The last one holds: two that are said in one instant, or by a clock that went back, have an order all the same."""
_DECIDED = (
    Finding.decision,
    Finding.decided_by,
    Finding.decided_at,
    Finding.reason,
    Finding.filed_by,
    Finding.filed_at,
    Finding.taken_back,
)
"""Columns and not rows: of two hundred readings, at every one that comes, the rows would cost most of the request."""
_SHOWN = (*(column.key for column in _DECIDED), "received_at")
_READING: TypeAdapter[Reading] = TypeAdapter(Reading)
_SAME_QUESTION = ({"hypercapnic", "usual"}, {"pregnant", "not_pregnant"})


def say(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, said: SayPremise) -> ScorePremise:
    """Note what decides whether or how the score is counted; what holds already is not said again.

    Also of a visit that is closed: one that was made offline is read afterwards.

    Raises:
        Refused: 404 `not_found`, 409 `news2_off` or `too_many_premises`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    if not hub.settings.news2:
        raise Refused(409, "news2_off")
    before = premises_of(session, visit.id)
    question = next(either for either in _SAME_QUESTION if said.says in either)
    holds = next((one for one in reversed(before) if one.says in question), None)
    if holds is not None and holds.says == said.says:
        return holds
    if len(before) >= MOST_IN_A_VISIT:
        raise Refused(409, "too_many_premises")
    now = hub.now()
    row = PremiseRow(
        id=uuid7(int(now.timestamp() * 1000)),
        visit_id=visit.id,
        says=said.says,
        author=caller.person.name,
        author_id=caller.person.practitioner_id,
        at=max([now, *(one.at + _LATER for one in before)]),
    )
    session.add(row)
    session.flush()
    append(session, caller.actor(), act_on(visit, "premise_said", f"premise {row.id} {row.says}"), now)
    announce_changed(session, visit, {"premise": premise_of(row)})
    return premise_of(row)


def follow(hub: Hub, session: Session, announced: Sequence[Announcement]) -> None:
    """Before a transaction is committed: work out anew each score that it may have changed, and tell the room."""
    if not hub.settings.news2:
        return
    touched = (one.changed for one in announced if one.changed.reading or one.changed.premise)
    for visit_id in dict.fromkeys(changed.visit_id for changed in touched):
        visit = session.get_one(VisitRow, visit_id)
        birth_date = session.get_one(PatientRow, visit.patient_id).birth_date or ""
        scored = Scored(visit.id, visit.scheduled_at, birth_date)
        score = score_of(scored, _readings(session, visit_id), premises_of(session, visit_id))
        announce_changed(session, visit, {"news2": score})


def _readings(session: Session, visit_id: uuid.UUID) -> Sequence[ReadingView]:
    """The newest, as many as the score looks at."""
    rows = session.execute(
        select(*_DECIDED, RecordRow.received_at, RecordRow.payload)
        .join(RecordRow, RecordRow.id == Finding.record_id)
        .where(Finding.visit_id == visit_id, Finding.kind == "reading")
        .order_by(RecordRow.kit_seq.desc())
        .limit(READINGS_LOOKED_AT)
    ).mappings()
    return [
        ReadingView.model_validate(
            {**{name: row[name] for name in _SHOWN}, "reading": _READING.validate_json(row["payload"])}
        )
        for row in rows
    ]
