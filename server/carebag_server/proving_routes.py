"""Of one's own sessions: which there are, how this one is, that it is used, locking it, and proofs in a demo.

By passkey: `passkey_routes.py`; by a provider: `oidc_routes.py`.
"""

from fastapi import Request, Response
from sqlalchemy.orm import Session

from carebag_server import session_keeping, sessions
from carebag_server.access import AnyPerson, AnyProving
from carebag_server.api_router import api_router
from carebag_server.audit import Act, append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub, TheHub
from carebag_server.reauthentication import count_keys, is_fresh, require_fresh
from carebag_server.refusals import not_found
from carebag_server.session_routes import at_the_demo, give_cookie
from carebag_server.tables import Practitioner, SignedIn
from carebag_wire.base import Id
from carebag_wire.sign_in import SessionNow, SessionView, Way

router = api_router("/api/session", "session")


@router.get("")
def session_now(caller: AnyProving, hub: TheHub, request: Request) -> SessionNow:
    now, person = hub.now(), caller.person
    with hub.database.reading() as session:
        return SessionNow(
            state=sessions.state_of(session.get_one(SignedIn, caller.session_id), now),
            practitioner_id=person.practitioner_id,
            name=person.name,
            ways=_ways(hub, session, caller, request),
            provider=hub.settings.oidc.name,
            fresh=is_fresh(session, caller.session_id, now),
            idle_seconds=int(sessions.IDLE.total_seconds()),
            hidden_seq=hub.admin_acts.hidden_seq,
        )


@router.post("/used", status_code=204)
def session_used(caller: AnyPerson) -> None:
    """The page saw a hand on mouse or keyboard: the policy counts it, as it counts every request but asking."""


@router.post("/lock", status_code=204)
def lock_session(caller: AnyPerson, hub: TheHub) -> None:
    with hub.database.transaction() as session:
        sessions.lock(session, caller.session_id, hub.now())
        append(session, caller.actor(), Act(action="session_locked", object="session"), hub.now())


@router.post("/prove/demo", status_code=204)
def prove_in_demo(caller: AnyProving, hub: TheHub, request: Request, response: Response) -> None:
    if not at_the_demo(hub, request):
        raise not_found()
    with hub.database.transaction() as session:
        renewed(hub, session, caller, response, "demo")


@router.get("/mine")
def my_sessions(caller: AnyPerson, hub: TheHub) -> list[SessionView]:
    with hub.database.reading() as session:
        return session_keeping.sessions_of(session, caller, hub.now())


@router.post("/mine/{session_id}/end", status_code=204)
def end_session(session_id: Id, caller: AnyPerson, hub: TheHub) -> None:
    with hub.database.transaction() as session:
        require_fresh(session, caller, hub.now())
        session_keeping.end_one(session, caller, session_id, hub.now())
        append(session, caller.actor(), Act(action="sessions_ended", object=f"session {session_id}"), hub.now())


@router.post("/others/end", status_code=204)
def end_other_sessions(caller: AnyPerson, hub: TheHub) -> None:
    with hub.database.transaction() as session:
        require_fresh(session, caller, hub.now())
        ended = session_keeping.end_others(session, caller, hub.now())
        append(session, caller.actor(), Act(action="sessions_ended", object=f"sessions {ended}"), hub.now())


def renewed(hub: Hub, session: Session, caller: PersonCaller, response: Response, by: sessions.Proof) -> None:
    """The caller proved anew who they are: written down, with another secret in the cookie."""
    give_cookie(hub, response, caller.person.role, sessions.proved(session, caller.session_id, hub.now(), by))
    append(session, caller.actor(), Act(action="identity_proved", object=f"by {by}"), hub.now())


def _ways(hub: Hub, session: Session, caller: PersonCaller, request: Request) -> list[Way]:
    person = session.get_one(Practitioner, caller.person.practitioner_id)
    ways: list[tuple[Way, bool]] = [
        ("passkey", count_keys(session, person.id) > 0),
        ("oidc", bool(hub.settings.oidc.issuer) and person.hsa_id is not None),
        ("demo", at_the_demo(hub, request)),
    ]
    return [way for way, is_open in ways if is_open]
