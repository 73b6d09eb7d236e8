"""Guests of a visit: invited by doctor or nurse with the patient's consent, let in by a person, gone with the visit.

A link works for half an hour and once; whoever used it is known by a cookie from then on and may come and go without a
new one. A guest sees and hears people, and the examination if that was allowed: no value, no note, no chart.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server import sessions
from carebag_server.announcements import announce_changed
from carebag_server.audit import Act, Actor, append
from carebag_server.callers import GuestCaller, KitCaller, PersonCaller, Visitor
from carebag_server.hub import Hub
from carebag_server.people import nurse_commission, person_of
from carebag_server.refusals import Refused, not_found
from carebag_server.relations import visible_visit
from carebag_server.tables import GuestRow, Organization, VisitRow
from carebag_server.visit_views import guest_of, guest_state
from carebag_server.visits import act_on
from carebag_wire.base import uuid7
from carebag_wire.guests import Guest, GuestAct, GuestEnters, GuestInvited, GuestSelf, InviteGuest

LINK_VALID = timedelta(minutes=30)
"""Until the first use."""
STAY = sessions.ABSOLUTE
"""After the invitation, if nobody closes the visit."""
MOST = 3
_DONE: dict[GuestAct, str] = {
    "admit": "guest_admitted",
    "end": "guest_ended",
    "show_camera": "guest_camera_on",
    "hide_camera": "guest_camera_off",
    "show_examination": "guest_examination_on",
    "hide_examination": "guest_examination_off",
}


@dataclass(frozen=True)
class Host:
    """Who invites and lets in: the doctor, or the nurse by way of her kit."""

    caller: PersonCaller | KitCaller
    name: str
    actor: Actor


def doctor_as_host(caller: PersonCaller) -> Host:
    return Host(caller, caller.person.name, caller.actor())


def nurse_as_host(session: Session, kit: KitCaller, nurse_id: uuid.UUID) -> Host:
    """Raises: Refused: 403 `no_commission`."""
    commission = nurse_commission(session, nurse_id, kit.organization_id)
    if commission is None or commission.ended_at is not None:
        raise Refused(403, "no_commission")
    name = person_of(session, commission).name
    return Host(kit, name, kit.actor(name))


def invite(hub: Hub, session: Session, host: Host, visit_id: uuid.UUID, wanted: InviteGuest) -> GuestInvited:
    """Make a link.

    Raises:
        Refused: 404 `not_found`; 409 `visit_closed`, `consent_missing`, `too_many_guests`.
    """
    visit, now = visible_visit(session, host.caller, visit_id, hub.now()), hub.now()
    if visit.state == "closed":
        raise Refused(409, "visit_closed")
    if not wanted.consent:
        raise Refused(409, "consent_missing")
    here = session.scalars(select(GuestRow).where(GuestRow.visit_id == visit.id))
    if sum(guest_state(row, visit, now) != "ended" for row in here) >= MOST:
        raise Refused(409, "too_many_guests")
    token = sessions.new_token()
    row = GuestRow(
        id=uuid7(int(now.timestamp() * 1000)),
        visit_id=visit.id,
        role=wanted.role,
        name=wanted.name,
        camera=wanted.camera or wanted.examination,
        examination=wanted.examination,
        token_sha256=sessions.digest(token),
        invited_by=host.name,
        invited_at=now,
        link_expires_at=now + LINK_VALID,
    )
    session.add(row)
    session.flush()
    guest = _say(hub, session, host.actor, visit, row, "guest_invited")
    if row.examination:
        append(session, host.actor, act_on(visit, _DONE["show_examination"], _object(row)), now)
    # in the fragment, which no server and no log sees
    return GuestInvited(guest=guest, url=f"{hub.settings.origins[0]}/guest/#token={token}")


def do(hub: Hub, session: Session, host: Host, visit_id: uuid.UUID, guest_id: uuid.UUID, act: GuestAct) -> Guest:
    """Let in, show out, let see and hear the examination or no more.

    Raises:
        Refused: 404 `not_found`; 409 `guest_gone` (ended), `guest_not_here` (nobody used the link yet).
    """
    visit, now = visible_visit(session, host.caller, visit_id, hub.now()), hub.now()
    row = session.get(GuestRow, guest_id)
    if row is None or row.visit_id != visit.id:
        raise not_found()
    state = guest_state(row, visit, now)
    if state == "ended":
        raise Refused(409, "guest_gone")
    if act == "admit" and state == "invited":
        raise Refused(409, "guest_not_here")
    if not _changes(row, act):
        return guest_of(row, visit, now)
    if act == "admit":
        row.admitted_at, row.admitted_by = now, host.name
    elif act == "end":
        row.ended_at, row.ended_by = now, host.name
    else:
        row.camera, row.examination = _shown(row, act)
    return _say(hub, session, host.actor, visit, row, _DONE[act])


def _changes(row: GuestRow, act: GuestAct) -> bool:
    """Whether the act does something: a double click is one act and one row in the log."""
    if act == "admit":
        return row.admitted_at is None
    return act == "end" or (row.camera, row.examination) != _shown(row, act)


def _shown(row: GuestRow, act: GuestAct) -> tuple[bool, bool]:
    """Camera and examination after the act: who takes back one takes back both."""
    if act == "show_camera":
        return True, row.examination
    return (act == "show_examination",) * 2


# The guest


def cookie_name(secure: bool) -> str:
    return sessions.cookie_name("guest", secure)


def look(session: Session, token: str, cookie: str | None, now: datetime) -> GuestSelf:
    """Whether a link may be used by this browser; it is not used up by looking.

    Raises:
        Refused: 410 `guest_link_unknown`, `guest_link_used`, `guest_link_expired`, `guest_revoked`, `guest_visit_over`.
    """
    row, visit = _by_link(session, token, cookie, now)
    return _self(row, visit, now)


def enter(hub: Hub, session: Session, visitor: Visitor, said: GuestEnters, cookie: str | None) -> tuple[GuestSelf, str]:
    """Use the link up, or come back with it in the browser that used it; returns the guest and the cookie's value.

    Raises:
        Refused: as `look`.
    """
    now = hub.now()
    row, visit = _by_link(session, said.token, cookie, now)
    if cookie is None or row.cookie_sha256 is None:
        cookie = sessions.new_token()
        row.cookie_sha256, row.came_at, row.said_name = sessions.digest(cookie), now, said.name
        caller = _caller(session, row, visit, now, visitor.address, visitor.request_ref)
        _say(hub, session, caller.actor(), visit, row, "guest_came")
    return _self(row, visit, now), cookie


def find(session: Session, cookie: str | None, now: datetime, address: str, request_ref: str) -> GuestCaller:
    """The guest of a cookie.

    Raises:
        Refused: 401 `guest_not_known`; 410 `guest_revoked`, `guest_visit_over`.
    """
    row = None
    if cookie:
        row = session.scalars(select(GuestRow).where(GuestRow.cookie_sha256 == sessions.digest(cookie))).first()
    if row is None:
        raise Refused(401, "guest_not_known")
    visit = session.get_one(VisitRow, row.visit_id)
    _alive(row, visit, now)
    return _caller(session, row, visit, now, address, request_ref)


def still_welcome(session: Session, guest_id: uuid.UUID, now: datetime) -> str | None:
    """Why a guest's socket must be closed, as a code; None while it may stay open."""
    row = session.get(GuestRow, guest_id)
    if row is None:
        return "guest_not_known"
    try:
        _alive(row, session.get_one(VisitRow, row.visit_id), now)
    except Refused as refused:
        return refused.code
    return None


