"""The patient's consent to read earlier visits, and emergency access to them: recorded, ended, told.

Consent is for the doctor's care provider, with who asked, how, and until when; emergency access is for one doctor, one
patient and an hour. What they open is `policy.py`'s. Source: lag 2022:913 ch. 3.
"""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server import policy
from carebag_server.access_tables import ConsentRow, EmergencyRow
from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.one_person import one_now
from carebag_server.reauthentication import require_fresh
from carebag_server.refusals import Refused
from carebag_server.relations import asker_of, known_of, visible_visit
from carebag_server.tables import Organization, VisitRow
from carebag_server.visits import act_on
from carebag_wire.base import uuid7
from carebag_wire.earlier import Consent, EarlierAccess, Emergency, GiveConsent


def read(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID) -> EarlierAccess:
    """On what ground earlier visits may be read.

    Raises:
        Refused: 404 `not_found`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    append(session, caller.actor(), act_on(visit, "earlier_access_read", f"visit {visit.id}"), hub.now())
    return _told(session, caller, visit, hub.now())


def give_consent(
    hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, said: GiveConsent
) -> EarlierAccess:
    """The patient consents; what was recorded before stays on record and is over with this.

    Raises:
        Refused: 404 `not_found`.
    """
    visit, now = visible_visit(session, caller, visit_id, hub.now()), hub.now()
    for before in _consents(session, caller, visit, now):
        before.withdrawn_at, before.withdrawn_by = now, caller.person.name
    row = ConsentRow(
        id=uuid7(int(now.timestamp() * 1000)),
        patient_id=visit.patient_id,
        organization_id=caller.organization_id,
        visit_id=visit.id,
        asked_by=said.asked_by,
        how=said.how,
        recorded_by=caller.person.name,
        recorded_by_id=caller.person.practitioner_id,
        at=now,
        valid_until=now + timedelta(days=said.days),
    )
    session.add(row)
    append(session, caller.actor(), act_on(visit, "consent_recorded", f"consent {row.id}"), now)
    return _told(session, caller, visit, now)


def withdraw_consent(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID) -> EarlierAccess:
    """The patient takes it back.

    Raises:
        Refused: 404 `not_found`; 409 `no_consent`.
    """
    visit, now = visible_visit(session, caller, visit_id, hub.now()), hub.now()
    rows = _consents(session, caller, visit, now)
    if not rows:
        raise Refused(409, "no_consent")
    for row in rows:
        row.withdrawn_at, row.withdrawn_by = now, caller.person.name
    append(session, caller.actor(), act_on(visit, "consent_withdrawn", f"consent {rows[0].id}"), now)
    return _told(session, caller, visit, now)


def open_emergency(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, reason: str) -> EarlierAccess:
    """For `policy.EMERGENCY` from now; the medical lead sees it at once.

    Raises:
        Refused: 404 `not_found`; 403 `reauthenticate`; 409 `emergency_lasts`.
    """
    visit, now = visible_visit(session, caller, visit_id, hub.now()), hub.now()
    require_fresh(session, caller, now)
    if _emergencies(session, caller, visit, now):
        raise Refused(409, "emergency_lasts")
    row = EmergencyRow(
        id=uuid7(int(now.timestamp() * 1000)),
        patient_id=visit.patient_id,
        visit_id=visit.id,
        commission_id=caller.person.commission_id,
        organization_id=caller.organization_id,
        doctor=caller.person.name,
        reason=reason,
        at=now,
        expires_at=now + policy.EMERGENCY,
    )
    session.add(row)
    append(session, caller.actor("emergency"), act_on(visit, "emergency_opened", f"emergency {row.id}"), now)
    return _told(session, caller, visit, now)


def end_emergency(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID) -> EarlierAccess:
    """Before its time.

    Raises:
        Refused: 404 `not_found`; 409 `no_emergency`.
    """
    visit, now = visible_visit(session, caller, visit_id, hub.now()), hub.now()
    rows = _emergencies(session, caller, visit, now)
    if not rows:
        raise Refused(409, "no_emergency")
    for row in rows:
        row.ended_at = now
    append(session, caller.actor("emergency"), act_on(visit, "emergency_ended", f"emergency {rows[0].id}"), now)
    return _told(session, caller, visit, now)


def end_with_session(hub: Hub, session: Session, caller: PersonCaller) -> None:
    """Who signs out leaves no emergency access open: nobody would see its banner."""
    now = hub.now()
    mine = select(EmergencyRow).where(
        EmergencyRow.commission_id == caller.person.commission_id,
        EmergencyRow.ended_at.is_(None),
        EmergencyRow.expires_at > now,
    )
    for row in session.scalars(mine):
        row.ended_at = now
        visit = session.get_one(VisitRow, row.visit_id)
        append(session, caller.actor("emergency"), act_on(visit, "emergency_ended", f"emergency {row.id}"), now)


def _consents(session: Session, caller: PersonCaller, visit: VisitRow, now: datetime) -> list[ConsentRow]:
    """In force now, under whichever identity of the person, newest first."""
    query = select(ConsentRow).where(
        ConsentRow.patient_id.in_(one_now(session, visit.patient_id)),
        ConsentRow.organization_id == caller.organization_id,
    )
    rows = session.scalars(query.order_by(ConsentRow.at.desc(), ConsentRow.id.desc()))
    return [row for row in rows if policy.Period(row.at, row.valid_until, row.withdrawn_at).lasts(now)]


def _emergencies(session: Session, caller: PersonCaller, visit: VisitRow, now: datetime) -> list[EmergencyRow]:
    query = select(EmergencyRow).where(
        EmergencyRow.patient_id.in_(one_now(session, visit.patient_id)),
        EmergencyRow.commission_id == caller.person.commission_id,
    )
    rows = session.scalars(query.order_by(EmergencyRow.at.desc(), EmergencyRow.id.desc()))
    return [row for row in rows if policy.Period(row.at, row.expires_at, row.ended_at).lasts(now)]


def _told(session: Session, caller: PersonCaller, visit: VisitRow, now: datetime) -> EarlierAccess:
    session.flush()
    consents, emergencies = _consents(session, caller, visit, now), _emergencies(session, caller, visit, now)
    known, asker = known_of(session, visit.patient_id), asker_of(caller)
    blocked = {one.organization_id for one in known.visits if policy.ground(asker, one, known, now) == "blocked"}
    names = session.scalars(select(Organization.name).where(Organization.id.in_(blocked)).order_by(Organization.name))
    return EarlierAccess(
        visit_id=visit.id,
        same_provider=visit.organization_id == caller.organization_id,
        consent=_consent(consents[0]) if consents else None,
        emergency=_emergency(emergencies[0]) if emergencies else None,
        blocked=bool(blocked),
        blocked_by=list(names) if emergencies else [],
    )


def _consent(row: ConsentRow) -> Consent:
    return Consent.model_validate({name: getattr(row, name) for name in Consent.model_fields})


def _emergency(row: EmergencyRow) -> Emergency:
    return Emergency.model_validate({name: getattr(row, name) for name in Emergency.model_fields})
