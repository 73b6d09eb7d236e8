"""The nurse locks and opens her page, and chooses its PIN: routes of the kit's local server."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import ValidationError

from carebag_edge.errors import NotSaved, Refused
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.page_keeper import PageKeeper
from carebag_edge.whole_body import read_whole
from carebag_wire.page_lock import PageLock, Pin
from carebag_wire.visit import Person

MAX_BODY_BYTES = 256
Answer = Callable[[int, str], web.Response]


class LockRoutes:
    """Answers say how the lock is now; none says anything of a patient, and none repeats a PIN.

    Args:
        nurse: who is signed in, locked or not; raises the server's own refusal if nobody is.
        shown: the lock as the page is told of it.
        changed: tells all her pages.
        refusal: an answer with a code.
    """

    def __init__(
        self,
        keeper: PageKeeper,
        nurse: Callable[[web.Request], Person],
        shown: Callable[[], PageLock],
        changed: Callable[[], None],
        refusal: Answer,
    ) -> None:
        self._keeper, self._nurse, self._shown = keeper, nurse, shown
        self._changed, self._refusal = changed, refusal

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/lock", self._now),
            web.post("/api/lock", self._lock),
            web.post("/api/used", self._used),
            web.post("/api/unlock", self._unlock),
            web.post("/api/pin", self._choose),
        ]

    async def _now(self, request: web.Request) -> web.StreamResponse:
        self._nurse(request)
        return web.Response(text=self._shown().model_dump_json(), content_type="application/json")

    async def _used(self, request: web.Request) -> web.StreamResponse:
        self._nurse(request)
        self._keeper.touched()
        return await self._now(request)

    async def _lock(self, request: web.Request) -> web.StreamResponse:
        self._nurse(request)

        async def lock() -> None:
            self._keeper.lock_now()

        return await self._done(request, lock())

    async def _unlock(self, request: web.Request) -> web.StreamResponse:
        return await self._with_pin(request, self._keeper.unlock)

    async def _choose(self, request: web.Request) -> web.StreamResponse:
        return await self._with_pin(request, self._keeper.choose)

    async def _with_pin(self, request: web.Request, what: Callable[[str], Awaitable[None]]) -> web.StreamResponse:
        self._nurse(request)
        try:
            pin = Pin.model_validate_json(await read_whole(request.content, MAX_BODY_BYTES)).pin
        except ValidationError:
            return self._refusal(400, "bad_request")
        return await self._done(request, what(pin))

    async def _done(self, request: web.Request, what: Awaitable[None]) -> web.StreamResponse:
        try:
            await what
        except Refused as error:
            return self._refusal(403, error.code)
        except (NotSaved, *DATABASE_ERRORS):
            return self._refusal(507, "not_saved")
        finally:
            self._changed()
        return await self._now(request)
