"""Each care provider's country and years, and holds: placed and lifted by a person, with a row in the log."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, Actor, append
from carebag_server.entered_text import LONG, entered, named
from carebag_server.not_possible import NotPossible
from carebag_server.patients import same_person
from carebag_server.retention.rules import Rule, Unsettled, What, rule_of
from carebag_server.retention.tables import RetentionHold, RetentionPolicy
from carebag_server.tables import Organization, PatientRow
from carebag_wire.base import uuid7


@dataclass(frozen=True)
class Period:
    """How long one provider keeps one kind of thing."""

    provider: Organization
    rule: Rule
    years: int


def set_policy(
    session: Session,
    actor: Actor,
    provider: Organization,
    country: str,
    log_years: int | None,
    record_years: int | None,
    now: datetime,
) -> RetentionPolicy:
    """Say in which country a provider is, and its own years where it has decided some.

    Raises:
        NotPossible: the table does not have the country, or the years are fewer than its law's.
    """
    own: dict[What, int | None] = {"access_log": log_years, "records": record_years}
    try:
        for what, years in own.items():
            rule = rule_of(country, what)
            if years is not None:
                rule.period(years)
    except Unsettled as why:
        raise NotPossible(str(why)) from None
    row = RetentionPolicy(
        organization_id=provider.id,
        country=country,
        log_years=log_years,
        record_years=record_years,
        set_by=actor.practitioner,
        set_at=now,
    )
    said = f"{country} log {log_years or 'as the table'} records {record_years or 'as the table'}"
    append(session, actor, Act(action="retention_set", object=f"organization {provider.id} {said}"), now)
    return session.merge(row)


def period_of(session: Session, provider: Organization, what: What) -> Period:
    """Raises: Unsettled: nobody has said so far."""
    policy = session.get(RetentionPolicy, provider.id)
    if policy is None:
        raise Unsettled(f"{provider.name}: no country is set (carebag retention set)")
    rule = rule_of(policy.country, what)
    try:
        years = rule.period(policy.log_years if what == "access_log" else policy.record_years)
    except Unsettled as why:
        raise Unsettled(f"{provider.name}: {why}") from None
    return Period(provider, rule, years)


def log_period(session: Session) -> Period:
    """The longest of all providers': the log is one, and what one of them must keep all do.

    Raises:
        Unsettled: one of them has not said so far.
    """
    providers = session.scalars(select(Organization).order_by(Organization.name, Organization.id)).all()
    if not providers:
        raise Unsettled("there is no care provider")
    return max((period_of(session, one, "access_log") for one in providers), key=lambda period: period.years)


def place_hold(
    session: Session,
    actor: Actor,
    provider: Organization,
    patient: PatientRow | None,
    why: str,
    now: datetime,
) -> RetentionHold:
    """Nothing of the patient, or of the provider, is removed until it is lifted.

    Args:
        patient: None: all of the provider's, and so the whole access log.

    Raises:
        NotPossible: no reason, or one that is no text.
    """
    reason = named(entered(why, "the reason", LONG), "the reason", "--why")
    row = RetentionHold(
        id=uuid7(int(now.timestamp() * 1000)),
        organization_id=provider.id,
        patient_id=patient.id if patient else None,
        why=reason,
        placed_by=actor.practitioner,
        placed_at=now,
    )
    session.add(row)
    act = Act(action="hold_placed", object=f"hold {row.id}", patient_id=row.patient_id)
    append(session, actor, act, now)
    return row


def lift_hold(session: Session, actor: Actor, hold_id: uuid.UUID, now: datetime) -> None:
    """Raises: NotPossible: there is none that stands."""
    row = session.get(RetentionHold, hold_id)
    if row is None or row.lifted_at is not None:
        raise NotPossible("no hold with that number stands: see `carebag retention holds`")
    row.lifted_at, row.lifted_by = now, actor.practitioner
    append(session, actor, Act(action="hold_lifted", object=f"hold {row.id}", patient_id=row.patient_id), now)


def standing_holds(session: Session) -> Sequence[RetentionHold]:
    """The oldest first."""
    query = select(RetentionHold).where(RetentionHold.lifted_at.is_(None))
    return session.scalars(query.order_by(RetentionHold.placed_at, RetentionHold.id)).all()


@dataclass(frozen=True)
class Held:
    """Of what nothing is removed."""

    providers: frozenset[uuid.UUID]
    patients: frozenset[uuid.UUID]
    """With all who are the same person."""


def held(session: Session) -> Held:
    holds = standing_holds(session)
    named = {one.patient_id for one in holds if one.patient_id is not None}
    patients = {each for one in named for each in same_person(session, one)}
    return Held(frozenset(one.organization_id for one in holds if one.patient_id is None), frozenset(patients))
