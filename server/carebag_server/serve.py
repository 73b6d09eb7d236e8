"""Runs the hub under uvicorn until it is told to stop."""

import asyncio
import gc
import logging
import socket
import sys
import threading

import uvicorn
from fastapi import FastAPI

from carebag_server.app import create_app, utc_now
from carebag_server.hubs.running import Place
from carebag_server.settings import Settings
from carebag_server.store_start import StoreUnusable, open_database, see_to_media, take
from carebag_wire.log_times import log_to_standard_error
from carebag_wire.messages import MAX_MESSAGE_BYTES

STOP_SECONDS = 5
SWITCH_S = 0.0005
"""A thread that works on the store lets the sockets' thread go on after so long; Python's own 5 ms add up."""
YOUNG_OBJECTS = 20_000
"""Python looks for garbage among the newest after so many; its own 700 is for programs that make few at a time."""
TIDY_SECONDS = 600.0
"""Between two looks at all objects, in which everyone waits: half a second with a thousand rooms. Left to itself Python
takes one whenever there are a quarter more, several times a minute while people come."""
SOCKET_LIMIT = 4 * MAX_MESSAGE_BYTES
"""Above our own limit, so that an oversize message is answered with `too_large`; beyond this the line is cut."""

_NEVER = 2**31 - 1
_OF_REFUSED_SOCKETS = (
    '%s - "WebSocket %s" %d',
    "connection rejected",
    "ASGI callable returned without completing handshake",
)


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; open sockets are told first.

    Raises:
        UnsafeSettings: see `Settings.check`.
        StoreUnusable: see `store_start`.
    """
    log_to_standard_error(logging.INFO)
    settings.check()
    database = open_database(settings.database_url)
    place = Place(database, settings.bus.place)
    try:
        take(place, demo=settings.demo, now=utc_now())
        see_to_media(settings)
        logging.getLogger("uvicorn.error").addFilter(not_of_refused_sockets)
        sys.setswitchinterval(SWITCH_S)
        _serve(settings, place)
    finally:
        place.leave()
        database.dispose()


def _serve(settings: Settings, place: Place) -> None:
    server, lost = _Server(server_config(settings)), threading.Event()

    def stop() -> None:
        lost.set()
        server.should_exit = True

    place.lost, server.place = stop, place
    place.start_beating()
    server.run()
    if lost.is_set():
        raise StoreUnusable(
            "this hub was held up for so long (a machine asleep, a process stopped) that another one took over its "
            "database. It has let go of everybody and ends"
        )


def not_of_refused_sockets(record: logging.LogRecord) -> bool:
    """A log filter. Of a refused handshake guards.py writes; uvicorn and websockets would add an address and, although
    the refusal was answered, an error."""
    return not str(record.msg).startswith(_OF_REFUSED_SOCKETS)


class _Server(uvicorn.Server):
    """Says `hub_stopping` on every socket before uvicorn closes them; looks for garbage when it harms least."""

    _tidying: asyncio.Task[None] | None = None
    place: Place | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        settle_memory()
        self._tidying = asyncio.create_task(_tidy())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.app
        assert isinstance(app, FastAPI)
        if self._tidying is not None:
            self._tidying.cancel()
        await app.state.hub.live.stop()
        await super().shutdown(sockets)
        if self.place is not None:  # here: uvicorn then raises the signal anew, and nothing comes after that
            await asyncio.to_thread(self.place.leave)


def settle_memory() -> None:
    """What is there once the hub has started stays until it stops: it is not looked at again for garbage.

    Most garbage goes at once or among the newest; what is in rings and lives longer waits for `_tidy`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, _NEVER)


async def _tidy() -> None:
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        gc.collect()


def server_config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,  # its lines hold addresses with ids; guards.py writes ours
        log_config=None,
        server_header=False,
        proxy_headers=not settings.demo,  # a demo believes only the socket about who is near
        ws="websockets-sansio",
        ws_max_size=SOCKET_LIMIT,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
