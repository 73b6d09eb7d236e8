"""Routes of guests: doctor and nurse invite and let in; the guest's own page looks at its link and enters."""

from fastapi import Request, Response

from carebag_server import guests
from carebag_server.access import Anyone, Doctor, TheGuest, TheKit
from carebag_server.api_router import api_router
from carebag_server.hub import TheHub
from carebag_wire.base import Id
from carebag_wire.guests import (
    Guest,
    GuestDo,
    GuestEnters,
    GuestInvited,
    GuestSelf,
    GuestToken,
    InviteGuest,
    NurseDoes,
    NurseInvites,
)

router = api_router("/api", "guests")


@router.post("/visits/{visit_id}/guests", status_code=201)
def invite_guest(visit_id: Id, wanted: InviteGuest, caller: Doctor, hub: TheHub) -> GuestInvited:
    with hub.database.transaction() as session:
        return guests.invite(hub, session, guests.doctor_as_host(caller), visit_id, wanted)


@router.post("/visits/{visit_id}/guests/{guest_id}")
def do_with_guest(visit_id: Id, guest_id: Id, said: GuestDo, caller: Doctor, hub: TheHub) -> Guest:
    with hub.database.transaction() as session:
        return guests.do(hub, session, guests.doctor_as_host(caller), visit_id, guest_id, said.act)


@router.post("/kit/visits/{visit_id}/guests", status_code=201)
def nurse_invites_guest(visit_id: Id, wanted: NurseInvites, caller: TheKit, hub: TheHub) -> GuestInvited:
    with hub.database.transaction() as session:
        return guests.invite(hub, session, guests.nurse_as_host(session, caller, wanted.nurse_id), visit_id, wanted)


@router.post("/kit/visits/{visit_id}/guests/{guest_id}")
def nurse_does_with_guest(visit_id: Id, guest_id: Id, said: NurseDoes, caller: TheKit, hub: TheHub) -> Guest:
    with hub.database.transaction() as session:
        host = guests.nurse_as_host(session, caller, said.nurse_id)
        return guests.do(hub, session, host, visit_id, guest_id, said.act)


@router.post("/guest/look")
def look_at_link(link: GuestToken, visitor: Anyone, hub: TheHub, request: Request) -> GuestSelf:
    """Whether the link still works; it is used up by entering only, so that a preview does not spoil it."""
    cookie = request.cookies.get(guests.cookie_name(hub.settings.secure_cookies))
    return hub.counted(
        hub.guest_tries, visitor.address, lambda session: guests.look(session, link.token, cookie, hub.now())
    )


@router.post("/guest/enter")
def enter_as_guest(said: GuestEnters, visitor: Anyone, hub: TheHub, request: Request, response: Response) -> GuestSelf:
    before = request.cookies.get(guests.cookie_name(hub.settings.secure_cookies))
    guest, cookie = hub.counted(
        hub.guest_tries, visitor.address, lambda session: guests.enter(hub, session, visitor, said, before)
    )
    response.set_cookie(
        guests.cookie_name(hub.settings.secure_cookies),
        cookie,
        max_age=int(guests.STAY.total_seconds()),
        path="/",
        secure=hub.settings.secure_cookies,
        httponly=True,
        samesite="strict",
    )
    return guest


@router.get("/guest")
def guest_self(caller: TheGuest) -> GuestSelf:
    return caller.guest
