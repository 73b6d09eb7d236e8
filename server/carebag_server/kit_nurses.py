"""A nurse whose sign-in ended at the hub is told to the kit that she is signed in at (ASVS V7.4.2)."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select

from carebag_server.database import Database, of_these
from carebag_server.sessions import ABSOLUTE
from carebag_server.tables import Commission, SignedIn
from carebag_server.together import Watch


def those_in(database: Database, commission_ids: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Nurses' commissions that may stay at a kit: not ended, and not all of their sessions of the last 12 h ended."""
    lately = select(SignedIn.id).where(SignedIn.commission_id == Commission.id, SignedIn.created_at > now - ABSOLUTE)
    going_on, ended = lately.where(SignedIn.ended_at.is_(None)), lately.where(SignedIn.ended_at.is_not(None))
    may_stay = select(Commission.id).where(Commission.ended_at.is_(None), going_on.exists() | ~ended.exists())
    with database.reading() as session:
        return of_these(session, may_stay, Commission.id, commission_ids)


class NurseWatch:
    """For one kit's socket. Event loop only.

    Args:
        out: told the commission that may not stay, once.
    """

    def __init__(self, watch: Watch, out: Callable[[uuid.UUID], None]) -> None:
        self._watch, self._out = watch, out
        self._nurse: uuid.UUID | None = None
        self._another = asyncio.Event()

    def named(self, commission_id: uuid.UUID | None) -> None:
        """Who the kit says is signed in there now."""
        if commission_id != self._nurse:
            self._nurse = commission_id
            self._another.set()

    async def run(self) -> None:
        """Until cancelled; raises what goes wrong when the store is asked."""
        while True:
            self._another.clear()
            another = asyncio.create_task(self._another.wait())
            over = asyncio.create_task(self._say_when_out(self._nurse))
            try:
                await asyncio.wait({another, over}, return_when=asyncio.FIRST_COMPLETED)
                if over.done():
                    over.result()
                    await another
            finally:
                another.cancel()
                over.cancel()
                await asyncio.gather(another, over, return_exceptions=True)

    async def _say_when_out(self, nurse: uuid.UUID | None) -> None:
        if nurse is not None:
            await self._watch.until_over(nurse)
            self._out(nurse)
