"""The outbox: what the hub does not have yet goes there, in order, until it says that it has it.

`Outbox` decides (no I/O beyond the journal), `Sync` carries. A new record wakes it at once, also out of a back-off: the
doctor is waiting for that number. Files go in pieces that are never sent twice, and beside a call so slowly that sound
and vital signs notice nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from carebag_edge.backoff import Backoff
from carebag_edge.errors import HubAway, HubRefused, HubSlow, KitError
from carebag_edge.hub_client import HubClient
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.journal_rows import MEDIA_DAMAGED, MediaRow
from carebag_edge.media_files import MediaFiles
from carebag_edge.token_bucket import TokenBucket
from carebag_wire.api import UploadState
from carebag_wire.records import RecordBatch, RecordReceipt

BATCH = 100
MORE = 5
"""A batch may be so much larger than the one before, after it was too much for the link."""
PIECE_BYTES = 256 * 1024
PACED_PIECE_BYTES = 32 * 1024
"""Beside a call: a new record waits for no more than one piece."""
BURST_BYTES = 8 * 1024
UNTAKEABLE = frozenset({400, 409, 413, 415, 422})
"""Statuses that say the same thing tomorrow. Others (401 of a kit not yet enrolled, 429, 5xx) are tried again."""

NO_PIECES = frozenset({404, 405})
"""A hub from before files went in pieces."""


@dataclass(frozen=True)
class SendRecords:
    batch: RecordBatch


@dataclass(frozen=True)
class SendMedia:
    media: MediaRow


class Outbox:
    """What to send next, and what an answer means. Records first: they are small and somebody waits for them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._limit = self._most = BATCH
        self._backoff = Backoff()

    def next(self) -> SendRecords | SendMedia | None:
        records = self._journal.unsent_records(min(self._limit, self._most))
        if records:
            return SendRecords(RecordBatch(records=records))
        media = self._journal.unsent_media()
        return SendMedia(media) if media else None

    def records_answered(self, receipt: RecordReceipt) -> None:
        self._journal.acknowledge(receipt)
        self._most = min(BATCH, self._most + MORE)
        self._succeeded()

    @property
    def has_records(self) -> bool:
        """Whether a record waits, which goes before what is left of a file."""
        return bool(self._journal.unsent_records(1))

    def media_answered(self, media: MediaRow) -> None:
        self._journal.media_stored(media.sha256)
        self._succeeded()

    def away(self) -> float:
        """No answer: nothing is known, so everything stays. Seconds to wait."""
        return self._backoff.failed()

    def slow(self, sent: SendRecords | SendMedia) -> float:
        """As `away`, but it may be that so much never gets through in time: half of it next. Seconds to wait."""
        if isinstance(sent, SendRecords):
            self._most = max(1, len(sent.batch.records) // 2)
        return self._backoff.failed()

    def refused(self, sent: SendRecords | SendMedia, error: HubRefused) -> float:
        """The hub said no to all of it. A batch is then offered one by one, so that one record cannot block the rest.

        Returns: seconds to wait.
        """
        if error.status not in UNTAKEABLE:
            return self._backoff.failed()
        if isinstance(sent, SendMedia):
            self._journal.media_refused(sent.media.sha256, error.code)
        elif len(sent.batch.records) > 1:
            self._limit = 1
        else:
            self._journal.refuse(sent.batch.records[0].sha256, error.code)
        return 0.0

    def _succeeded(self) -> None:
        self._limit = BATCH
        self._backoff.succeeded()


class Sync:
    """Runs the outbox over HTTP."""

    def __init__(
        self,
        outbox: Outbox,
        hub: HubClient,
        media: MediaFiles,
        journal: Journal,
        changed: Callable[[], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._hub = hub
        self._media = media
        self._journal = journal
        self._changed = changed
        self.kbps: Callable[[], float | None] = lambda: None
        """How fast files may go now, kbit/s; None: as fast as they can. Records always can."""
        self._monotonic = monotonic
        self._sleep = sleep
        self._bucket: TokenBucket | None = None
        self._wake = asyncio.Event()
        self._under_way: asyncio.Future[float] | None = None
        self._renewed = False
        self._hub_is_behind = False
        """It had nothing of the last file, which came in one go: of the next, taken later, it is not asked beforehand.
        On 1 Mbit/s the question takes a tenth of the time of a photo."""

    def wake(self) -> None:
        """Something new was journaled, or the hub is back."""
        self._wake.set()

    def renew(self) -> None:
        """The line broke and stands again: what was under way on it hangs, and is begun anew on another connection."""
        if self._under_way is not None and not self._under_way.done():
            self._renewed = True
            self._under_way.cancel()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            try:
                work = self._outbox.next()
            except DATABASE_ERRORS:
                await self._sleep(self._outbox.away())  # the journal cannot be read: values wait in memory meanwhile
                continue
            if work is None:
                await self._wake.wait()
                continue
            wait_s = await self._sent(work)
            self._changed()
            if wait_s:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()

    async def _sent(self, work: SendRecords | SendMedia) -> float:
        """Seconds to wait before the next."""
        self._under_way = asyncio.ensure_future(self._send(work))
        try:
            return await self._under_way
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._renewed or (task is not None and task.cancelling()):
                raise
            return 0.0
        finally:
            self._renewed = False

    async def _send(self, work: SendRecords | SendMedia) -> float:
        try:
            if isinstance(work, SendRecords):
                self._outbox.records_answered(await self._hub.send_records(work.batch))
            else:
                await self._send_media(work.media)
        except HubSlow:
            return self._outbox.slow(work)
        except HubAway:
            return self._outbox.away()
        except HubRefused as error:
            return self._outbox.refused(work, error)
        except DATABASE_ERRORS:
            return self._outbox.away()  # the disk is full: what the hub said is asked for again later
        return 0.0

    async def _send_media(self, media: MediaRow) -> None:
        try:
            content = await asyncio.to_thread(self._media.read, media.sha256)
        except KitError:
            self._journal.media_refused(media.sha256, MEDIA_DAMAGED)
            return
        try:
            whole = await self._send_pieces(media.sha256, content)
        except HubRefused as error:
            if error.status not in NO_PIECES:
                raise
            await self._hub.send_media(media.sha256, content, media.media_type)
            whole = True
        if whole:
            self._outbox.media_answered(media)

    async def _send_pieces(self, sha256: str, content: bytes) -> bool:
        """Go on where the hub is; False if a record came meanwhile: what is left of the file waits for it."""
        asked, self._hub_is_behind = not self._hub_is_behind, False
        state = await self._hub.upload_state(sha256) if asked else UploadState(offset=0, complete=False)
        had_nothing, resumed = state == UploadState(offset=0, complete=False), state.offset > 0
        while not state.complete:
            size = PIECE_BYTES if self.kbps() is None else PACED_PIECE_BYTES
            piece = content[state.offset : state.offset + size]
            last = state.offset + len(piece) >= len(content)
            try:
                state = await self._hub.send_piece(sha256, state.offset, piece, self._pace, last=last)
            except HubRefused as error:
                if not asked and error.status == 409:
                    asked, had_nothing, state = True, False, await self._hub.upload_state(sha256)
                    resumed = state.offset > 0
                    continue
                if error.status != 422 or not resumed:
                    raise
                # what was there before was not this file's: the hub has dropped it
                resumed, state = False, await self._hub.upload_state(sha256)
                continue
            if not state.complete and self._outbox.has_records:
                return False
        self._hub_is_behind = had_nothing
        return True

    async def _pace(self, size: int) -> None:
        """Wait until `size` bytes may go."""
        kbps, now = self.kbps(), self._monotonic()
        if kbps is None:
            self._bucket = None
            return
        if self._bucket is None:
            self._bucket = TokenBucket(kbps * 125, BURST_BYTES)
        elif self._bucket.rate_per_s != kbps * 125:
            self._bucket.turn(kbps * 125, now)
        if wait_s := self._bucket.wait_s(size, now):
            await self._sleep(wait_s)
