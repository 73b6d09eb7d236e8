"""Which visits a caller may see: the care relation, in one place and inside the query, so that no list leaks past it.

Now: doctors of an organisation with a care agreement with the one whose visit it is; reviewers of that organisation;
the kit that the visit was planned for. Consent, blocks (spärr) and emergency access will be added here.
"""

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select
from sqlalchemy.orm import Session

from carebag_server.callers import KitCaller, PersonCaller
from carebag_server.refusals import not_found
from carebag_server.tables import CareAgreement, VisitRow


def scope_of(caller: PersonCaller) -> tuple[str, uuid.UUID]:
    """People of one scope see the same visits: what the care relation below asks of a person, and nothing else."""
    return caller.person.role, caller.organization_id


def visible_visits(caller: PersonCaller | KitCaller, now: datetime) -> Select[VisitRow]:
    """All visits that the caller may see, to be narrowed further."""
    return select(VisitRow).where(_relation(caller, now))


def _relation(caller: PersonCaller | KitCaller, now: datetime) -> ColumnElement[bool]:
    if isinstance(caller, KitCaller):
        return VisitRow.kit_id == caller.kit_id
    if caller.person.role == "reviewer":
        return VisitRow.organization_id == caller.organization_id
    if caller.person.role == "doctor":
        return exists().where(CareAgreement.home_organization_id == VisitRow.organization_id, _agreed(caller, now))
    return false()


def _agreed(caller: PersonCaller, now: datetime) -> ColumnElement[bool]:
    return and_(CareAgreement.doctor_organization_id == caller.organization_id, _valid(now))


def _valid(now: datetime) -> ColumnElement[bool]:
    return and_(
        CareAgreement.valid_from <= now,
        or_(CareAgreement.valid_until.is_(None), CareAgreement.valid_until > now),
    )


def doctor_organizations(session: Session, visit: VisitRow, now: datetime) -> frozenset[uuid.UUID]:
    """Whose doctors may see the visit now."""
    theirs = select(CareAgreement.doctor_organization_id)
    return frozenset(
        session.scalars(theirs.where(CareAgreement.home_organization_id == visit.organization_id, _valid(now)))
    )


def home_organizations(session: Session, caller: PersonCaller, now: datetime) -> frozenset[uuid.UUID]:
    """Whose visits a doctor may see now."""
    return frozenset(session.scalars(select(CareAgreement.home_organization_id).where(_agreed(caller, now))))


def visible_visit(session: Session, caller: PersonCaller | KitCaller, visit_id: uuid.UUID, now: datetime) -> VisitRow:
    """One visit.

    Raises:
        Refused: 404 `not_found`, the same whether it is not there or not the caller's.
    """
    row = session.scalars(visible_visits(caller, now).where(VisitRow.id == visit_id)).first()
    if row is None:
        raise not_found()
    return row
