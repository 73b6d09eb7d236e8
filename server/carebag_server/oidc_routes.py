"""To the provider and back.

The browser comes back from another site, so without its session's (strict) cookies: what it may do is bound to a cookie
of this way alone, and a renewed proof to the session that asked for it.
"""

import html
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from carebag_server import sessions
from carebag_server.access import Anyone, AnyProvingByQuery
from carebag_server.api_router import api_router
from carebag_server.audit import Act, append
from carebag_server.callers import PersonCaller, Visitor
from carebag_server.hub import Hub, TheHub
from carebag_server.oidc import flows
from carebag_server.oidc.claims import said_by
from carebag_server.oidc.provider import SKEW_S, Provider
from carebag_server.people import commissioned
from carebag_server.refusals import Refused, not_found
from carebag_server.session_routes import give_cookie, had_in, sign_in
from carebag_server.tables import Practitioner, SignedIn
from carebag_wire.api import Entered
from carebag_wire.sign_in import ChooseCommission, CommissionChoice, ProviderOffer

router = api_router("/api/oidc", "session")
COOKIE, PATH = "carebag_oidc", "/api/oidc"
HAD = "carebag_oidc_had"
"""Digests of the sessions that the browser had when it left, for the way back to end the one that it replaces: the
sessions' own cookies do not come along from another site."""
CALLBACK = "/api/oidc/callback"
_PAGE = '<!doctype html><meta charset="utf-8"><title>Carebag</title><meta http-equiv="refresh" content="0;url={to}">'
_OURS = re.compile(r"[A-Za-z0-9_-]{43}")
_HAD = re.compile(r"(nurse|doctor|reviewer|administrator)-([0-9a-f]{64})")
_UNKNOWN = datetime(2000, 1, 1, tzinfo=UTC)
"""When somebody proved who they are, where it is not said: too long ago for what needs a fresh proof."""
Param = Annotated[str, Query(max_length=4096)]


@router.get("/provider")
def offered_provider(visitor: Anyone, hub: TheHub) -> ProviderOffer:
    return ProviderOffer(name=hub.settings.oidc.name if hub.provider else "")


@router.get("/start")
def start_oidc(visitor: Anyone, hub: TheHub, request: Request) -> Response:
    """By a press on a page of ours: another site that sends the browser here signs nobody in (ASVS V7.6.2)."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return RedirectResponse("/", 303)
    return _sent_off(hub, request, None)


@router.get("/prove")
def prove_by_oidc(caller: AnyProvingByQuery, hub: TheHub, request: Request) -> Response:
    """In a window of its own, so that the page that asks keeps what is written in it."""
    return _sent_off(hub, request, caller)


@router.get("/callback")
def oidc_callback(
    visitor: Anyone,
    hub: TheHub,
    request: Request,
    state: Param = "",
    code: Param = "",
    error: Param = "",
    iss: Param = "",
) -> Response:
    """Whatever goes wrong is said in words by a page, with the status that it is."""
    try:
        return _came_back(hub, visitor, request, state, code, error, iss)
    except Refused as refused:
        return _page(f"/enter/#problem={refused.code}", refused.status)


@router.get("/choices")
def oidc_choices(visitor: Anyone, hub: TheHub, request: Request) -> list[CommissionChoice]:
    with hub.database.reading() as session:
        _, offered = flows.choices(session, request.cookies.get(COOKIE, ""), hub.now())
        people = [found.person for one in offered if (found := commissioned(session, one)) is not None]
    return [
        CommissionChoice(commission_id=one.commission_id, role=one.role, unit=one.unit, organization=one.organization)
        for one in people
    ]


@router.post("/choose")
def choose_commission(
    said: ChooseCommission, visitor: Anyone, hub: TheHub, request: Request, response: Response
) -> Entered:
    with hub.database.transaction() as session:
        browser = request.cookies.get(COOKIE, "")
        chosen, by_key_at = flows.choose(session, browser, said.commission_id, hub.now())
        who = commissioned(session, chosen)
        if who is None:
            raise Refused(403, "no_commission")
        by: sessions.Proof = "oidc" if by_key_at is None else "passkey"
        had = had_in(request, who, hub)
        return sign_in(hub, session, who, visitor, response, by, had, by_key_at or _UNKNOWN)


def let_choose(
    hub: Hub, session: Session, request: Request, response: Response, commission_ids: list[uuid.UUID]
) -> Entered:
    """Somebody whose passkey is theirs, with several commissions: which it is now is chosen on the next page."""
    kept = request.cookies.get(COOKIE, "")
    browser = kept if _OURS.fullmatch(kept) else sessions.new_token()
    flows.offer_choice_by_key(session, browser, commission_ids, hub.now())
    response.set_cookie(
        COOKIE, browser, max_age=int(flows.VALID.total_seconds()), path=PATH, secure=hub.settings.secure_cookies,
        httponly=True, samesite="lax",
    )  # fmt: skip
    who = commissioned(session, commission_ids[0])
    if who is None:
        raise Refused(403, "no_commission")
    return Entered(role=who.person.role, next="/enter/#choose")


def _provider(hub: Hub) -> Provider:
    if hub.provider is None:
        raise not_found()
    return hub.provider


def _sent_off(hub: Hub, request: Request, caller: PersonCaller | None) -> Response:
    provider = _provider(hub)
    kept = request.cookies.get(COOKIE, "")
    browser = kept if _OURS.fullmatch(kept) else sessions.new_token()
    with hub.database.transaction() as session:
        for_whom = None if caller is None else caller.session_id
        begun = flows.begin(session, browser, _origin(hub, request) + CALLBACK, for_whom, hub.now())
    try:
        url = provider.address(
            redirect_uri=begun.redirect_uri, state=begun.state, nonce=begun.nonce, verifier=begun.verifier,
            renew=caller is not None,
        )  # fmt: skip
    except Refused as refused:
        return _page(f"/enter/#problem={refused.code}", refused.status)
    answer = RedirectResponse(url, 303)
    for name, value in ((COOKIE, browser), (HAD, _had(hub, request))):
        answer.set_cookie(
            name, value, max_age=int(flows.VALID.total_seconds()), path=PATH, secure=hub.settings.secure_cookies,
            httponly=True, samesite="lax",
        )  # fmt: skip
    return answer


def _had(hub: Hub, request: Request) -> str:
    secure = hub.settings.secure_cookies
    found = ((slot, request.cookies.get(sessions.cookie_name(slot, secure))) for slot in sessions.SLOTS)
    return "_".join(f"{slot}-{sessions.digest(token)}" for slot, token in found if token)


def _origin(hub: Hub, request: Request) -> str:
    """Of the hub's own addresses the one by which the browser came; never what it merely says."""
    host = request.headers.get("host", "")
    return next((one for one in hub.settings.origins if one.partition("://")[2] == host), hub.settings.origins[0])


