"""Rows of the access log, many of them, read a page at a time: nobody waits for it, and nobody holds all in memory.

That they are read is a row of its own, committed before the first is read: rows after that one are not told.
"""

import uuid
from collections.abc import Iterator

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from carebag_server.audit import event_of
from carebag_server.database import Database
from carebag_server.patients import same_person
from carebag_server.refusals import not_found
from carebag_server.tables import AuditRow, VisitRow
from carebag_wire.api import AuditEvent

PAGE = 1000


def rows_upto(database: Database, last: int, *wanted: ColumnElement[bool]) -> Iterator[AuditRow]:
    """Those that are wanted, in order.

    Args:
        last: number of the row that says that they are read; it is the last that may be among them.
    """
    after = 0
    query = select(AuditRow).where(*wanted, AuditRow.seq <= last).order_by(AuditRow.seq).limit(PAGE)
    while True:
        with database.reading() as session:
            rows = session.scalars(query.where(AuditRow.seq > after)).all()
            session.expunge_all()
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1].seq


def events_upto(database: Database, last: int, *wanted: ColumnElement[bool]) -> Iterator[AuditEvent]:
    """As `rows_upto`, as the pages have them."""
    return map(event_of, rows_upto(database, last, *wanted))


def of_person(session: Session, organization_id: uuid.UUID | None, patient_id: uuid.UUID) -> ColumnElement[bool]:
    """Rows about a patient, under every identity that is the same person now, and about their visits.

    Args:
        organization_id: of which one visit at least must be; None: it need not be of anybody.

    Raises:
        Refused: 404 `not_found`.
    """
    identities = same_person(session, patient_id)
    visits = select(VisitRow.id).where(VisitRow.patient_id.in_(identities))
    if organization_id is not None:
        ours = visits.where(VisitRow.organization_id == organization_id).limit(1)
        if session.scalars(ours).first() is None:
            raise not_found()
    return or_(AuditRow.patient_id.in_(identities), AuditRow.visit_id.in_(visits))
