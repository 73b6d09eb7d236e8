"""One week's review: the plan, the sample that is drawn once, and the minutes that are signed once."""

import hashlib
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
from carebag_server.review_questions import question_of
from carebag_server.review_sampling import draw, reasons_of, suggested
from carebag_server.review_scope import monday_of, span_of
from carebag_server.review_tables import JudgementRow, MinutesRow, QuestionRow, SampledRow, SampleRow
from carebag_wire.api import AuditCheck
from carebag_wire.base import uuid7
from carebag_wire.review import (
    DrawSample,
    Judgement,
    Minutes,
    MinutesBody,
    MinutesLine,
    Question,
    Sample,
    Sampled,
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


def sign_minutes(hub: Hub, caller: PersonCaller, week: str, words: str) -> WeekPlan:
    """Sign the week's minutes: what was drawn, what was found, and the log as it was just before.

    Raises:
        Refused: 422 `bad_day`; 409 `nothing_drawn`, `already_signed`, `not_all_judged`.
    """
    monday = monday_of(week)
    found = _accesses(hub, caller, monday)
    with hub.database.reading() as session:
        check = verify(session, hub.now())
    with hub.database.transaction() as session:
        _sign(hub, session, caller, _plan_of(session, caller, monday, found), check, words)
        return _plan_of(session, caller, monday, found)


def _sign(hub: Hub, session: Session, caller: PersonCaller, plan: WeekPlan, check: AuditCheck, words: str) -> None:
    now, monday = hub.now(), monday_of(plan.monday)
    if plan.sample is None:
        raise Refused(409, "nothing_drawn")
    if plan.minutes is not None:
        raise Refused(409, "already_signed")
    if not all(one.judgements for one in plan.sample.drawn):
        raise Refused(409, "not_all_judged")
    body = MinutesBody(
        organization=caller.person.organization,
        monday=plan.monday,
        seed=plan.sample.seed,
        accesses=plan.sample.accesses,
        drawn_by=plan.sample.drawn_by,
        drawn_at=plan.sample.drawn_at,
        found=[_line(one) for one in plan.sample.drawn],
        log_events=check.events,
        log_head=check.head,
        log_root=check.root,
        log_intact=check.intact,
        words=words,
        signed_by=caller.person.name,
        signed_at=now,
    )
    text = body.model_dump_json()
    sample = _sample(session, caller, monday)
    assert sample is not None
    digest = hashlib.sha256(text.encode()).hexdigest()
    session.add(MinutesRow(sample_id=sample.id, body=text, sha256=digest, signed_by=caller.person.name, signed_at=now))
    session.flush()
    append(session, caller.actor(), Act(action="minutes_signed", object=f"week {monday} {digest}"), now)


def _line(one: Sampled) -> MinutesLine:
    last = one.judgements[-1]
    return MinutesLine(
        seq=one.access.seq,
        how=one.how,
        practitioner=one.access.practitioner,
        reasons=one.access.reasons,
        verdict=last.verdict,
        words=last.words,
        questions=len(one.questions),
        answered=sum(question.answered_at is not None for question in one.questions),
    )


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
    return WeekPlan(
        monday=monday.isoformat(),
        accesses=len(found),
        emergency=len(emergency),
        weighing=len(weighing),
        suggested_random=random,
        suggested_risk=risk,
        sample=_sample_of(session, row, {one.facts.seq: one for one in found}) if row else None,
        minutes=_minutes_of(session, row) if row else None,
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


def _minutes_of(session: Session, sample: SampleRow) -> Minutes | None:
    row = session.get(MinutesRow, sample.id)
    if row is None:
        return None
    whole = hashlib.sha256(row.body.encode()).hexdigest() == row.sha256
    return Minutes(body=MinutesBody.model_validate_json(row.body), sha256=row.sha256, whole=whole)
