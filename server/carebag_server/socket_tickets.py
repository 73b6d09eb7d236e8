"""Tickets with which pages open their sockets: one use, 30 seconds, one session or guest, one kind of socket.

They are rows of the store, as digests: any hub on it takes what another one gave. A cookie alone opens no socket.
"""

import uuid
from datetime import datetime
from typing import Literal

from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from carebag_server import sessions
from carebag_server.refusals import Refused
from carebag_server.tables import Base
from carebag_wire.socket_ticket import VALID

Socket = Literal["console", "guest"]


class SocketTicketRow(Base, kw_only=True):
    """A ticket that was not used yet."""

    __tablename__ = "socket_ticket"
    ticket_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    socket: Mapped[str] = mapped_column(String(16))
    holder_id: Mapped[uuid.UUID]
    """The session (of one commission), or the guest (of one visit)."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


def issue(session: Session, socket: Socket, holder_id: uuid.UUID, now: datetime) -> str:
    """A new ticket; those that ran out are cleared away."""
    session.execute(delete(SocketTicketRow).where(SocketTicketRow.expires_at <= now))
    ticket = sessions.new_token()
    session.add(
        SocketTicketRow(
            ticket_sha256=sessions.digest(ticket), socket=socket, holder_id=holder_id, expires_at=now + VALID
        )
    )
    return ticket


def redeem(session: Session, ticket: str | None, socket: Socket, holder_id: uuid.UUID, now: datetime) -> None:
    """Use a ticket up; one statement, so that of two who come with it at once one gets in.

    Raises:
        Refused: 403 `no_ticket`; `ticket_refused` (used, too old, of another session, guest or socket, or no ticket).
    """
    if ticket is None:
        raise Refused(403, "no_ticket")
    used = session.execute(
        delete(SocketTicketRow)
        .where(
            SocketTicketRow.ticket_sha256 == sessions.digest(ticket),
            SocketTicketRow.socket == socket,
            SocketTicketRow.holder_id == holder_id,
            SocketTicketRow.expires_at > now,
        )
        .returning(SocketTicketRow.ticket_sha256)
    )
    if used.first() is None:
        raise Refused(403, "ticket_refused")
