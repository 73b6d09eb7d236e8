"""Which rows of the log a medical lead may see: those about her patients, and those of her own people."""

import uuid
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.maintenance_acts import SEEN_BY_ALL
from carebag_server.protection import protection_of
from carebag_server.refusals import Refused
from carebag_server.tables import AuditRow, CareAgreement, Organization, PatientRow, VisitRow
from carebag_server.visits import zone_of
from carebag_wire.review import NamedPatient

_EARLIEST, _LATEST = date(2000, 1, 1), date(2199, 12, 31)


def within_reach(caller: PersonCaller) -> ColumnElement[bool]:
    """Rows of visits of her organisation; without a visit: its own people's (sign-in, lists, verifications), lists and
    patients' data seen by those it has or had an agreement with, emergency access by anybody; and
    work on the database itself."""
    return reach_of(caller.organization_id, caller.person.organization)


def reach_of(organization_id: uuid.UUID, organization: str) -> ColumnElement[bool]:
    """As `within_reach`, of a care provider: its id, and its name as rows have it."""
    own = VisitRow.organization_id == organization_id
    patients = AuditRow.patient_id.in_(select(VisitRow.patient_id).where(own))
    agreed = (
        select(Organization.name)
        .join(CareAgreement, CareAgreement.doctor_organization_id == Organization.id)
        .where(CareAgreement.home_organization_id == organization_id)
    )
    theirs = and_(AuditRow.organization.in_(agreed), or_(AuditRow.action == "visits_listed", patients))
    without_visit = or_(
        AuditRow.organization == organization,
        AuditRow.action.in_(SEEN_BY_ALL),
        theirs,
        and_(AuditRow.purpose == "emergency", patients),
    )
    return or_(AuditRow.visit_id.in_(select(VisitRow.id).where(own)), and_(AuditRow.visit_id.is_(None), without_visit))


def day_of(text: str) -> date:
    """Raises: Refused: 422 `bad_day`: not a day of the calendar."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused(422, "bad_day") from None
    if not _EARLIEST <= day <= _LATEST:
        raise Refused(422, "bad_day")
    return day


def monday_of(text: str) -> date:
    """Raises: Refused: 422 `bad_day`: not a Monday."""
    day = day_of(text)
    if day.weekday() != 0:
        raise Refused(422, "bad_day")
    return day


def span_of(hub: Hub, first: date, days: int) -> tuple[datetime, datetime]:
    """From midnight to midnight where the care is given; the second is not part of it."""
    zone = zone_of(hub)
    return datetime.combine(first, time(), zone), datetime.combine(first + timedelta(days=days), time(), zone)


def names_of(session: Session, rows: list[AuditRow]) -> list[NamedPatient]:
    """The patients of rows, by name; of a protected one the page says that much and no more."""
    ids = {row.patient_id for row in rows if row.patient_id is not None}
    found = session.scalars(select(PatientRow).where(PatientRow.id.in_(ids)).order_by(PatientRow.name, PatientRow.id))
    return [NamedPatient(id=row.id, name="" if protection_of(session, row.id) else row.name) for row in found]
