"""What hubs need of each other: a place where each says texts, and all hear all of them in the same order.

    bus_inside.py     hubs of one process
    bus_postgres.py   LISTEN/NOTIFY of the database that they share
    bus_valkey.py     publish/subscribe of a Valkey or Redis server

A bus may lose texts only together with its connection: then `run` ends, and whoever was connected knows nothing any
more of what the others say. It keeps nothing.
"""

from collections.abc import Callable
from typing import Protocol


class BusCut(Exception):
    """The connection to the bus is lost, or there is none; the text says why and holds no secret."""


class Bus(Protocol):
    """One hub's connection. For use on the event loop only."""

    async def run(self, heard: Callable[[str], None], up: Callable[[], None]) -> None:
        """Connect, call `up` once nothing is missed any more, then `heard` for every text, own ones too.

        Raises:
            BusCut: always, in the end; to be called again.
        """

    def say(self, text: str) -> None:
        """To all, this hub too, after what it said before. Forgotten while there is no connection."""
