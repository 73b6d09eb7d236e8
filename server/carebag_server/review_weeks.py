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
from carebag_server.review_accesses import accesses_between
from carebag_server.review_questions import question_of
from carebag_server.review_sampling import Facts, draw, suggested
from carebag_server.review_scope import monday_of, span_of
from carebag_server.review_tables import JudgementRow, MinutesRow, QuestionRow, SampledRow, SampleRow
from carebag_wire.base import uuid7
from carebag_wire.review import (
    Access,
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


def read_week(hub: Hub, session: Session, caller: PersonCaller, week: str) -> WeekPlan:
    """Raises: Refused: 422 `bad_day`."""
    monday = monday_of(week)
    append(session, caller.actor(), Act(action="sample_read", object=f"week {monday}"), hub.now())
    return _plan(hub, session, caller, monday)


def draw_week(hub: Hub, session: Session, caller: PersonCaller, week: str, wanted: DrawSample) -> WeekPlan:
    """Draw the week's sample, which is then the week's for good.

    Raises:
        Refused: 422 `bad_day`; 409 `week_not_over` (a sample of a part would leave the rest unseen), `already_drawn`,
            `nothing_to_draw`.
    """
    monday, now = monday_of(week), hub.now()
    found = _accesses(hub, session, caller, monday)
    if span_of(hub, monday, 7)[1] > now:
        raise Refused(409, "week_not_over")
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
    drawn = draw([facts for _, facts in found], seed, wanted.random, wanted.risk)
    for one in drawn:
        reasons = json.dumps([{"code": reason.code, "n": reason.n} for reason in one.reasons])
        session.add(SampledRow(sample_id=sample.id, seq=one.seq, how=one.how, score=one.score, reasons=reasons))
    session.flush()
    said = f"week {monday} of {len(found)} drawn {len(drawn)} random {wanted.random} risk {wanted.risk} seed {seed}"
    append(session, caller.actor(), Act(action="sample_drawn", object=said), now)
    return _plan_of(session, caller, monday, found)


def sign_minutes(hub: Hub, session: Session, caller: PersonCaller, week: str, words: str) -> WeekPlan:
    """Sign the week's minutes: what was drawn, what was found, and the log as it was then.

    Raises:
        Refused: 422 `bad_day`; 409 `nothing_drawn`, `already_signed`, `not_all_judged`.
    """
    monday, now = monday_of(week), hub.now()
    plan = _plan(hub, session, caller, monday)
    if plan.sample is None:
        raise Refused(409, "nothing_drawn")
    if plan.minutes is not None:
        raise Refused(409, "already_signed")
    if not all(one.judgements for one in plan.sample.drawn):
        raise Refused(409, "not_all_judged")
    check = verify(session, now)
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
    return _plan(hub, session, caller, monday)


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


def _accesses(hub: Hub, session: Session, caller: PersonCaller, monday: date) -> list[tuple[Access, Facts]]:
    return accesses_between(hub, session, caller, *span_of(hub, monday, 7))


def _sample(session: Session, caller: PersonCaller, monday: date) -> SampleRow | None:
    mine = select(SampleRow).where(
        SampleRow.organization_id == caller.organization_id, SampleRow.monday == monday.isoformat()
    )
    return session.scalars(mine).first()


def _plan(hub: Hub, session: Session, caller: PersonCaller, monday: date) -> WeekPlan:
    return _plan_of(session, caller, monday, _accesses(hub, session, caller, monday))


def _plan_of(session: Session, caller: PersonCaller, monday: date, found: list[tuple[Access, Facts]]) -> WeekPlan:
    weighing = [access for access, _ in found if access.reasons]
    emergency = [access for access in weighing if any(reason.code == "emergency" for reason in access.reasons)]
    random, risk = suggested(len(found), len(weighing) - len(emergency))
    row = _sample(session, caller, monday)
    return WeekPlan(
        monday=monday.isoformat(),
        accesses=len(found),
        emergency=len(emergency),
        weighing=len(weighing),
        suggested_random=random,
        suggested_risk=risk,
        sample=_sample_of(session, row, {access.seq: access for access, _ in found}) if row else None,
        minutes=_minutes_of(session, row) if row else None,
    )


def _sample_of(session: Session, row: SampleRow, accesses: dict[int, Access]) -> Sample:
    rows = session.scalars(select(SampledRow).where(SampledRow.sample_id == row.id)).all()
    numbers = [one.seq for one in rows]
    judged, asked = judgements_of(session, row.organization_id, numbers), questions_of(session, row, numbers)
    drawn = []
    for one in sorted(rows, key=lambda one: (-one.score, one.seq)):
        access = accesses.get(one.seq)
        if access is None:
            continue
        as_drawn = access.model_dump() | {"reasons": json.loads(one.reasons), "score": one.score}
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
