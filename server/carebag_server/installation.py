"""Whether a store is a demo's or real: stamped once, and never opened as the other."""

from datetime import datetime

from carebag_server.database import Database
from carebag_server.tables import Installation

_ID = 1


class WrongInstallation(Exception):
    """A demo's database in production, or a production database in a demo."""


def stamp(database: Database, demo: bool, now: datetime) -> None:
    """Stamp an unstamped store, or check the stamp.

    Raises:
        WrongInstallation: it is stamped as the other kind.
    """
    kind = "demo" if demo else "production"
    with database.transaction() as session:
        row = session.get(Installation, _ID)
        if row is None:
            session.add(Installation(id=_ID, kind=kind, created_at=now))
        elif row.kind != kind:
            raise WrongInstallation(f"this database is a {row.kind} one")