def _came_back(hub: Hub, visitor: Visitor, request: Request, state: str, code: str, error: str, iss: str) -> Response:
    provider = _provider(hub)
    if error == "access_denied" and not state:  # some leave it out; nothing is used up by it
        raise Refused(401, "oidc_cancelled")
    with hub.database.transaction() as session:
        back = flows.returned(session, request.cookies.get(COOKIE, ""), state, hub.now())
    if error or not code or iss not in {"", provider.settings.issuer}:  # iss: RFC 9207
        raise Refused(401, "oidc_cancelled" if error == "access_denied" else "oidc_refused")
    claims = provider.claims(code, back.expected)
    said = said_by(claims)
    with hub.database.transaction() as session:
        if back.session_id is not None:
            return _renewed(hub, session, visitor, back, said.employee_hsa_id)
        fitting = flows.commissions_of(session, said)
        if len(fitting) > 1:
            flows.offer_choice(session, back, fitting, hub.now())
            return RedirectResponse("/enter/#choose", 303)
        who = commissioned(session, fitting[0].id)
        if who is None:
            raise Refused(403, "no_commission")
        answer = RedirectResponse("/", 303)
        had = [digest for slot, digest in _HAD.findall(request.cookies.get(HAD, "")) if slot == who.person.role]
        answer.headers["location"] = sign_in(
            hub, session, who, visitor, answer, "oidc", had[:1], _proved_at(claims, hub)
        ).next
        return answer


def _proved_at(claims: Mapping[str, Any], hub: Hub) -> datetime:
    """When the person proved who they are: a provider may know them from hours ago."""
    at, now = claims.get("auth_time"), hub.now()
    if not isinstance(at, int | float) or at > now.timestamp():
        return now if isinstance(at, int | float) and at - now.timestamp() <= SKEW_S else _UNKNOWN
    return datetime.fromtimestamp(at, UTC) if at > 0 else _UNKNOWN


def _renewed(hub: Hub, session: Session, visitor: Visitor, back: flows.Returned, employee: str) -> Response:
    row = session.get(SignedIn, back.session_id)
    who = commissioned(session, row.commission_id) if row is not None and row.ended_at is None else None
    if row is None or who is None:
        raise Refused(401, "session_ended")
    if session.get_one(Practitioner, who.person.practitioner_id).hsa_id != employee:
        raise Refused(403, "other_person")
    token = sessions.proved(session, row.id, hub.now(), "oidc")
    caller = PersonCaller(
        person=who.person,
        organization_id=who.organization_id,
        session_id=row.id,
        address=visitor.address,
        request_ref=visitor.request_ref,
    )
    append(session, caller.actor(), Act(action="identity_proved", object="by oidc"), hub.now())
    answer = RedirectResponse("/enter/#proved", 303)
    give_cookie(hub, answer, who.person.role, token)
    return answer


def _page(to: str, status: int) -> Response:
    return HTMLResponse(_PAGE.format(to=html.escape(to)), status)
