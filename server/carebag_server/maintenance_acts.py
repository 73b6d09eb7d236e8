"""What work on the database past the program is called in the access log, and which of it has not ended.

They hold no patient data; every medical lead sees them, for it is everybody's data that was open.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, Actor, append
from carebag_server.not_possible import NotPossible
from carebag_server.stored_records import Looked
from carebag_server.tables import AuditRow

_BEGAN, _ENDED = "maintenance_began", "maintenance_ended"
SEEN_BY_ALL = (_BEGAN, _ENDED, "records_checked")


@dataclass(frozen=True)
class OpenWork:
    """`number`: of the event that says it began."""

    number: int
    at: datetime
    by: str
    why: str


def open_works(session: Session) -> list[OpenWork]:
    """Begun and not ended, the oldest first."""
    begun: dict[int, OpenWork] = {}
    query = select(AuditRow).where(AuditRow.action.in_((_BEGAN, _ENDED))).order_by(AuditRow.seq)
    for row in session.scalars(query):
        if row.action == _BEGAN:
            begun[row.seq] = OpenWork(row.seq, row.at, row.practitioner, row.object.removeprefix("database "))
        else:
            begun.pop(int(row.object.split(" ")[1]), None)
    return list(begun.values())


def begin_work(session: Session, actor: Actor, why: str, now: datetime) -> int:
    """Number of the event, by which it is ended."""
    return append(session, actor, Act(action="maintenance_began", object=f"database {why}"), now).seq


def end_work(session: Session, actor: Actor, number: int, looked: Looked, now: datetime) -> None:
    """With what was found when what is signed was looked at.

    Raises:
        NotPossible: nothing was begun under that number, or it has ended.
    """
    the_open(session, number)
    append(session, actor, Act(action="maintenance_ended", object=f"maintenance {number} {counts(looked)}"), now)


def note_check(session: Session, actor: Actor, looked: Looked, now: datetime) -> None:
    append(session, actor, Act(action="records_checked", object=counts(looked)), now)


def the_open(session: Session, number: int) -> OpenWork:
    """Raises: NotPossible: nothing was begun under that number, or it has ended."""
    found = next((one for one in open_works(session) if one.number == number), None)
    if found is None:
        begun = session.scalar(select(AuditRow.action).where(AuditRow.seq == number)) == _BEGAN
        raise NotPossible(f"{number} has ended already" if begun else f"nothing was begun under {number}: see `list`")
    return found


def counts(looked: Looked) -> str:
    return f"records {looked.records} notes {looked.notes} faults {len(looked.faults)}"
