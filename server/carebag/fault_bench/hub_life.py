"""Hubs' processes that serve until they are killed: `python -m carebag.fault_bench.hub_life`.

Told on standard input: folder, port, `right` or `early`. Says `serving` when requests are answered; `early` is the
planted fault: a hub that acknowledges before its commit.
"""

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import anyio._backends._asyncio  # noqa: F401 (else each life imports it)
import uvicorn
from fastapi import FastAPI
from sqlalchemy.orm import Session

from carebag.fault_bench.lives import mother, say
from carebag_server.app import utc_now
from carebag_server.database import Database
from carebag_server.migrate import newest
from carebag_server.serve import server_config
from carebag_server.settings import Settings
from carebag_server.store_start import bring_up_to_date

FILE, MEDIA, SERVING = "hub.sqlite", "hub-media", "serving"
ANSWER_GOES_OUT_S = 0.01


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        say(SERVING)


class EarlyDatabase(Database):
    """The planted fault: what is to be committed is said to be, and is while the answer goes out."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._later = ThreadPoolExecutor(1)  # one thread: a death counts the calls of each
        self._last: Future[None] | None = None

    @contextmanager
    def _alone(self) -> Iterator[Session]:
        if self._last is not None:
            self._last.result()
        session = Session(self.engine, expire_on_commit=False)
        try:
            yield session
        except BaseException:
            session.close()
            raise
        self._last = self._later.submit(self._commit, session)

    @staticmethod
    def _commit(session: Session) -> None:
        time.sleep(ANSWER_GOES_OUT_S)
        session.commit()
        session.close()


def live(words: list[str]) -> None:
    """As `carebag hub --demo`, until killed."""
    logging.disable(logging.CRITICAL)
    folder, port, how = Path(words[0]), int(words[1]), words[2]
    settings = Settings(
        database_url=f"sqlite:///{folder / FILE}",
        media_folder=folder / MEDIA,
        port=port,
        origins=(f"http://127.0.0.1:{port}",),
        demo=True,
    )
    bring_up_to_date(settings.database_url, demo=True, now=utc_now())
    config = server_config(settings)
    if how == "early":
        assert isinstance(config.app, FastAPI)
        config.app.state.hub.database = EarlyDatabase(settings.database_url)
    _Server(config).run()


def warm() -> None:
    """What does not depend on the store is read once, for all lives: modules, and the scripts of the migrations."""
    newest()
    server_config(Settings(database_url="sqlite://", media_folder=Path(MEDIA), demo=True)).load()


if __name__ == "__main__":
    warm()
    mother(live)
