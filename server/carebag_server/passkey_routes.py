"""Making and using passkeys. The browser's Origin, which the policy has checked, decides the relying party."""

from fastapi import Request, Response

from carebag_server import passkey_keeping, passkeys, sessions
from carebag_server.access import Anyone, AnyPerson, AnyProving
from carebag_server.api_router import api_router
from carebag_server.audit import Act, append
from carebag_server.hub import TheHub
from carebag_server.oidc_routes import let_choose
from carebag_server.people import commissioned
from carebag_server.proving_routes import renewed
from carebag_server.reauthentication import require_fresh, require_fresh_for_a_key
from carebag_server.refusals import Refused
from carebag_server.session_routes import give_cookie, had_in, sign_in
from carebag_wire.api import Entered, PasskeyAnswer, PasskeyOptions
from carebag_wire.base import Id
from carebag_wire.sign_in import NamePasskey, PasskeyView

router = api_router("/api/passkey", "session")


@router.post("/register/options")
def passkey_register_options(caller: AnyPerson, hub: TheHub, request: Request) -> PasskeyOptions:
    with hub.database.transaction() as session:
        require_fresh_for_a_key(session, caller, hub.now())
        return passkeys.offer_registration(session, caller.person, _origin(request), hub.now())


@router.post("/register/verify", status_code=204)
def passkey_register_verify(
    answer: PasskeyAnswer, caller: AnyPerson, hub: TheHub, request: Request, response: Response
) -> None:
    with hub.database.transaction() as session:
        passkeys.register(session, caller.person, _origin(request), answer, hub.now())
        # whoever makes a key is verified by it
        token = sessions.proved(session, caller.session_id, hub.now(), "passkey")
        give_cookie(hub, response, caller.person.role, token)
        append(session, caller.actor(), Act(action="passkey_added", object="passkey"), hub.now())


@router.post("/login/options")
def passkey_login_options(visitor: Anyone, hub: TheHub, request: Request) -> PasskeyOptions:
    with hub.database.transaction() as session:
        return passkeys.offer_login(session, _origin(request), hub.now())


@router.post("/login/verify")
def passkey_login_verify(
    answer: PasskeyAnswer, visitor: Anyone, hub: TheHub, request: Request, response: Response
) -> Entered:
    with hub.database.transaction() as session:
        found = passkeys.log_in(session, _origin(request), answer, hub.now())
        if len(found) > 1:
            return let_choose(hub, session, request, response, found)
        who = commissioned(session, found[0])
        if who is None:
            raise Refused(403, "no_commission")
        return sign_in(hub, session, who, visitor, response, "passkey", had_in(request, who, hub))


@router.post("/prove/options")
def passkey_prove_options(caller: AnyProving, hub: TheHub, request: Request) -> PasskeyOptions:
    with hub.database.transaction() as session:
        return passkeys.offer_proof(session, caller.person, caller.session_id, _origin(request), hub.now())


@router.post("/prove/verify", status_code=204)
def passkey_prove_verify(
    answer: PasskeyAnswer, caller: AnyProving, hub: TheHub, request: Request, response: Response
) -> None:
    with hub.database.transaction() as session:
        passkeys.prove(session, caller.person, caller.session_id, _origin(request), answer, hub.now())
        renewed(hub, session, caller, response, "passkey")


@router.get("/keys")
def my_passkeys(caller: AnyPerson, hub: TheHub) -> list[PasskeyView]:
    with hub.database.reading() as session:
        return passkey_keeping.keys_of(session, caller)


@router.post("/keys/{key_id}/name")
def name_passkey(key_id: Id, said: NamePasskey, caller: AnyPerson, hub: TheHub) -> PasskeyView:
    with hub.database.transaction() as session:
        return passkey_keeping.name(session, caller, key_id, said.name)


@router.post("/keys/{key_id}/end", status_code=204)
def end_passkey(key_id: Id, caller: AnyPerson, hub: TheHub) -> None:
    with hub.database.transaction() as session:
        require_fresh(session, caller, hub.now())
        passkey_keeping.end(session, caller, key_id, hub.now(), other_way=bool(hub.settings.oidc.issuer))
        append(session, caller.actor(), Act(action="passkey_ended", object=f"passkey {key_id}"), hub.now())


def _origin(request: Request) -> str:
    return request.headers["origin"]
