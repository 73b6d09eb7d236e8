"""Default deny: every route names its policy by its caller's type, and the application refuses to be built otherwise.

    def list_visits(caller: Doctor, hub: TheHub) -> …

A policy says which kind of caller may come in; which visits that caller may see is `relations.py`.
"""

import hashlib
import uuid
from typing import Annotated, Literal

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from carebag_server import guests, sessions, socket_tickets
from carebag_server.callers import GuestCaller, KitCaller, PersonCaller, Visitor
from carebag_server.guards import QUIET
from carebag_server.hub import Hub, hub_of
from carebag_server.kit_keys import prove
from carebag_server.refusals import Refused
from carebag_server.tables import Kit, Organization
from carebag_wire.kit_proof import EMPTY_SHA256, BadProof, read_proof
from carebag_wire.socket_ticket import shown

SLOT_HEADER = "x-carebag-as"
"""Names the signed-in slot that a request uses. A page of another origin cannot set it, so forged requests fail."""
_SAFE = {"GET", "HEAD", "OPTIONS"}


class RouteWithoutPolicy(Exception):
    """A route that does not say who may call it."""


class Policy:
    """What every route has exactly one of; `callers` is for the table in the tests."""

    callers: frozenset[str] = frozenset()


class OpenToAnyone(Policy):
    """No sign-in needed; unsafe methods still only from the hub's own pages."""

    callers = frozenset({"anyone"})

    def __call__(self, connection: HTTPConnection) -> Visitor:
        if connection.scope.get("method", "GET") not in _SAFE:
            _require_own_origin(connection)
        if connection.url.path.startswith("/api/"):
            hub_of(connection).keep_pace("address", address_of(connection))
        return Visitor(address=address_of(connection), request_ref=request_ref_of(connection))


class OpenToMachines(Policy):
    """No sign-in needed, and no page may ask: what a machine proves is in the request's body."""

    callers = frozenset({"anyone"})

    def __call__(self, connection: HTTPConnection) -> Visitor:
        _require_no_page(connection)
        hub_of(connection).keep_pace("address", address_of(connection))
        return Visitor(address=address_of(connection), request_ref=request_ref_of(connection))


class ForPerson(Policy):
    """Signed in, in one of these roles, and on an unsafe method or a WebSocket from the hub's own pages.

    Args:
        by_query: the slot may come as `?as=…`, for what a browser fetches without headers (images, WebSockets).
        proving: also from a locked session, for what asks or proves who somebody is. It does not count as use.
        by_itself: what a page does without a hand on it, as a socket that comes back; it does not count as use.
        ticket: of which socket a ticket must be shown.
    """

    def __init__(
        self,
        *roles: str,
        by_query: bool = False,
        proving: bool = False,
        by_itself: bool = False,
        ticket: socket_tickets.Socket | None = None,
    ) -> None:
        self.callers = frozenset(roles)
        self.by_query = by_query
        self.proving = proving
        self.counts = not (proving or by_itself)
        self.ticket = ticket

    def __call__(self, connection: HTTPConnection) -> PersonCaller:
        if connection.scope.get("method", "WEBSOCKET") not in _SAFE:
            _require_own_origin(connection)
        slot = connection.headers.get(SLOT_HEADER)
        if slot is None and self.by_query:
            slot = connection.query_params.get("as")
        if slot not in sessions.SLOTS:
            raise Refused(400, "no_slot")
        hub = hub_of(connection)
        now, cookie = hub.now(), sessions.cookie_name(slot, hub.settings.secure_cookies)
        with hub.database.reading() as session:
            found = sessions.find(session, connection.cookies.get(cookie), slot, now, proving=self.proving)
        hub.keep_pace("person", str(found.session_id))
        if slot not in self.callers:
            raise Refused(403, "wrong_role")
        if self.counts and found.to_be_touched(now) and not sessions.touch(hub.database, found.session_id, now):
            raise Refused(401, "session_ended")
        if self.ticket is not None:
            _require_ticket(hub, connection, self.ticket, found.session_id)
        return PersonCaller(
            person=found.who.person,
            organization_id=found.who.organization_id,
            session_id=found.session_id,
            address=address_of(connection),
            request_ref=request_ref_of(connection),
        )


class ForGuest(Policy):
    """A guest of one open visit, known by the cookie of the browser that used the link.

    Args:
        ticket: whether a ticket of the guest's socket must be shown.
    """

    callers = frozenset({"guest"})

    def __init__(self, ticket: bool = False) -> None:
        self.ticket = ticket

    def __call__(self, connection: HTTPConnection) -> GuestCaller:
        if connection.scope.get("method", "WEBSOCKET") not in _SAFE:
            _require_own_origin(connection)
        hub = hub_of(connection)
        cookie = connection.cookies.get(guests.cookie_name(hub.settings.secure_cookies))
        with hub.database.reading() as session:
            caller = guests.find(session, cookie, hub.now(), address_of(connection), request_ref_of(connection))
        hub.keep_pace("guest", str(caller.guest.guest_id))
        if self.ticket:
            _require_ticket(hub, connection, "guest", caller.guest.guest_id)
        return caller


