"""One week's review: the plan, the sample that is drawn once, and its minutes."""

import json
import secrets
import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, append, verify
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.refusals import Refused
from carebag_server.review_accesses import Weighed, accesses_between
from carebag_server.review_minutes import keep_minutes, minutes_body, minutes_of
from carebag_server.review_questions import question_of
from carebag_server.review_sampling import draw, reasons_of, suggested
from carebag_server.review_scope import monday_of, span_of
from carebag_server.review_tables import JudgementRow, QuestionRow, SampledRow, SampleRow
from carebag_wire.base import uuid7
from carebag_wire.review import (
    DrawSample,
    Judgement,
    Question,
    Sample,
    Sampled,
    SignMinutes,
    WeekPlan,
)


def read_week(hub: Hub, caller: PersonCaller, week: str) -> WeekPlan:
    """Raises: Refused: 422 `bad_day`."""
    monday = monday_of(week)
    found = _accesses(hub, caller, monday)
    with hub.database.transaction() as session:
        append(session, caller.actor(), Act(action="sample_read", object=f"week {monday}"), hub.now())
        return _plan_of(session, caller, monday, found)


def draw_week(hub: Hub, caller: PersonCaller, week: str, wanted: DrawSample) -> WeekPlan:
    """Draw the week's sample, which is then the week's for good.

    Raises:
        Refused: 422 `bad_day`; 409 `week_not_over` (a sample of a part would leave the rest unseen), `already_drawn`,
            `nothing_to_draw`.
    """
    monday = monday_of(week)
    if span_of(hub, monday, 7)[1] > hub.now():
        raise Refused(409, "week_not_over")
    found = _accesses(hub, caller, monday)
    with hub.database.transaction() as session:
        _draw(hub, session, caller, monday, wanted, found)
        return _plan_of(session, caller, monday, found)


def _draw(
    hub: Hub, session: Session, caller: PersonCaller, monday: date, wanted: DrawSample, found: list[Weighed]
) -> None:
    now = hub.now()
    if _sample(session, caller, monday) is not None:
        raise Refused(409, "already_drawn")
    if not found:
        raise Refused(409, "nothing_to_draw")
    seed = secrets.token_hex(16)
    sample = SampleRow(
        id=uuid7(int(now.timestamp() * 1000)),
        organization_id=caller.organization_id,
        monday=monday.isoformat(),
        seed=seed,
        accesses=len(found),
        drawn_by=caller.person.name,
        drawn_at=now,
    )
    session.add(sample)
    session.flush()
    drawn = draw([one.facts for one in found], seed, wanted.random, wanted.risk)
    for one in drawn:
        reasons = json.dumps([{"code": reason.code, "n": reason.n} for reason in one.reasons])
        session.add(SampledRow(sample_id=sample.id, seq=one.seq, how=one.how, score=one.score, reasons=reasons))
    session.flush()
    said = f"week {monday} of {len(found)} drawn {len(drawn)} random {wanted.random} risk {wanted.risk} seed {seed}"
    append(session, caller.actor(), Act(action="sample_drawn", object=said), now)


def sign_minutes(hub: Hub, caller: PersonCaller, week: str, said: SignMinutes) -> WeekPlan:
    """Sign the week's minutes: what was drawn, what was found, and the log as it was just before; or sign them anew.

    Raises:
        Refused: 422 `bad_day`; 409 `nothing_drawn`, `already_signed` (without the word why again), `not_signed_yet`,
            `not_all_judged`, `answers_missing` (a question waits, and it was not said that this is known).
    """
    monday = monday_of(week)
    found = _accesses(hub, caller, monday)
    with hub.database.reading() as session:
        check = verify(session, hub.now())
    with hub.database.transaction() as session:
        plan, sample = _plan_of(session, caller, monday, found), _sample(session, caller, monday)
        if plan.sample is None or sample is None:
            raise Refused(409, "nothing_drawn")
        now = hub.now()
        body = minutes_body(session, plan, said, caller.person, check, now)
        digest = keep_minutes(session, sample, body)
        word = f"version {body.version} " if body.version > 1 else ""
        append(session, caller.actor(), Act(action="minutes_signed", object=f"week {monday} {word}{digest}"), now)
        return _plan_of(session, caller, monday, found)


def _accesses(hub: Hub, caller: PersonCaller, monday: date) -> list[Weighed]:
    """Read beside those who write, and told to nobody before the row that says so is durable."""
    with hub.database.reading() as session:
        return accesses_between(hub, session, caller, *span_of(hub, monday, 7))


def _sample(session: Session, caller: PersonCaller, monday: date) -> SampleRow | None:
    mine = select(SampleRow).where(
        SampleRow.organization_id == caller.organization_id, SampleRow.monday == monday.isoformat()
    )
    return session.scalars(mine).first()


def _plan_of(session: Session, caller: PersonCaller, monday: date, found: list[Weighed]) -> WeekPlan:
    weighing = [one.facts for one in found if reasons_of(one.facts)]
    emergency = [facts for facts in weighing if facts.emergency]
    random, risk = suggested(len(found), len(weighing) - len(emergency))
    row = _sample(session, caller, monday)
    minutes = minutes_of(session, row) if row else []
    return WeekPlan(
        monday=monday.isoformat(),
        accesses=len(found),
        emergency=len(emergency),
        weighing=len(weighing),
        suggested_random=random,
        suggested_risk=risk,
        sample=_sample_of(session, row, {one.facts.seq: one for one in found}) if row else None,
        minutes=minutes[0] if minutes else None,
        earlier_minutes=minutes[1:],
    )


def _sample_of(session: Session, row: SampleRow, accesses: dict[int, Weighed]) -> Sample:
    rows = session.scalars(select(SampledRow).where(SampledRow.sample_id == row.id)).all()
    numbers = [one.seq for one in rows]
    judged, asked = judgements_of(session, row.organization_id, numbers), questions_of(session, row, numbers)
    drawn = []
    for one in sorted(rows, key=lambda one: (-one.score, one.seq)):
        weighed = accesses.get(one.seq)
        if weighed is None:
            continue
        as_drawn = weighed.told().model_dump() | {"reasons": json.loads(one.reasons), "score": one.score}
        drawn.append(
            Sampled.model_validate(
                {
                    "how": one.how,
                    "access": as_drawn,
                    "judgements": judged[one.seq],
                    "questions": asked[one.seq],
                }
            )
        )
    return Sample(seed=row.seed, drawn_by=row.drawn_by, drawn_at=row.drawn_at, accesses=row.accesses, drawn=drawn)


def judgements_of(session: Session, organization: uuid.UUID, numbers: Iterable[int]) -> dict[int, list[Judgement]]:
    """By access, the earliest first."""
    found: dict[int, list[Judgement]] = defaultdict(list)
    query = select(JudgementRow).where(
        JudgementRow.organization_id == organization, JudgementRow.seq.in_(list(numbers))
    )
    for row in session.scalars(query.order_by(JudgementRow.at, JudgementRow.id)):
        found[row.seq].append(
            Judgement.model_validate({"verdict": row.verdict, "words": row.words, "by": row.by, "at": row.at})
        )
    return found


def questions_of(session: Session, sample: SampleRow, numbers: Iterable[int]) -> dict[int, list[Question]]:
    found: dict[int, list[Question]] = defaultdict(list)
    query = select(QuestionRow).where(
        QuestionRow.organization_id == sample.organization_id, QuestionRow.seq.in_(list(numbers))
    )
    for row in session.scalars(query.order_by(QuestionRow.asked_at)):
        found[row.seq].append(question_of(session, row))
    return found
