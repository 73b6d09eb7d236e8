"""Which visits a hub may have changed and told nobody: those with an act in the access log from its last seconds."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from carebag_server.database import Database
from carebag_server.tables import AuditRow, VisitRow

MARGIN = timedelta(seconds=15)
"""A hub is declared gone within 2 s; the rest is for clocks that differ."""
LOOKED_AT = 5000
"""Rows of the log, from its end."""


@dataclass(frozen=True)
class Touched:
    visits: frozenset[uuid.UUID]
    kits: frozenset[uuid.UUID]
    """Whose visits these are."""


def touched_lately(database: Database, now: Callable[[], datetime]) -> Touched:
    """Blocking: call it in a worker thread."""
    with database.reading() as session:
        newest = select(AuditRow.visit_id, AuditRow.at).order_by(AuditRow.seq.desc()).limit(LOOKED_AT)
        since = now() - MARGIN
        visits = {visit_id for visit_id, at in session.execute(newest) if visit_id is not None and at >= since}
        kits = session.scalars(select(VisitRow.kit_id).where(VisitRow.id.in_(visits))).all() if visits else []
        return Touched(frozenset(visits), frozenset(kits))
