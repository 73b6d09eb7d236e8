"""The outbox against a network that loses, repeats and delays: nothing lost, nothing twice, in order."""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from carebag_edge.backoff import Backoff
from carebag_edge.damage import DamageBook
from carebag_edge.errors import HubAway, HubRefused
from carebag_edge.journal import Journal
from carebag_edge.keys import load_or_create
from carebag_edge.media_files import MediaFiles
from carebag_edge.sync import Outbox, SendMedia, SendRecords, Sync
from carebag_wire.api import UploadState
from carebag_wire.base import uuid7
from carebag_wire.records import PhotoTaken, Record, RecordReceipt, VisitClosed, record_adapter
from carebag_wire.values import Binding, Times

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TIMES = Times(kit_monotonic_ns=0, kit_utc=AT)


def closed(kit_id: UUID, kit_seq: int) -> Record:
    binding = Binding(visit_id=None, patient_id=None, nurse_id=None, kit_id=kit_id, kit_seq=kit_seq)
    return VisitClosed(id=uuid7(0), binding=binding, times=TIMES, plan_read=True)


def photo(kit_id: UUID, kit_seq: int, sha256: str) -> Record:
    binding = Binding(visit_id=None, patient_id=None, nurse_id=None, kit_id=kit_id, kit_seq=kit_seq)
    return PhotoTaken(
        id=uuid7(0), binding=binding, times=TIMES, media_sha256=sha256, media_type="image/png", width=1, height=1
    )


class Hub:
    """What a hub must do with records, as a model: stores by id, says how far it has all."""

    def __init__(self) -> None:
        self.stored: dict[int, str] = {}

    def take(self, work: SendRecords) -> RecordReceipt:
        ids = []
        for signed in work.batch.records:
            record = record_adapter.validate_json(signed.payload)
            self.stored.setdefault(record.binding.kit_seq, signed.sha256)
            assert self.stored[record.binding.kit_seq] == signed.sha256
            ids.append(record.id)
        return RecordReceipt(stored=ids, refused={}, watermark=self.watermark, received_at=AT)

    @property
    def watermark(self) -> int:
        reached = 0
        while reached + 1 in self.stored:
            reached += 1
        return reached


