"""Hubs' processes that serve until they are killed: `python -m carebag.fault_bench.hub_life`.

Told on standard input: folder and port. Says `serving` when requests are answered.
"""

import logging
import socket
from pathlib import Path

import uvicorn

from carebag.fault_bench.lives import mother, say
from carebag_server.app import utc_now
from carebag_server.serve import server_config
from carebag_server.settings import Settings
from carebag_server.store_start import bring_up_to_date

FILE, MEDIA, SERVING = "hub.sqlite", "hub-media", "serving"


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        say(SERVING)


def live(words: list[str]) -> None:
    """As `carebag hub --demo`, until killed."""
    logging.disable(logging.CRITICAL)
    folder, port = Path(words[0]), int(words[1])
    settings = Settings(
        database_url=f"sqlite:///{folder / FILE}",
        media_folder=folder / MEDIA,
        port=port,
        origins=(f"http://127.0.0.1:{port}",),
        demo=True,
    )
    bring_up_to_date(settings.database_url, demo=True, now=utc_now())
    _Server(server_config(settings)).run()


if __name__ == "__main__":
    mother(live)
