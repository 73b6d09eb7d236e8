"""What a page shows when it opens a WebSocket: a ticket that it fetched just before, in `Sec-WebSocket-Protocol`.

A browser sends no headers of a page's own with a WebSocket, and an address ends up in logs; the list of subprotocols
(RFC 6455 section 11.3.4) does not. The page offers `SUBPROTOCOL` and `PREFIX` + ticket; the answer is `SUBPROTOCOL`.
The ticket is asked for at the socket's own address with `/ticket` after it.
"""

from collections.abc import Iterable
from datetime import timedelta

from pydantic import Field

from carebag_wire.base import Wire

SUBPROTOCOL = "carebag"
PREFIX = "ticket."
VALID = timedelta(seconds=30)
"""From the ticket to the socket: a new connection over a slow line, and no longer."""


class SocketTicket(Wire):
    """256 random bits, base64url; opens one socket, once."""

    ticket: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")


def shown(subprotocols: Iterable[str]) -> str | None:
    """The ticket among the offered subprotocols; None where there is not exactly one."""
    tickets = [one.removeprefix(PREFIX) for one in subprotocols if one.startswith(PREFIX)]
    return tickets[0] if len(tickets) == 1 else None
