"""A passkey by the operator's one-time link: the page asks what to make, and hands over what was made."""

from fastapi import Request
from sqlalchemy.orm import Session

from carebag_server import passkey_links
from carebag_server.access import Anyone
from carebag_server.api_router import api_router
from carebag_server.audit import Act, append
from carebag_server.hub import TheHub
from carebag_server.session_routes import actor_signing_in
from carebag_wire.api import LinkToken, PasskeyByLink, PasskeyOptions

router = api_router("/api/passkey/link", "session")


@router.post("/options")
def passkey_link_options(link: LinkToken, visitor: Anyone, hub: TheHub, request: Request) -> PasskeyOptions:
    origin = request.headers["origin"]
    return hub.counted(
        hub.code_tries, visitor.address, lambda session: passkey_links.offer(session, link.token, origin, hub.now())
    )


@router.post("/verify", status_code=204)
def passkey_link_verify(said: PasskeyByLink, visitor: Anyone, hub: TheHub, request: Request) -> None:
    origin = request.headers["origin"]

    def work(session: Session) -> None:
        person = passkey_links.register(session, said.token, origin, said.answer, hub.now())
        append(
            session, actor_signing_in(person, visitor), Act(action="passkey_added", object="passkey by link"), hub.now()
        )

    hub.counted(hub.code_tries, visitor.address, work)
