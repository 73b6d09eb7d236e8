"""The nurse invites and lets in guests: her page asks the kit, the kit asks the hub, which is the one that decides."""

from collections.abc import Callable
from uuid import UUID

from aiohttp import web
from pydantic import ValidationError

from carebag_edge.errors import HubAway, HubRefused
from carebag_edge.hub_client import HubClient
from carebag_edge.whole_body import read_whole
from carebag_wire.base import Wire
from carebag_wire.guests import GuestDo, InviteGuest, NurseDoes, NurseInvites
from carebag_wire.visit import Person

MAX_BODY_BYTES = 4096
Answer = Callable[[int, str], web.Response]
Nurse = Callable[[web.Request], Person]


class GuestRoutes:
    """Two routes of the kit's local server.

    Args:
        nurse: who is signed in; raises the server's own refusal if nobody is.
        refusal: an answer with a code.
    """

    def __init__(self, hub: HubClient, nurse: Nurse, refusal: Answer) -> None:
        self._hub, self._nurse, self._refusal = hub, nurse, refusal

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/visits/{id}/guests", self._invite),
            web.post("/api/visits/{id}/guests/{guest_id}", self._do),
        ]

    async def _invite(self, request: web.Request) -> web.StreamResponse:
        nurse = self._nurse(request)
        path = f"/api/kit/visits/{_uuid(request, 'id')}/guests"

        def body(text: bytes) -> Wire:
            wanted = InviteGuest.model_validate_json(text)
            return NurseInvites(**wanted.model_dump(), nurse_id=nurse.practitioner_id)

        return await self._pass_on(request, path, body)

    async def _do(self, request: web.Request) -> web.StreamResponse:
        nurse = self._nurse(request)
        path = f"/api/kit/visits/{_uuid(request, 'id')}/guests/{_uuid(request, 'guest_id')}"

        def body(text: bytes) -> Wire:
            return NurseDoes(act=GuestDo.model_validate_json(text).act, nurse_id=nurse.practitioner_id)

        return await self._pass_on(request, path, body)

    async def _pass_on(self, request: web.Request, path: str, body: Callable[[bytes], Wire]) -> web.StreamResponse:
        try:
            wanted = body(await read_whole(request.content, MAX_BODY_BYTES))
        except ValidationError:
            return self._refusal(422, "bad_request")
        try:
            answer = await self._hub.post(path, wanted)
        except HubAway:
            return self._refusal(503, "hub_needed")
        except HubRefused as error:
            return self._refusal(error.status if 400 <= error.status < 500 else 502, error.code)
        return web.Response(body=answer, content_type="application/json")


def _uuid(request: web.Request, name: str) -> UUID:
    try:
        return UUID(request.match_info[name])
    except ValueError:
        raise web.HTTPNotFound from None