class Delivery(RuleBasedStateMachine):
    """Appends, deliveries, lost answers, restarts of the kit, a hub restored from yesterday's backup."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.key = load_or_create(Path(self.folder.name), None, 0)
        self.hub = Hub()
        self.appended = 0
        self.restart_kit()

    def teardown(self) -> None:
        self.journal.close()
        self.folder.cleanup()

    @rule()
    def restart_kit(self) -> None:
        if hasattr(self, "journal"):
            self.journal.close()
        self.journal = Journal(Path(self.folder.name) / "journal.sqlite", self.key)
        self.outbox = Outbox(self.journal)

    @rule(count=st.integers(1, 5))
    def append(self, count: int) -> None:
        for _ in range(count):
            self.journal.append(lambda kit_seq: closed(self.key.kit_id, kit_seq))
        self.appended += count

    @rule(answer_is_lost=st.booleans(), repeated=st.booleans())
    def send(self, answer_is_lost: bool, repeated: bool) -> None:
        work = self.outbox.next()
        if not isinstance(work, SendRecords):
            assert work is None
            return
        receipt = self.hub.take(work)
        if repeated:
            receipt = self.hub.take(work)
        if answer_is_lost:
            assert self.outbox.away() > 0
        else:
            self.outbox.records_answered(receipt)

    @rule(back=st.integers(0, 3))
    def hub_comes_back_from_a_backup(self, back: int) -> None:
        for number in list(self.hub.stored):
            if number > self.hub.watermark - back:
                del self.hub.stored[number]

    @invariant()
    def what_is_not_unsent_was_once_at_the_hub(self) -> None:
        assert self.journal.numbers() == list(range(1, self.appended + 1))

    @rule()
    def in_the_end_all_of_it_is_there(self) -> None:
        """A quiet hour: one more record makes the kit notice a hub that fell back."""
        self.append(1)
        while isinstance(work := self.outbox.next(), SendRecords):
            self.outbox.records_answered(self.hub.take(work))
        assert sorted(self.hub.stored) == list(range(1, self.appended + 1))
        assert self.journal.unsent().count == 0


TestDelivery = Delivery.TestCase
TestDelivery.settings = hypothesis_settings(deadline=None, max_examples=30, stateful_step_count=30)


def test_one_bad_record_does_not_block_the_others(journal: Journal) -> None:
    outbox, hub = Outbox(journal), Hub()
    for _ in range(3):
        journal.append(lambda kit_seq: closed(journal.key.kit_id, kit_seq))
    for _ in range(10):
        work = outbox.next()
        if work is None:
            break
        assert isinstance(work, SendRecords)
        numbers = [record_adapter.validate_json(r.payload).binding.kit_seq for r in work.batch.records]
        if 2 in numbers:
            assert outbox.refused(work, HubRefused(422, "bad_record")) == 0
        else:
            outbox.records_answered(hub.take(work))
    assert sorted(hub.stored) == [1, 3]
    assert journal.refused() == {2: "bad_record"}


def test_a_hub_from_a_backup_gets_all_files_anew_also_of_records_that_it_has(journal: Journal) -> None:
    """The backup may be older than the file and younger than its record."""
    outbox, hub = Outbox(journal), Hub()
    journal.append(lambda kit_seq: photo(journal.key.kit_id, kit_seq, "a" * 64), media_type="image/png")
    journal.append(lambda kit_seq: closed(journal.key.kit_id, kit_seq))
    while (work := outbox.next()) is not None:
        if isinstance(work, SendRecords):
            outbox.records_answered(hub.take(work))
        else:
            outbox.media_answered(work.media)
    del hub.stored[2]
    journal.append(lambda kit_seq: closed(journal.key.kit_id, kit_seq))
    asked = []
    while (work := outbox.next()) is not None:
        if isinstance(work, SendRecords):
            outbox.records_answered(hub.take(work))
        else:
            asked.append(work.media.sha256)
            outbox.media_answered(work.media)
    assert sorted(hub.stored) == [1, 2, 3]
    assert asked == ["a" * 64]


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_what_may_change_tomorrow_is_tried_again(journal: Journal, status: int) -> None:
    outbox = Outbox(journal)
    journal.append(lambda kit_seq: closed(journal.key.kit_id, kit_seq))
    work = outbox.next()
    assert work is not None
    assert outbox.refused(work, HubRefused(status, "x")) == 0.25
    assert outbox.next() == work


def test_media_follow_their_record_and_are_tried_until_taken(journal: Journal) -> None:
    outbox, hub = Outbox(journal), Hub()
    sha256 = "ab" * 32
    journal.append(lambda kit_seq: photo(journal.key.kit_id, kit_seq, sha256), media_type="image/png")
    assert journal.unsent().count == 2
    work = outbox.next()
    assert isinstance(work, SendRecords)
    outbox.records_answered(hub.take(work))
    media = outbox.next()
    assert isinstance(media, SendMedia)
    assert (media.media.sha256, media.media.media_type) == (sha256, "image/png")
    outbox.away()
    assert outbox.next() == media
    outbox.media_answered(media.media)
    assert outbox.next() is None
    assert journal.unsent().count == 0


def test_who_lost_the_same_hub_do_not_all_come_at_once() -> None:
    backoff = Backoff(chance=iter((0.1, 0.9)).__next__)
    assert [backoff.failed() for _ in range(3)] == [0.025, 0.5, 1.0]
    backoff.succeeded()
    assert backoff.failed() == 0.225


def test_waiting_grows_to_ten_seconds_and_begins_anew() -> None:
    backoff = Backoff()
    assert [backoff.failed() for _ in range(8)] == [0.25, 0.5, 1, 2, 4, 8, 10, 10]
    backoff.succeeded()
    assert backoff.failed() == 0.25


class FlakyHub:
    """The hub's place at the client's seam: away until told otherwise."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.here = False
        self.tried = asyncio.Event()
        self.media: list[str] = []

    async def upload_state(self, sha256):
        return UploadState(offset=0, complete=False)

    async def send_piece(self, sha256, offset, piece, pace, *, last):
        self.media.append(sha256)
        return UploadState(offset=len(piece), complete=last)

    async def send_records(self, batch):
        self.tried.set()
        if not self.here:
            raise HubAway
        return self.hub.take(SendRecords(batch))


