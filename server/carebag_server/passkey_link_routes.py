"""A passkey by the operator's one-time link: the page asks what to make, and hands over what was made."""

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from sqlalchemy.orm import Session

from carebag_server import passkey_links
from carebag_server.access import Anyone
from carebag_server.api_router import api_router
from carebag_server.audit import Act, Actor, append
from carebag_server.callers import Visitor
from carebag_server.hub import Hub, TheHub
from carebag_server.refusals import Refused
from carebag_wire.api import LinkToken, PasskeyByLink, PasskeyOptions
from carebag_wire.visit import Person

router = api_router("/api/passkey/link", "session")
Found = TypeVar("Found")


@router.post("/options")
def passkey_link_options(link: LinkToken, visitor: Anyone, hub: TheHub, request: Request) -> PasskeyOptions:
    origin = request.headers["origin"]
    return _counted(hub, visitor, lambda session: passkey_links.offer(session, link.token, origin, hub.now()))


@router.post("/verify", status_code=204)
def passkey_link_verify(said: PasskeyByLink, visitor: Anyone, hub: TheHub, request: Request) -> None:
    origin = request.headers["origin"]

    def work(session: Session) -> None:
        person = passkey_links.register(session, said.token, origin, said.answer, hub.now())
        append(session, _actor(person, visitor), Act(action="passkey_added", object="passkey by link"), hub.now())

    _counted(hub, visitor, work)


def _actor(person: Person, visitor: Visitor) -> Actor:
    return Actor(
        practitioner=person.name,
        role=person.role,
        care_unit=person.unit,
        organization=person.organization,
        purpose="sign_in",
        origin=visitor.address,
        request_ref=visitor.request_ref,
    )


def _counted(hub: Hub, visitor: Visitor, work: Callable[[Session], Found]) -> Found:
    """Too many links that do not work, and the address has to wait. Raises: Refused: 429 `too_many_tries`."""
    now_s = hub.now().timestamp()
    if not hub.code_tries.allowed(visitor.address, now_s):
        raise Refused(429, "too_many_tries")
    try:
        with hub.database.transaction() as session:
            return work(session)
    except Refused as refused:
        if refused.status == 410:
            hub.code_tries.failed(visitor.address, now_s)
        raise
