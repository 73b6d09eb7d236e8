"""Tickets with which the nurse's page opens its socket at the kit: in memory, one use, 30 seconds, one cookie.

The kit's own page needs them as the hub's do: cookies do not tell ports apart, so another program's page on this
machine is the same site to a browser (RFC 6265 section 8.5).
"""

import hashlib
import secrets
from collections.abc import Callable

from carebag_wire.socket_ticket import VALID

MOST = 64
"""That wait to be used; beyond it the oldest go. A kit has one nurse with a few tabs."""


class PageTickets:
    """Those that were not used yet.

    Args:
        monotonic_s: seconds that only grow.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._waiting: dict[str, tuple[str, float]] = {}

    def issue(self, cookie: str) -> str:
        """A ticket for whoever has this cookie, which the caller has found good."""
        now = self._monotonic_s()
        self._waiting = {one: (of, until) for one, (of, until) in self._waiting.items() if until > now}
        while len(self._waiting) >= MOST:
            self._waiting.pop(next(iter(self._waiting)))
        ticket = secrets.token_urlsafe(32)
        self._waiting[_digest(ticket)] = (_digest(cookie), now + VALID.total_seconds())
        return ticket

    def redeem(self, ticket: str, cookie: str) -> bool:
        """Use it up; False if it was used, is too old, or is another cookie's."""
        of, until = self._waiting.get(_digest(ticket), ("", 0.0))
        if of != _digest(cookie) or self._monotonic_s() >= until:
            return False
        del self._waiting[_digest(ticket)]
        return True


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
