"""Making and using passkeys. The browser's Origin, which the policy has checked, decides the relying party."""

from fastapi import Request, Response

from carebag_server import passkeys
from carebag_server.access import Anyone, AnyPerson
from carebag_server.api_router import api_router
from carebag_server.audit import Act, append
from carebag_server.hub import TheHub
from carebag_server.people import commissioned
from carebag_server.refusals import Refused
from carebag_server.session_routes import sign_in
from carebag_wire.api import Entered, PasskeyAnswer, PasskeyOptions

router = api_router("/api/passkey", "session")


@router.post("/register/options")
def passkey_register_options(caller: AnyPerson, hub: TheHub, request: Request) -> PasskeyOptions:
    with hub.database.transaction() as session:
        return passkeys.offer_registration(session, caller.person, _origin(request), hub.now())


@router.post("/register/verify", status_code=204)
def passkey_register_verify(answer: PasskeyAnswer, caller: AnyPerson, hub: TheHub, request: Request) -> None:
    with hub.database.transaction() as session:
        passkeys.register(session, caller.person, _origin(request), answer, hub.now())
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
        commission_id = passkeys.log_in(session, _origin(request), answer, hub.now())
        who = commissioned(session, commission_id)
        if who is None:
            raise Refused(403, "no_commission")
        return sign_in(hub, session, who, visitor, response, "passkey")


def _origin(request: Request) -> str:
    return request.headers["origin"]
