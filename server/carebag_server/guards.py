"""What holds for every request, before any route: a reference, a size limit, security headers, no detail of a fault.

Log lines are constant sentences with a method, a route's template, a status and the reference; never an address's ids.
"""

import json
import logging
import secrets
import time
import traceback
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carebag_server.settings import is_loopback
from carebag_wire.page_headers import page_headers

log = logging.getLogger("carebag.hub")
MAX_BODY_BYTES = 24 * 1024 * 1024
"""100 records of 200,000 characters; media have their own limit, checked while they are written."""
NO_BROWSERS = ("/api/health", "/api/kit/")
"""Load balancers and kits ask for these by whatever name leads here; a kit's key says who it is."""
REFUSED = "carebag_refused"
"""In a scope: the code of the refusal, for the log."""
QUIET = "carebag_quiet"
"""In a scope: this refusal has had its line in the log."""


class TooLarge(Exception):
    """The body is longer than any that is sent here."""


class RequestGuard:
    """ASGI middleware around the whole application.

    Args:
        origins: by which browsers come.
        https: whether they come by TLS and are told to keep to it.
    """

    def __init__(
        self,
        app: ASGIApp,
        origins: tuple[str, ...] = (),
        https: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app = app
        self._hosts = frozenset(urlsplit(origin).hostname for origin in origins)
        headers = page_headers(origins)
        if https:
            headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        scope["carebag_request_ref"] = secrets.token_hex(8)
        if scope["type"] == "websocket":
            await self._guarded_socket(scope, receive, send)
        else:
            await self._guarded_request(scope, receive, send)

    async def _guarded_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_seen(message: Message) -> None:
            if message["type"] == "websocket.http.response.start" and not scope.get(QUIET):
                log.info("answered WEBSOCKET %s %d ref %s%s", _template(scope), message["status"],
                         scope["carebag_request_ref"], _refusal(scope))  # fmt: skip
            await send(message)

        try:
            await self.app(scope, receive, send_seen)
        except Exception as error:
            _log_fault(scope, error)

    def _by_foreign_name(self, scope: Scope) -> bool:
        """Whether a browser asks for another host than this hub: a page elsewhere pointed its own name here (DNS
        rebinding). Sockets and acts need our `Origin` in any case.
        """
        if scope["path"].startswith(NO_BROWSERS):
            return False
        given = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        try:
            host = urlsplit(f"//{given}").hostname or ""
        except ValueError:
            return True
        return host not in self._hosts and not is_loopback(host)

    async def _guarded_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, status = self._clock(), 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": self._with_headers(scope, list(message.get("headers", [])))}
            await send(message)

        try:
            if self._by_foreign_name(scope):
                scope[REFUSED] = "foreign_host"
                await _answer(send_guarded, 421, "foreign_host")
            else:
                await self.app(scope, _limited(scope, receive), send_guarded)
        except TooLarge:
            if not status:
                await _answer(send_guarded, 413, "too_large")
        except Exception as error:
            _log_fault(scope, error)
            if not status:
                await _answer(send_guarded, 500, "internal")
        if scope.get(QUIET):
            return
        milliseconds = (self._clock() - begun) * 1000
        log.info("answered %s %s %d in %.0f ms ref %s%s", scope["method"], _template(scope), status, milliseconds,
                 scope["carebag_request_ref"], _refusal(scope))  # fmt: skip

    def _with_headers(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        present = {name.lower() for name, _ in headers}
        added = [header for header in self._headers if header[0] not in present]
        if b"cache-control" not in present:
            added.append((b"cache-control", b"no-store"))
        return [*headers, *added, (b"x-request-ref", scope["carebag_request_ref"].encode())]


def _limited(scope: Scope, receive: Receive) -> Receive:
    if scope["path"].startswith("/api/kit/media/"):
        return receive
    taken = 0

    async def receive_limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise TooLarge
        return message

    return receive_limited


async def _answer(send: Send, status: int, code: str) -> None:
    body = json.dumps({"code": code}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _refusal(scope: Scope) -> str:
    """Why and from where, for who looks for attacks: a code of ours and a network address."""
    code, client = scope.get(REFUSED), scope.get("client")
    return f" refused {code} from {client[0] if client else '-'}" if code else ""


def _template(scope: Scope) -> str:
    """`/api/visits/{visit_id}`, without the id; `-` where no route was found."""
    return getattr(scope.get("route"), "path", "-")


def _log_fault(scope: Scope, error: Exception) -> None:
    """Type and place of a fault. Its message may hold patient data and is not logged."""
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))
    log.error("fault %s at %s in %s ref %s", type(error).__name__, place, _template(scope),
              scope["carebag_request_ref"])  # fmt: skip
