"""What waits to be sent to one socket: bounded, so that a slow reader costs only itself.

Live state is dropped first, the older of it sooner: each message has the full state. If nothing is left to drop, the
connection is given up; the client comes back and gets a snapshot, so nothing that matters is lost.
"""

from collections import deque

from carebag_wire.base import Wire
from carebag_wire.messages import KitStatus, Live

LIMIT = 256


class Outgoing:
    """A queue of messages for one connection.

    Args:
        limit: how many may wait.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._waiting: deque[Wire] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, message: Wire) -> bool:
        """Queue a message; False if the reader is so slow that the connection must be given up."""
        if isinstance(message, Live | KitStatus):
            self._drop_older(message)
        if len(self._waiting) >= self._limit and not self._drop_one_live():
            return isinstance(message, Live)  # a live message may be the one that is dropped
        self._waiting.append(message)
        return True

    def pop(self) -> Wire | None:
        return self._waiting.popleft() if self._waiting else None

    def _drop_older(self, message: Live | KitStatus) -> None:
        for index, waiting in enumerate(self._waiting):
            if _replaces(message, waiting):
                del self._waiting[index]
                return

    def _drop_one_live(self) -> bool:
        for index, waiting in enumerate(self._waiting):
            if isinstance(waiting, Live):
                del self._waiting[index]
                return True
        return False


def _replaces(new: Live | KitStatus, old: Wire) -> bool:
    """Whether the new message says all that the old one did."""
    if isinstance(new, KitStatus):
        return isinstance(old, KitStatus)
    if not isinstance(old, Live) or old.visit_id != new.visit_id:
        return False
    says_vitals = new.vitals is not None or old.vitals is None
    return says_vitals and (new.listening is None) == (old.listening is None) and not _has_marks(old)


def _has_marks(message: Live) -> bool:
    """Heart sound marks are said once: such a message is not replaced by the next."""
    return message.listening is not None and bool(message.listening.sound_marks)
