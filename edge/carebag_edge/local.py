"""The kit's own web server: the nurse's page, her sign-in, her WebSocket, her photos. Everything else is refused."""

import asyncio
import contextlib
import html
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web
from pydantic import ValidationError

from carebag_edge.agent import Agent
from carebag_edge.errors import HubAway, HubRefused, KitError, NotSaved, Refused
from carebag_edge.local_guests import GuestRoutes
from carebag_edge.local_lock import LockRoutes
from carebag_edge.nurse_pages import NursePage
from carebag_edge.page_tickets import PageTickets
from carebag_edge.whole_body import read_whole
from carebag_edge.wording import as_code
from carebag_wire import PROTOCOL
from carebag_wire.api import NurseCode, Refusal
from carebag_wire.image_strip import MAX_PHOTO_BYTES, NotAnImage, strip
from carebag_wire.messages import MAX_MESSAGE_BYTES, Hello, LinkReport, Ping, Problem, Signal, Welcome
from carebag_wire.nowhere import NOWHERE, is_for_a_person
from carebag_wire.nurse_messages import from_nurse
from carebag_wire.page_headers import page_headers
from carebag_wire.socket_ticket import SUBPROTOCOL, SocketTicket, shown
from carebag_wire.visit import Person, PhotoView

COOKIE = "carebag_kit"
HELLO_WITHIN_S = 10.0
HEARTBEAT_S = 15.0
MAX_FRAME_BYTES = 4 * 1024 * 1024
"""Beyond this the connection ends; between `MAX_MESSAGE_BYTES` and this it is told."""
WEB_BUILD = Path(__file__).parent / "web_build"
NO_BUILD = """The nurse's page is not built.

This copy of Carebag was installed without its pages. Install it again with Node available, or run
  python web/npm.py run build
in the source folder. The kit itself is running.
"""
TEXTS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_ASSET = re.compile(r"[A-Za-z0-9_.-]{1,120}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Denied(KitError):
    """Not for this caller; `code` says why."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalServer:
    """Routes of one kit. `page` is the folder with the built page."""

    def __init__(self, agent: Agent, page: Path = WEB_BUILD) -> None:
        self._agent = agent
        self._page = page
        self.listening_on(agent.settings.port)
        self.app = web.Application(middlewares=[self._guard], client_max_size=MAX_PHOTO_BYTES)
        self.app.on_shutdown.append(self._close_sockets)
        self._sockets: set[web.WebSocketResponse] = set()
        self._tickets = PageTickets(time.monotonic)
        guests = GuestRoutes(agent.hub, self._in_visit, refusal)
        lock = LockRoutes(agent.keeper, self._who, agent.page_lock, agent.changed, refusal)
        self.app.add_routes(
            [
                *guests.routes(),
                *lock.routes(),
                web.get("/", self._index),
                web.get("/assets/{name}", self._asset),
                web.get("/api/health", self._health),
                web.post("/api/enter", self._enter),
                web.post("/api/leave", self._leave),
                web.get("/api/me", self._me),
                web.get("/api/ws", self._socket),
                web.post("/api/ws/ticket", self._ticket),
                web.post("/api/visits/{id}/photo", self._photo),
                web.get("/api/media/{sha256}", self._media),
            ]
        )

    def listening_on(self, port: int) -> None:
        """The port is known only now when the system chose it."""
        self._origins = self._agent.settings.origins(port)
        self._headers = page_headers(self._origins)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Foreign pages and foreign host names (DNS rebinding) come no further; every answer has the headers."""
        try:
            self._check_origin(request)
            response = await handler(request)
        except web.HTTPException as error:
            response = _http_error(request, error.status)
        except Denied as error:
            response = refusal(error.status, error.code)
        except Refused as error:
            response = refusal(409, error.code)
        if not response.prepared:
            response.headers.update(self._headers)
            if request.path.startswith("/api/"):
                response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _check_origin(self, request: web.Request) -> None:
        hosts = {origin.split("://", 1)[1] for origin in self._origins}
        if request.headers.get("Host", "") not in hosts:
            raise Denied(403, "foreign_host")
        origin = request.headers.get("Origin")
        needs_origin = request.method not in ("GET", "HEAD") or request.path == "/api/ws"
        if (origin is not None or needs_origin) and origin not in self._origins:
            raise Denied(403, "foreign_origin")

    def _nurse(self, request: web.Request) -> Person:
        """Whoever may be told of patients now."""
        nurse = self._who(request)
        if not self._agent.keeper.is_open:
            raise Denied(401, "session_locked")
        return nurse

    def _in_visit(self, request: web.Request) -> Person:
        """Whoever may be told of the open visit's patient now."""
        nurse = self._nurse(request)
        if self._agent.is_held:
            raise Denied(403, "visit_held")
        return nurse

    def _who(self, request: web.Request) -> Person:
        """Whose page it is, locked or not."""
        nurse = self._agent.sessions.who(request.cookies.get(COOKIE))
        if nurse is None:
            ended = self._agent.sessions.was_ended(request.cookies.get(COOKIE))
            raise Denied(401, "nurse_out" if ended else "not_signed_in")
        return nurse

    # The page

    async def _index(self, request: web.Request) -> web.StreamResponse:
        index = self._page / "index.html"
        if not index.exists():
            return web.Response(text=NO_BUILD, content_type="text/plain")
        zone = html.escape(self._agent.time_zone)
        told = index.read_text(encoding="utf-8").replace("<html ", f'<html data-care-zone="{zone}" ', 1)
        return web.Response(text=told, content_type="text/html", headers={"Cache-Control": "no-cache"})

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = self._page / "assets" / name
        if not _ASSET.fullmatch(name) or name.startswith(".") or not path.is_file():
            raise web.HTTPNotFound
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}
        return web.FileResponse(path, headers=kept | _letters(path))

    async def _health(self, request: web.Request) -> web.StreamResponse:
        settings = self._agent.settings
        known = {"protocol": PROTOCOL, "simulated": settings.simulated, "hub": settings.hub_url}
        return web.json_response({"status": "ok", **known})

    # Sign-in

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        try:
            code = NurseCode.model_validate_json(await read_whole(request.content, 4096)).code
        except ValidationError:
            return refusal(400, "bad_request")
        try:
            identity = await self._agent.hub.redeem(code)
        except HubAway:
            return refusal(503, "hub_needed")
        except HubRefused as error:
            return refusal(403, error.code)
        if identity.expires_at <= self._agent.clock.utc():
            return refusal(403, "session_expired")
        was_shut = self._agent.keeper.is_shut
        token, expires_at = self._agent.sessions.enter(identity)
        self._agent.keeper.entered(was_shut=was_shut)
        self._agent.changed()
        response = _json(identity.person.model_dump_json())
        response.set_cookie(
            COOKIE,
            token,
            httponly=True,
            samesite="Strict",
            secure=self._agent.settings.page_origin.startswith("https://"),
            expires=expires_at.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
            path="/",
        )
        return response

    async def _leave(self, request: web.Request) -> web.StreamResponse:
        self._who(request)
        self._agent.sessions.leave()
        self._agent.changed()
        response = _json("{}")
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
        return response

    async def _me(self, request: web.Request) -> web.StreamResponse:
        return _json(self._who(request).model_dump_json())

    # Photos

    async def _photo(self, request: web.Request) -> web.StreamResponse:
        self._in_visit(request)
        visit_id = _uuid(request.match_info["id"])
        of = request.query.get("of", "patient")
        if of not in ("patient", "display"):
            return refusal(400, "bad_request")
        content = await request.read()
        try:
            image = await asyncio.to_thread(strip, content)
            entry = self._agent.bedside.keep_photo(visit_id, image, "display" if of == "display" else "patient")
        except NotAnImage as error:
            return refusal(413 if error.code == "too_large" else 422, error.code)
        except (NotSaved, OSError):
            return refusal(507, "not_saved")
        self._agent.journaled("saved")
        view = PhotoView.model_validate({"photo": entry.record, "media_stored": False})
        return _json(view.model_dump_json(), 201)

    async def _media(self, request: web.Request) -> web.StreamResponse:
        self._in_visit(request)
        sha256 = request.match_info["sha256"]
        media_type = self._agent.journal.media_type(sha256) if _SHA256.fullmatch(sha256) else None
        if media_type is None:
            raise web.HTTPNotFound
        try:
            content = await asyncio.to_thread(self._agent.media.read, sha256)
        except KitError:
            return refusal(410, "media_missing")
        return web.Response(body=content, content_type=media_type, headers={"Content-Disposition": "attachment"})

    # The nurse's WebSocket

    async def _ticket(self, request: web.Request) -> web.StreamResponse:
        self._who(request)
        ticket = self._tickets.issue(request.cookies[COOKIE])
        return _json(SocketTicket(ticket=ticket).model_dump_json(), 201)

    def _require_ticket(self, request: web.Request) -> None:
        offered = [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        ticket = shown(offered)
        if ticket is None:
            raise Denied(403, "no_ticket")
        if not self._tickets.redeem(ticket, request.cookies[COOKIE]):
            raise Denied(403, "ticket_refused")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self._who(request)
        self._require_ticket(request)
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MAX_FRAME_BYTES, protocols=(SUBPROTOCOL,))
        try:
            await socket.prepare(request)
        except ConnectionResetError:  # the page is gone again
            return socket
        self._sockets.add(socket)
        page, token = NursePage(), request.cookies.get(COOKIE)
        parts = {
            asyncio.create_task(self._read(socket, page, token)),
            asyncio.create_task(self._write(socket, page, token)),
        }
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            self._agent.pages.leave(page)
            self._agent.changed()
            self._sockets.discard(socket)
            await socket.close()
        return socket

    async def _read(self, socket: web.WebSocketResponse, page: NursePage, token: str | None) -> None:
        if await self._greet(socket):
            self._agent.pages.join(page)
            self._agent.questions.wake()
            self._agent.changed()
            await self._serve(socket, page, token)

    async def _close_sockets(self, app: web.Application) -> None:
        """The kit stops: pages see it at once and come back when it does."""
        await asyncio.gather(*(one.close(code=aiohttp.WSCloseCode.GOING_AWAY) for one in list(self._sockets)))

    async def _write(self, socket: web.WebSocketResponse, page: NursePage, token: str | None) -> None:
        """Send until the nurse's time is over or a colleague took over: then nothing more of the visit is shown."""
        while True:
            text, of_patient = await page.next()
            if self._agent.sessions.who(token) is None:
                await self._good_bye(socket, token)
                return
            if of_patient and not self._agent.keeper.is_open:
                continue  # locked since it was put there; the lock itself follows
            await _send(socket, text)

    async def _good_bye(self, socket: web.WebSocketResponse, token: str | None) -> None:
        code = "nurse_out" if self._agent.sessions.was_ended(token) else "session_expired"
        await _send(socket, Problem(code=code, fatal=True).model_dump_json())

    async def _greet(self, socket: web.WebSocketResponse) -> bool:
        """Hello first, of this version; else a fatal Problem and good-bye."""
        try:
            frame = await socket.receive(HELLO_WITHIN_S)
        except TimeoutError:
            return False
        message = parse(frame) if frame.type is aiohttp.WSMsgType.TEXT else None
        code = None
        if not isinstance(message, Hello):
            code = "hello_expected"
        elif message.protocol != PROTOCOL:
            code = "wrong_version"
        if code is not None:
            await _send(socket, Problem(code=code, fatal=True).model_dump_json())
            return False
        nurse = self._agent.sessions.person
        welcome = Welcome(
            protocol=PROTOCOL,
            participant_id=self._agent.nurse_participant,
            me=nurse.name if nurse else "",
            server_time=self._agent.clock.utc(),
        )
        await _send(socket, welcome.model_dump_json())
        return True

    async def _serve(self, socket: web.WebSocketResponse, page: NursePage, token: str | None) -> None:
        async for frame in socket:
            nurse = self._agent.sessions.who(token)
            if nurse is None:
                await self._good_bye(socket, token)
                return
            message = parse(frame)
            if isinstance(message, Signal) and not self._agent.pages.speaks(page):
                continue
            answer = message if isinstance(message, Problem) else await self._do(message, nurse)
            if answer is not None:
                page.message(answer.model_dump_json())

    async def _do(self, message: Any, nurse: Person) -> Any:
        """A locked page talks in its call, and does nothing else."""
        if not isinstance(message, Ping | Signal | LinkReport):
            if not self._agent.keeper.is_open:
                return Problem(code="session_locked")
            self._agent.keeper.touched()
        return await self._agent.commands.do(message, nurse)


