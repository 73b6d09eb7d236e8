"""Whether a store is a demo's or real: stamped once, and never opened as the other."""

from datetime import datetime

from sqlalchemy import inspect, select

from carebag_server.database import Database
from carebag_server.tables import Installation

_ID = 1


class WrongInstallation(Exception):
    """A demo's database in production, or a production database in a demo."""


def check(database: Database, demo: bool) -> None:
    """A stamp that is there, before anything is changed; of any version's tables.

    Raises:
        WrongInstallation: it is of the other kind.
    """
    if not inspect(database.engine).has_table(Installation.__tablename__):
        return
    with database.reading() as session:
        kind = session.scalar(select(Installation.kind).where(Installation.id == _ID))
    if kind not in (None, _kind(demo)):
        raise WrongInstallation(f"this database is a {kind} one")


def _kind(demo: bool) -> str:
    return "demo" if demo else "production"


def stamp(database: Database, demo: bool, now: datetime) -> None:
    """Stamp an unstamped store, or check the stamp.

    Raises:
        WrongInstallation: it is stamped as the other kind.
    """
    kind = _kind(demo)
    with database.transaction() as session:
        row = session.get(Installation, _ID)
        if row is None:
            session.add(Installation(id=_ID, kind=kind, created_at=now))
        elif row.kind != kind:
            raise WrongInstallation(f"this database is a {row.kind} one")