class ForKit(Policy):
    """A request that the kit's key signed.

    Args:
        body: where its digest is from: the body as read, or the address (`in_path`, where the route checks the body).
    """

    callers = frozenset({"kit"})

    def __init__(self, body: Literal["read", "in_path", "none"] = "read") -> None:
        self.body = body

    async def __call__(self, connection: HTTPConnection) -> KitCaller:
        _require_no_page(connection)
        digest = await self._digest(connection)
        caller = await run_in_threadpool(_proven_kit, hub_of(connection), connection, digest)
        hub_of(connection).keep_pace("kit", str(caller.kit_id))
        return caller

    async def _digest(self, connection: HTTPConnection) -> str:
        if self.body == "in_path":
            return str(connection.path_params["sha256"])
        if self.body == "read" and isinstance(connection, Request):
            return hashlib.sha256(await connection.body()).hexdigest()
        return EMPTY_SHA256


def _proven_kit(hub: Hub, connection: HTTPConnection, body_sha256: str) -> KitCaller:
    method = connection.scope.get("method", "GET")
    header = connection.headers.get("authorization")
    with hub.database.transaction() as session:
        try:
            kit_id = prove(session, header, method, target_of(connection), body_sha256, hub.now())
        except Refused as refused:
            connection.scope[QUIET] = _told_apart(hub, header, refused.code)
            raise
        kit = session.get_one(Kit, kit_id)
        organization = session.get_one(Organization, kit.organization_id)
        return KitCaller(
            kit_id=kit.id,
            name=kit.name,
            unit=kit.unit,
            organization_id=organization.id,
            organization=organization.name,
            address=address_of(connection),
            request_ref=request_ref_of(connection),
            public_key=kit.public_key,
        )


def _told_apart(hub: Hub, header: str | None, code: str) -> bool:
    """Whether the refusal of this kit has its one line an hour in the log, and needs none of its own."""
    try:
        claimed = read_proof(header).kit_id
    except BadProof:
        return False
    return hub.refused_kits.refused(claimed, code, hub.now().timestamp())


def _require_own_origin(connection: HTTPConnection) -> None:
    if connection.headers.get("origin") not in hub_of(connection).settings.origins:
        raise Refused(403, "foreign_origin")


def _require_no_page(connection: HTTPConnection) -> None:
    """A browser that sends no Origin still says whose page asks (Fetch Metadata); kits say neither."""
    if "origin" in connection.headers or "sec-fetch-site" in connection.headers:
        raise Refused(403, "foreign_origin")


def _require_ticket(hub: Hub, connection: HTTPConnection, socket: socket_tickets.Socket, holder_id: uuid.UUID) -> None:
    ticket = shown(connection.scope.get("subprotocols", ()))
    with hub.database.transaction() as session:
        socket_tickets.redeem(session, ticket, socket, holder_id, hub.now())


def target_of(connection: HTTPConnection) -> str:
    """Path and query as they came over the wire."""
    path = connection.scope.get("raw_path") or connection.scope["path"].encode()
    query = connection.scope.get("query_string", b"")
    return bytes(path + (b"?" + query if query else b"")).decode("latin-1")


def address_of(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""


def request_ref_of(connection: HTTPConnection) -> str:
    """Given by `guards.RequestGuard`; ties a log line, an answer and an audit row together."""
    return str(connection.scope.get("carebag_request_ref", ""))


Anyone = Annotated[Visitor, Depends(OpenToAnyone())]
NotABrowser = Annotated[Visitor, Depends(OpenToMachines())]
Doctor = Annotated[PersonCaller, Depends(ForPerson("doctor"))]
DoctorByQuery = Annotated[PersonCaller, Depends(ForPerson("doctor", by_query=True))]
DoctorByItself = Annotated[PersonCaller, Depends(ForPerson("doctor", by_itself=True))]
DoctorConnecting = Annotated[
    PersonCaller, Depends(ForPerson("doctor", by_query=True, by_itself=True, ticket="console"))
]
Reviewer = Annotated[PersonCaller, Depends(ForPerson("reviewer"))]
ReviewerByQuery = Annotated[PersonCaller, Depends(ForPerson("reviewer", by_query=True))]
Administrator = Annotated[PersonCaller, Depends(ForPerson("administrator"))]
AnyPerson = Annotated[PersonCaller, Depends(ForPerson(*sessions.SLOTS))]
"""Of what is one's own: who one is, sessions, keys. Nothing of a patient."""
AnyProving = Annotated[PersonCaller, Depends(ForPerson(*sessions.SLOTS, proving=True))]
AnyProvingByQuery = Annotated[PersonCaller, Depends(ForPerson(*sessions.SLOTS, by_query=True, proving=True))]
TheGuest = Annotated[GuestCaller, Depends(ForGuest())]
TheGuestConnecting = Annotated[GuestCaller, Depends(ForGuest(ticket=True))]
TheKit = Annotated[KitCaller, Depends(ForKit())]
TheKitUploading = Annotated[KitCaller, Depends(ForKit("in_path"))]
TheKitConnecting = Annotated[KitCaller, Depends(ForKit("none"))]


def policies(app: FastAPI) -> dict[str, Policy]:
    """Every route with its policy, `METHOD /path`.

    Raises:
        RouteWithoutPolicy: a route has none, several, or is of a kind that cannot have one.
    """
    table = {}
    for route in app.routes:
        if not isinstance(route, APIRoute | APIWebSocketRoute):
            raise RouteWithoutPolicy(type(route).__name__)
        found = [call for call in _calls(route.dependant) if isinstance(call, Policy)]
        if len(found) != 1:
            raise RouteWithoutPolicy(route.path)
        methods = sorted(route.methods or ()) if isinstance(route, APIRoute) else ["WEBSOCKET"]
        table.update({f"{method} {route.path}": found[0] for method in methods})
    return table


def _calls(dependant: Dependant) -> list[object]:
    return [dependant.call, *(call for inner in dependant.dependencies for call in _calls(inner))]
