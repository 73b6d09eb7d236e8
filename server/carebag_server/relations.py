"""Which visits a caller may see, inside the query, so that no list leaks past it. What is allowed is `policy.py`'s.

`visible_*`: visits to which the caller is called, or that are the caller's own: for lists, rooms and every act.
`readable_*`: these, and of the same patients the visits of the past that consent, emergency or the own care provider
open: for reading only, and the log row says on what ground (`Reading.actor`).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session, aliased

from carebag_server import policy
from carebag_server.access_tables import BlockRow, ConsentRow, EmergencyRow
from carebag_server.audit import Actor
from carebag_server.callers import KitCaller, PersonCaller
from carebag_server.one_person import any_of_person, one_now
from carebag_server.refusals import not_found
from carebag_server.tables import CareAgreement, Kit, VisitRow

Scope = tuple[str, uuid.UUID, str]


def scope_of(caller: PersonCaller) -> Scope:
    """People of one scope are called to the same visits: what `visible_visits` asks of a person, and nothing else."""
    return caller.person.role, caller.organization_id, caller.person.unit


def visible_visits(caller: PersonCaller | KitCaller, now: datetime) -> Select[VisitRow]:
    """All visits that the caller may work in, to be narrowed further."""
    return select(VisitRow).where(_visible(caller, now))


def readable_visits(caller: PersonCaller, now: datetime) -> Select[VisitRow]:
    """All visits that the caller may read, to be narrowed further."""
    if caller.person.role != "doctor":
        return visible_visits(caller, now)
    other: Any = aliased(VisitRow)
    called_to_patient = any_of_person(other.patient_id, VisitRow.patient_id, _called(other, caller, now))
    opened = and_(
        called_to_patient,
        _agreed_for(VisitRow, caller, now),
        or_(*_grounds_of_the_past(caller, now)),
        ~_hidden(VisitRow, caller, now),
    )
    return select(VisitRow).where(or_(_called(VisitRow, caller, now), opened))


def _visible(caller: PersonCaller | KitCaller, now: datetime) -> ColumnElement[bool]:
    if isinstance(caller, KitCaller):
        return VisitRow.kit_id == caller.kit_id
    if caller.person.role == "reviewer":
        return VisitRow.organization_id == caller.organization_id
    if caller.person.role == "doctor":
        return _called(VisitRow, caller, now)
    return false()


def _called(visit: Any, caller: PersonCaller, now: datetime) -> ColumnElement[bool]:
    """`visit`: `VisitRow` or an alias of it, here and below."""
    since = now - policy.CALLED_AFTER
    planned = and_(visit.scheduled_at > since, visit.scheduled_at < now + policy.CALLED_BEFORE)
    calls = or_(
        visit.state == "open",
        and_(visit.state == "planned", visit.cancelled_at.is_(None), planned),
        and_(visit.state == "closed", func.coalesce(visit.closed_at, visit.scheduled_at) > since),
    )
    return and_(calls, _agreed_for(visit, caller, now), ~_hidden(visit, caller, now))


def _agreed_for(visit: Any, caller: PersonCaller, now: datetime) -> ColumnElement[bool]:
    return exists().where(CareAgreement.home_organization_id == visit.organization_id, _agreed(caller, now))


def _hidden(visit: Any, caller: PersonCaller, now: datetime) -> ColumnElement[bool]:
    for_others = or_(
        BlockRow.organization_id != caller.organization_id,
        and_(BlockRow.unit != "", BlockRow.unit != caller.person.unit),
    )
    return any_of_person(
        BlockRow.patient_id,
        visit.patient_id,
        Kit.id == visit.kit_id,
        BlockRow.organization_id == visit.organization_id,
        BlockRow.at <= now,
        or_(BlockRow.lifted_at.is_(None), BlockRow.lifted_at > now),
        or_(BlockRow.unit == "", BlockRow.unit == Kit.unit),
        or_(BlockRow.covers_until.is_(None), visit.scheduled_at < BlockRow.covers_until),
        for_others,
    )


def _grounds_of_the_past(caller: PersonCaller, now: datetime) -> list[ColumnElement[bool]]:
    consent = any_of_person(
        ConsentRow.patient_id,
        VisitRow.patient_id,
        ConsentRow.organization_id == caller.organization_id,
        ConsentRow.at <= now,
        ConsentRow.valid_until > now,
        or_(ConsentRow.withdrawn_at.is_(None), ConsentRow.withdrawn_at > now),
    )
    emergency = any_of_person(
        EmergencyRow.patient_id,
        VisitRow.patient_id,
        EmergencyRow.commission_id == caller.person.commission_id,
        EmergencyRow.at <= now,
        EmergencyRow.expires_at > now,
        or_(EmergencyRow.ended_at.is_(None), EmergencyRow.ended_at > now),
    )
    return [VisitRow.organization_id == caller.organization_id, consent, emergency]


def _agreed(caller: PersonCaller, now: datetime) -> ColumnElement[bool]:
    return and_(CareAgreement.doctor_organization_id == caller.organization_id, _valid(now))


def _valid(now: datetime) -> ColumnElement[bool]:
    return and_(
        CareAgreement.valid_from <= now,
        or_(CareAgreement.valid_until.is_(None), CareAgreement.valid_until > now),
    )


def doctor_organizations(session: Session, visit: VisitRow, now: datetime) -> frozenset[uuid.UUID]:
    """Whose doctors may be called to the visit now."""
    theirs = select(CareAgreement.doctor_organization_id)
    return frozenset(
        session.scalars(theirs.where(CareAgreement.home_organization_id == visit.organization_id, _valid(now)))
    )


def home_organizations(session: Session, caller: PersonCaller, now: datetime) -> frozenset[uuid.UUID]:
    """To whose visits a doctor may be called now."""
    return frozenset(session.scalars(select(CareAgreement.home_organization_id).where(_agreed(caller, now))))


def visible_visit(session: Session, caller: PersonCaller | KitCaller, visit_id: uuid.UUID, now: datetime) -> VisitRow:
    """One visit, to work in.

    Raises:
        Refused: 404 `not_found`, the same whether it is not there, not the caller's, or blocked.
    """
    row = session.scalars(visible_visits(caller, now).where(VisitRow.id == visit_id)).first()
    if row is None:
        raise not_found()
    return row


@dataclass(frozen=True)
class Reading:
    """A visit that may be read, and as whom: under an emergency the log says so."""

    visit: VisitRow
    actor: Actor
    ground: policy.Ground


def readable_visit(session: Session, caller: PersonCaller, visit_id: uuid.UUID, now: datetime) -> Reading:
    """One visit, to read.

    Raises:
        Refused: 404 `not_found`, as `visible_visit`.
    """
    # nearly always the visit of now: then nothing more is asked
    called = session.scalars(visible_visits(caller, now).where(VisitRow.id == visit_id)).first()
    if called is not None:
        return Reading(called, caller.actor(), "home" if caller.person.role == "reviewer" else "care")
    row = session.scalars(readable_visits(caller, now).where(VisitRow.id == visit_id)).first()
    if row is None:
        raise not_found()
    return reading_of(session, caller, row, known_of(session, row.patient_id), now)


def reading_of(session: Session, caller: PersonCaller, visit: VisitRow, known: policy.Known, now: datetime) -> Reading:
    """A visit out of `readable_visits`, with its ground.

    Raises:
        Refused: 404 `not_found` if the policy says otherwise than the query: then nobody reads.
    """
    found = policy.ground(asker_of(caller), _visit_of(session, visit), known, now)
    if found is None or found == "blocked":
        raise not_found()
    return Reading(visit, caller.actor("emergency" if found == "emergency" else None), found)


def asker_of(caller: PersonCaller) -> policy.Asker:
    person = caller.person
    return policy.Asker(
        role=person.role,
        organization_id=caller.organization_id,
        unit=person.unit,
        commission_id=person.commission_id,
    )


def known_of(session: Session, patient_id: uuid.UUID) -> policy.Known:
    """What the store knows of a person under every identity, also what is over: the policy knows the time."""
    person = one_now(session, patient_id)
    agreements = session.scalars(select(CareAgreement)).all()
    blocks = session.scalars(select(BlockRow).where(BlockRow.patient_id.in_(person))).all()
    consents = session.scalars(select(ConsentRow).where(ConsentRow.patient_id.in_(person))).all()
    emergencies = session.scalars(select(EmergencyRow).where(EmergencyRow.patient_id.in_(person))).all()
    visits = session.scalars(select(VisitRow).where(VisitRow.patient_id.in_(person))).all()
    period = policy.Period
    return policy.Known(
        agreements=[
            policy.Agreement(
                one.home_organization_id, one.doctor_organization_id, period(one.valid_from, one.valid_until)
            )
            for one in agreements
        ],
        blocks=[
            policy.Block(one.organization_id, one.unit, one.covers_until, period(one.at, None, one.lifted_at))
            for one in blocks
        ],
        consents=[
            policy.Consent(one.organization_id, period(one.at, one.valid_until, one.withdrawn_at)) for one in consents
        ],
        emergencies=[
            policy.Emergency(one.commission_id, period(one.at, one.expires_at, one.ended_at)) for one in emergencies
        ],
        visits=[_visit_of(session, one) for one in visits],
    )


def _visit_of(session: Session, row: VisitRow) -> policy.Visit:
    return policy.Visit(
        id=row.id,
        organization_id=row.organization_id,
        unit=session.get_one(Kit, row.kit_id).unit,
        patient_id=row.patient_id,
        kit_id=row.kit_id,
        state=row.state,
        scheduled_at=row.scheduled_at,
        closed_at=row.closed_at,
    )
