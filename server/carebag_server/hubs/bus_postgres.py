"""LISTEN/NOTIFY of the database that the hubs share: nothing more to run, and one order for all listeners.

PostgreSQL hands notifications to every listener in the order in which they were committed. One takes less than 8000
bytes, so longer texts go in pieces. Two connections of its own, outside the store's pool: one listens, one speaks.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from psycopg import AsyncConnection, Error, sql
from sqlalchemy.engine import make_url

from carebag_server.hubs.bus import BusCut
from carebag_server.hubs.pieces import Whole, cut
from carebag_server.hubs.waiting import Waiting

CHANNEL = "carebag_hubs"
LIMIT = 7900
"""Bytes; PostgreSQL refuses 8000."""
_SAY = "SELECT pg_notify(%s, piece) FROM unnest(%s::text[]) WITH ORDINALITY AS said(piece, place) ORDER BY place"
_KEEP: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "application_name": "carebag hubs",
}


class PostgresBus:
    """
    Args:
        url: as of the store: `postgresql+psycopg://…`.
    """

    def __init__(self, url: str) -> None:
        address = make_url(url).set(drivername="postgresql")
        self._url = address.render_as_string(hide_password=False)
        self._waiting = Waiting()
        self._speaker: str | None = None
        self._count = 0

    def say(self, text: str) -> None:
        if self._speaker is not None:
            self._count += 1
            self._waiting.add(cut(text, self._speaker, self._count, LIMIT))

    async def run(self, heard: Callable[[str], None], up: Callable[[], None]) -> None:
        try:
            async with await self._connect() as ears, await self._connect() as mouth:
                await ears.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                await mouth.execute("SET synchronous_commit = off")  # nothing is written: nothing to wait for
                self._speaker = secrets.token_hex(8)
                up()
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._listen(ears, heard))
                    both.create_task(self._speak(mouth))
        except* (Error, OSError) as errors:
            raise BusCut(type(errors.exceptions[0]).__name__) from None
        finally:
            self._speaker = None
            self._waiting.clear()
        raise BusCut("closed")

    async def _connect(self) -> AsyncConnection[Any]:
        return await AsyncConnection.connect(self._url, autocommit=True, **_KEEP)

    @staticmethod
    async def _listen(connection: AsyncConnection[Any], heard: Callable[[str], None]) -> None:
        whole = Whole()
        async for notice in connection.notifies():
            text = whole.take(notice.payload)
            if text is not None:
                heard(text)

    async def _speak(self, connection: AsyncConnection[Any]) -> None:
        async for pieces in self._waiting.lots():
            await connection.execute(_SAY, (CHANNEL, pieces))
