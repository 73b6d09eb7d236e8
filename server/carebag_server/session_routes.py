"""Signing in by one-time link, the demo's doors, who I am, and signing out; locks and proofs: `proving_routes.py`."""

import re
from collections.abc import Sequence
from datetime import datetime

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server import earlier_access, sessions
from carebag_server.access import Anyone, AnyPerson, AnyProving, address_of
from carebag_server.api_router import api_router
from carebag_server.audit import Act, Actor, append
from carebag_server.callers import Visitor
from carebag_server.hub import Hub, TheHub
from carebag_server.people import Commissioned, commissioned
from carebag_server.refusals import Refused, not_found
from carebag_server.settings import is_loopback
from carebag_server.short_lived import sweep
from carebag_server.tables import Commission, Practitioner
from carebag_wire import PROTOCOL
from carebag_wire.api import Door, Entered, Health, LinkToken, Me
from carebag_wire.visit import Person, Role

router = api_router("/api", "session")
NEXT: dict[Role, str] = {"doctor": "/doctor/", "reviewer": "/review/", "administrator": "/admin/"}
_DOOR_ORDER: tuple[Role, ...] = ("nurse", "doctor", "reviewer", "administrator")
_DOOR_HOST = re.compile(r"(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")


@router.get("/health")
def health(visitor: Anyone, hub: TheHub) -> Health:
    with hub.database.reading() as session:
        session.execute(select(1))
    if not hub.live.sharing.is_in:
        raise Refused(503, "busy")
    return Health(status="ok", protocol=PROTOCOL, demo=hub.settings.demo)


@router.post("/session/link")
def enter_by_link(link: LinkToken, visitor: Anyone, hub: TheHub, request: Request, response: Response) -> Entered:
    """In a demo only: a link alone is one factor (HSLF-FS 2016:40 ch. 3 s. 15). An operator's makes a passkey."""
    if not hub.settings.demo:
        raise Refused(410, "link_unknown")
    with hub.database.transaction() as session:
        who = commissioned(session, sessions.redeem_link(session, link.token, hub.now()))
        if who is None:
            raise Refused(410, "link_unknown")
        return sign_in(hub, session, who, visitor, response, "link", had_in(request, who, hub))


def sign_in(
    hub: Hub,
    session: Session,
    who: Commissioned,
    visitor: Visitor,
    response: Response,
    by: sessions.Proof,
    before: Sequence[str],
    proved_at: datetime | None = None,
) -> Entered:
    """Begin a session in the slot of the commission's role, in place of `before`, and say where to go.

    Args:
        proved_at: when the person proved who they are; None: now.
    """
    person = who.person
    sweep(session, hub.now())
    token = sessions.start(session, person.commission_id, hub.now(), by, before, proved_at)
    append(session, actor_signing_in(person, visitor), Act(action="signed_in", object=f"by {by}"), hub.now())
    give_cookie(hub, response, person.role, token)
    if person.role == "nurse":
        code = sessions.issue_nurse_code(session, person.commission_id, hub.now())
        return Entered(role="nurse", next=f"{hub.settings.kit_page_origin}/#code={code}")
    return Entered(role=person.role, next=NEXT[person.role])


def had_in(request: Request, who: Commissioned, hub: Hub) -> list[str]:
    """Digest of the token that this browser has now in the slot of somebody's role, if any."""
    token = request.cookies.get(sessions.cookie_name(who.person.role, hub.settings.secure_cookies))
    return [sessions.digest(token)] if token else []


def give_cookie(hub: Hub, response: Response, slot: Role, token: str) -> None:
    response.set_cookie(
        sessions.cookie_name(slot, hub.settings.secure_cookies),
        token,
        max_age=int(sessions.ABSOLUTE.total_seconds()),
        path="/",
        secure=hub.settings.secure_cookies,
        httponly=True,
        samesite="strict",
    )


def actor_signing_in(person: Person, visitor: Visitor) -> Actor:
    return Actor(
        practitioner=person.name,
        role=person.role,
        care_unit=person.unit,
        organization=person.organization,
        purpose="sign_in",
        origin=visitor.address,
        request_ref=visitor.request_ref,
    )


@router.post("/session/end", status_code=204)
def sign_out(caller: AnyProving, hub: TheHub, response: Response) -> None:
    with hub.database.transaction() as session:
        earlier_access.end_with_session(hub, session, caller)
        sessions.end(session, caller.session_id, hub.now())
        append(session, caller.actor(), Act(action="signed_out", object="session"), hub.now())
    secure = hub.settings.secure_cookies
    name = sessions.cookie_name(caller.person.role, secure)
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")


@router.get("/me")
def me(caller: AnyPerson, hub: TheHub) -> Me:
    return Me(**caller.person.model_dump(), time_zone=hub.settings.time_zone)


@router.get("/demo/doors")
def demo_doors(visitor: Anyone, hub: TheHub, request: Request) -> list[Door]:
    """Fresh links for the demo's people."""
    host = request.headers.get("host", "")
    if not at_the_demo(hub, request):
        raise not_found()
    with hub.database.transaction() as session:
        found = session.scalars(select(Commission).where(Commission.ended_at.is_(None))).all()
        by_role = {commission.role: commission for commission in found}
        return [_door(hub, session, by_role[role], f"http://{host}") for role in _DOOR_ORDER if role in by_role]


def at_the_demo(hub: Hub, request: Request) -> bool:
    """In a demo, from this machine, and asked for by its own name: nobody else gets in without a key.

    The Host header is checked because a page elsewhere could point its own name at this machine (DNS rebinding).
    """
    host = request.headers.get("host", "")
    return hub.settings.demo and is_loopback(address_of(request)) and _DOOR_HOST.fullmatch(host) is not None


def _door(hub: Hub, session: Session, commission: Commission, origin: str) -> Door:
    token = sessions.issue_link(session, commission.id, hub.now())
    name = session.get_one(Practitioner, commission.practitioner_id).name
    return Door.model_validate({"role": commission.role, "person": name, "url": f"{origin}/enter/#token={token}"})