async def test_a_new_record_wakes_it_out_of_waiting(journal: Journal, tmp_path: Path) -> None:
    hub, changed = FlakyHub(), asyncio.Event()
    media = MediaFiles(tmp_path / "media")
    sync = Sync(Outbox(journal), hub, media, journal, changed.set)  # type: ignore[arg-type]
    running = asyncio.create_task(sync.run())
    sha256 = media.keep(b"picture")
    journal.append(lambda kit_seq: photo(journal.key.kit_id, kit_seq, sha256), media_type="image/png")
    sync.wake()
    await hub.tried.wait()
    hub.here = True
    sync.wake()
    async with asyncio.timeout(30):
        while journal.unsent().count:
            changed.clear()
            await changed.wait()
    assert hub.media == [sha256]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_damaged_file_is_said_and_does_not_block(journal: Journal, tmp_path: Path) -> None:
    hub, changed = FlakyHub(), asyncio.Event()
    hub.here = True
    media = MediaFiles(tmp_path / "media")
    sha256 = media.keep(b"picture")
    media.path(sha256).write_bytes(b"rotten!")
    journal.append(lambda kit_seq: photo(journal.key.kit_id, kit_seq, sha256), media_type="image/png")
    sync = Sync(Outbox(journal), hub, media, journal, changed.set)  # type: ignore[arg-type]
    running = asyncio.create_task(sync.run())
    async with asyncio.timeout(30):
        while journal.unsent_records(1) or journal.unsent_media():
            changed.clear()
            await changed.wait()
    assert (hub.media, journal.unsent().count, journal.damaged()) == ([], 0, 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class HangingHub(FlakyHub):
    """Its first request disappears in a line that broke: no answer comes, and no end."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0

    async def send_records(self, batch):
        self.requests += 1
        self.tried.set()
        if self.requests == 1:
            await asyncio.Event().wait()
        return self.hub.take(SendRecords(batch))


async def test_what_hangs_on_a_broken_line_is_begun_anew_when_the_line_stands_again(
    journal: Journal, tmp_path: Path
) -> None:
    hub, changed = HangingHub(), asyncio.Event()
    journal.append(lambda kit_seq: closed(journal.key.kit_id, kit_seq))
    sync = Sync(Outbox(journal), hub, MediaFiles(tmp_path / "media"), journal, changed.set)  # type: ignore[arg-type]
    sync.renew()  # nothing is under way
    running = asyncio.create_task(sync.run())
    async with asyncio.timeout(30):
        await hub.tried.wait()
        sync.renew()
        while journal.unsent().count:
            changed.clear()
            await changed.wait()
    assert hub.requests == 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_kit_that_stops_stops_though_its_line_is_being_renewed(journal: Journal, tmp_path: Path) -> None:
    hub = HangingHub()
    journal.append(lambda kit_seq: closed(journal.key.kit_id, kit_seq))
    sync = Sync(Outbox(journal), hub, MediaFiles(tmp_path / "media"), journal, lambda: None)  # type: ignore[arg-type]
    running = asyncio.create_task(sync.run())
    async with asyncio.timeout(30):
        await hub.tried.wait()
        sync.renew()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert hub.requests == 1


def test_a_batch_too_large_for_the_link_is_halved_and_grows_again_slowly(journal: Journal) -> None:
    outbox, hub = Outbox(journal), Hub()
    for _ in range(300):
        journal.append(lambda kit_seq: closed(journal.key.kit_id, kit_seq))
    sizes = []
    for slow in (True, True, False, False, True, False):
        work = outbox.next()
        assert isinstance(work, SendRecords)
        sizes.append(len(work.batch.records))
        if slow:
            assert outbox.slow(work) > 0
        else:
            outbox.records_answered(hub.take(work))
    assert sizes == [100, 50, 25, 30, 35, 17]
    while isinstance(work := outbox.next(), SendRecords):
        outbox.records_answered(hub.take(work))
    assert journal.unsent().count == 0


def test_one_record_is_always_offered(journal: Journal) -> None:
    outbox = Outbox(journal)
    journal.append(lambda kit_seq: closed(journal.key.kit_id, kit_seq))
    for _ in range(3):
        work = outbox.next()
        assert isinstance(work, SendRecords)
        assert len(work.batch.records) == 1
        outbox.slow(work)


def test_what_the_hub_refuses_is_counted_with_its_reason(journal: Journal, hands: Any) -> None:
    """Until it takes it: then the notice goes by itself."""
    book = DamageBook(journal, hands.clock)
    first = journal.append(lambda kit_seq: closed(journal.key.kit_id, kit_seq))
    journal.unsent_records(10)
    journal.refuse(first.signed.sha256, "record_conflict")
    assert not book.look()
    assert book.not_taken == (1, "record_conflict")
    receipt = RecordReceipt(stored=[first.record.id], refused={}, watermark=1, received_at=AT)
    journal.acknowledge(receipt)
    book.look()
    assert book.not_taken == (0, None)
