"""Builds the hub: store, rooms, routes, guards. Refuses to be built if any route lacks a policy."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, Response

from carebag_server import (
    admin_routes,
    camera_routes,
    earlier_routes,
    fhir_routes,
    guest_routes,
    guest_socket,
    kit_damage_routes,
    kit_enrolment_routes,
    kit_routes,
    media_routes,
    move_routes,
    oidc_routes,
    pages,
    passkey_link_routes,
    passkey_routes,
    path_proof_routes,
    print_routes,
    proving_routes,
    review_routes,
    session_routes,
    sessions,
    socket_routes,
    ticket_routes,
    upload_routes,
    visit_routes,
    workbench_routes,
)
from carebag_server.access import policies
from carebag_server.admin_acts import AdminActs
from carebag_server.database import Database, DatabaseBusy
from carebag_server.early_warning import follow
from carebag_server.guards import REFUSED, RequestGuard, TooLarge
from carebag_server.hub import Hub
from carebag_server.hubs.unseen import touched_lately
from carebag_server.installation import stamp
from carebag_server.kit_keys import those_enrolled
from carebag_server.kit_nurses import those_in
from carebag_server.media import MediaAway, MediaStore
from carebag_server.media_stores import open_media
from carebag_server.migrate import upgrade
from carebag_server.oidc.provider import Provider
from carebag_server.openapi import describe
from carebag_server.refusals import Refused
from carebag_server.review_questions import read_waiting
from carebag_server.rooms_kept import RoomKeeper
from carebag_server.settings import Settings
from carebag_server.sign_in_tables import OidcFlow  # noqa: F401 (its table belongs to the others)
from carebag_server.sockets import LiveRooms
from carebag_server.together import Together, Watch
from carebag_server.visit_lists import may_stay, read_lists
from carebag_wire.api import REFUSAL_HEADER, Refusal
from carebag_wire.nowhere import NOT_GIVEN, NOWHERE, is_a_tab, is_for_a_person

log = logging.getLogger("carebag.hub")
_CODES = {400: "bad_request", 404: "not_found", 405: "bad_method"}


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The ASGI application; the store is brought up to date when it starts.

    Args:
        clock: gives aware UTC times.

    Raises:
        UnsafeSettings: see `Settings.check`.
        RouteWithoutPolicy: a programmer's fault.
    """
    settings.check()
    database = Database(settings.database_url)
    live = LiveRooms(clock, partial(touched_lately, database, clock))
    live.relay_only = settings.turn.relay_only
    hub = Hub(settings, database, clock, _media(settings), live)
    if settings.bus.place:
        database.ordered_listener = live.announced
    else:
        database.listener = live.announced
    live.keeper = RoomKeeper(database, clock)
    database.before_commit = partial(follow, hub)
    if settings.oidc.issuer:
        hub.provider = Provider(settings.oidc, clock)
    hub.lists = Together(partial(read_lists, hub))
    hub.seats = Together(partial(may_stay, hub))
    hub.questions = Together(partial(read_waiting, hub))
    hub.admin_acts = AdminActs(database, live)
    hub.signed_in = Watch(lambda ids: sessions.those_alive(hub.database, ids, hub.now()))
    hub.locked = Watch(lambda ids: sessions.those_locked(hub.database, ids, hub.now()))
    hub.enrolled = Watch(partial(those_enrolled, hub.database))
    hub.nurses = Watch(lambda ids: those_in(hub.database, ids, hub.now()))
    app = FastAPI(
        title="Carebag hub",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # nothing is sent on to an address made of the request's Host
    )
    app.state.hub = hub
    for module in _ROUTES:
        app.router.routes.extend(module.router.routes)
    _answer_refusals(app)
    app.add_middleware(RequestGuard, origins=settings.origins, https=settings.secure_cookies)
    policies(app)
    describe(app)
    return app


def _media(settings: Settings) -> MediaStore:
    return open_media(settings.media_folder, settings.media_url, settings.media_secret)


_ROUTES = (
    session_routes,
    proving_routes,
    oidc_routes,
    passkey_routes,
    passkey_link_routes,
    visit_routes,
    media_routes,
    fhir_routes,
    print_routes,
    guest_routes,
    guest_socket,
    camera_routes,
    earlier_routes,
    path_proof_routes,
    kit_routes,
    kit_damage_routes,
    kit_enrolment_routes,
    workbench_routes,
    move_routes,
    review_routes,
    admin_routes,
    socket_routes,
    ticket_routes,
    upload_routes,
    pages,
)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    hub: Hub = app.state.hub
    try:
        upgrade(hub.database.engine)
        stamp(hub.database, hub.settings.demo, hub.now())
        hub.live.start(hub.settings.sfu.make(), hub.settings.bus.make(hub.settings.database_url))
        hub.admin_acts.start()
        yield
    finally:
        await hub.admin_acts.stop()
        await hub.live.stop()
        await hub.live.leave()
        await run_in_threadpool(hub.database.dispose)


def _answer_refusals(app: FastAPI) -> None:
    """Every refusal is a code; a validation error does not echo what was sent."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(DatabaseBusy, _busy)
    app.add_exception_handler(MediaAway, _media_away)


async def _refused(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, Refused)
    if error.status == 404 and _of_a_person(connection):
        return HTMLResponse(NOWHERE, 404)
    return refusal(connection, error.status, error.code)  # of a socket as well: then it is the answer to the handshake


async def _invalid(connection: HTTPConnection, _error: Exception) -> Response:
    return refusal(connection, 422, "bad_request")


async def _http_error(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and _of_a_person(connection):
        return HTMLResponse(NOWHERE, 404)
    if isinstance(error.__cause__, TooLarge) or isinstance(error.__context__, TooLarge):
        return refusal(connection, 413, "too_large")
    return refusal(connection, error.status_code, _CODES.get(error.status_code, "bad_request"))


def _of_a_person(connection: HTTPConnection) -> bool:
    method = str(connection.scope.get("method", ""))  # a socket has none
    return is_for_a_person(method, connection.url.path, connection.headers.get("accept", ""))


async def _busy(connection: HTTPConnection, _error: Exception) -> Response:
    return refusal(connection, 503, "busy")


async def _media_away(connection: HTTPConnection, error: Exception) -> Response:
    log.error("media store: %s", error)
    return refusal(connection, 503, "media_away")


def refusal(connection: HTTPConnection, status: int, code: str) -> Response:
    connection.scope[REFUSED] = code
    # a client of a socket sees the headers of a refused handshake, and not its body
    headers = {REFUSAL_HEADER: code} | ({"retry-after": "10"} if status == 429 else {})
    if is_a_tab(str(connection.scope.get("method", "")), connection.headers.get("sec-fetch-dest", "")):
        return HTMLResponse(NOT_GIVEN, status, headers)
    return JSONResponse(Refusal(code=code).model_dump(), status_code=status, headers=headers)
