"""Rows that a long transaction needs again and again are read once."""

from sqlalchemy import event
from sqlalchemy.orm import Session

_HELD = "held"


def keep_at_hand(session: Session) -> None:
    """What this session reads or writes stays in its memory until it ends; by itself it forgets what nobody else holds.

    For a batch of records: the visit and the head of the access log are not asked for with each of them.
    """
    held: list[object] = session.info.setdefault(_HELD, [])
    event.listen(session, "loaded_as_persistent", lambda _session, row: held.append(row))
    event.listen(session, "pending_to_persistent", lambda _session, row: held.append(row))
