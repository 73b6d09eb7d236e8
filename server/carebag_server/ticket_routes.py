"""A page asks for the ticket of its next socket, at the socket's own address with `/ticket` after it."""

from carebag_server import socket_tickets
from carebag_server.access import DoctorByItself, TheGuest
from carebag_server.api_router import api_router
from carebag_server.hub import TheHub
from carebag_wire.socket_ticket import SocketTicket

router = api_router("/api/ws", "session")


@router.post("/console/ticket", status_code=201)
def console_ticket(caller: DoctorByItself, hub: TheHub) -> SocketTicket:
    with hub.database.transaction() as session:
        return SocketTicket(ticket=socket_tickets.issue(session, "console", caller.session_id, hub.now()))


@router.post("/guest/ticket", status_code=201)
def guest_ticket(caller: TheGuest, hub: TheHub) -> SocketTicket:
    with hub.database.transaction() as session:
        return SocketTicket(ticket=socket_tickets.issue(session, "guest", caller.guest.guest_id, hub.now()))