def _letters(file: Path) -> dict[str, str]:
    """Of a text its type with its letters, which aiohttp leaves out; of other files nothing."""
    text = TEXTS.get(file.suffix)
    return {"Content-Type": f"{text}; charset=utf-8"} if text else {}


def parse(frame: aiohttp.WSMessage) -> Any:
    """A message of the nurse's page; a `Problem` in its place if it is none, and the connection stays."""
    if frame.type is not aiohttp.WSMsgType.TEXT:
        return Problem(code="unknown_message")
    if len(frame.data) > MAX_MESSAGE_BYTES:
        return Problem(code="too_large")
    try:
        return from_nurse.validate_json(frame.data)
    except ValidationError:
        return Problem(code="unknown_message")


def _http_error(request: web.Request, status: int) -> web.Response:
    if status == 404 and is_for_a_person(request.method, request.path, request.headers.get("Accept", "")):
        return web.Response(text=NOWHERE, status=404, content_type="text/html")
    return refusal(status, {404: "not_found", 405: "not_found", 413: "too_large"}.get(status))


def refusal(status: int, code: str | None) -> web.Response:
    return _json(Refusal(code=as_code(code or "refused")).model_dump_json(), status)


async def _send(socket: web.WebSocketResponse, text: str) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        await socket.send_str(text)


def _json(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/json")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise web.HTTPNotFound from None