def as_of(session: Session, guest_id: uuid.UUID, now: datetime) -> Guest | None:
    """A guest whose page is open, as it is now; nothing of the patient, so nothing in the log."""
    row = session.get(GuestRow, guest_id)
    return None if row is None else guest_of(row, session.get_one(VisitRow, row.visit_id), now)


def joined(hub: Hub, session: Session, caller: GuestCaller) -> Guest:
    """A guest's page is open: note it in the log, each time.

    Raises:
        Refused: 410, as `find`.
    """
    row, now = session.get_one(GuestRow, caller.guest.guest_id), hub.now()
    visit = session.get_one(VisitRow, row.visit_id)
    _alive(row, visit, now)
    action = "guest_joined" if row.admitted_at else "guest_at_door"
    append(session, caller.actor(), act_on(visit, action, _object(row)), now)
    return guest_of(row, visit, now)


def left(hub: Hub, session: Session, caller: GuestCaller) -> None:
    """The page was closed, or its way here broke."""
    act = Act(
        action="guest_left",
        object=f"guest {caller.guest.guest_id} {caller.guest.role}",
        patient_id=caller.patient_id,
        visit_id=caller.guest.visit_id,
    )
    append(session, caller.actor(), act, hub.now())


def _by_link(session: Session, token: str, cookie: str | None, now: datetime) -> tuple[GuestRow, VisitRow]:
    row = session.scalars(select(GuestRow).where(GuestRow.token_sha256 == sessions.digest(token))).first()
    if row is None:
        raise Refused(410, "guest_link_unknown")
    visit = session.get_one(VisitRow, row.visit_id)
    _alive(row, visit, now)
    if row.cookie_sha256 is not None and (cookie is None or row.cookie_sha256 != sessions.digest(cookie)):
        raise Refused(410, "guest_link_used")
    if row.cookie_sha256 is None and now >= row.link_expires_at:
        raise Refused(410, "guest_link_expired")
    return row, visit


def _alive(row: GuestRow, visit: VisitRow, now: datetime) -> None:
    if row.ended_at is not None:
        raise Refused(410, "guest_revoked")
    if visit.state == "closed" or now - row.invited_at >= STAY:
        raise Refused(410, "guest_visit_over")


def _caller(
    session: Session, row: GuestRow, visit: VisitRow, now: datetime, address: str, request_ref: str
) -> GuestCaller:
    return GuestCaller(
        guest=_self(row, visit, now),
        patient_id=visit.patient_id,
        kit_id=visit.kit_id,
        organization=session.get_one(Organization, visit.organization_id).name,
        address=address,
        request_ref=request_ref,
    )


def _self(row: GuestRow, visit: VisitRow, now: datetime) -> GuestSelf:
    return GuestSelf.model_validate(
        {
            "guest_id": row.id,
            "visit_id": row.visit_id,
            "role": row.role,
            "name": row.said_name or row.name,
            "state": guest_state(row, visit, now),
            "valid_until": row.invited_at + STAY,
        }
    )


def _say(hub: Hub, session: Session, actor: Actor, visit: VisitRow, row: GuestRow, action: str) -> Guest:
    """Log the act and tell the room."""
    append(session, actor, act_on(visit, action, _object(row)), hub.now())
    session.flush()
    guest = guest_of(row, visit, hub.now())
    announce_changed(session, visit, {"guest": guest})
    return guest


def _object(row: GuestRow) -> str:
    return f"guest {row.id} {row.role}"
