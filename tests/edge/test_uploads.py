"""Files on their way to the hub: in pieces that are never sent twice, after records, and paced beside a call."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from carebag_edge.errors import HubAway, HubRefused
from carebag_edge.journal import Journal
from carebag_edge.live_port import PathQuality
from carebag_edge.media_files import MediaFiles
from carebag_edge.sync import BURST_BYTES, PACED_PIECE_BYTES, PIECE_BYTES, Outbox, Sync
from carebag_edge.upload_pace import LEAST_KBPS, MOST_KBPS, upload_kbps
from carebag_server.media import MediaFolder
from carebag_server.refusals import Refused
from carebag_server.uploads import Uploads
from carebag_wire.api import UploadState
from carebag_wire.base import uuid7
from carebag_wire.records import PhotoTaken, Record, RecordBatch, RecordReceipt, VisitClosed, record_adapter
from carebag_wire.values import Binding, Times

AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
TIMES = Times(kit_monotonic_ns=0, kit_utc=AT)
Pace = Callable[[int], Awaitable[None]]


def binding(kit_id: uuid.UUID, kit_seq: int) -> Binding:
    return Binding(visit_id=None, patient_id=None, nurse_id=None, kit_id=kit_id, kit_seq=kit_seq)


def closed(kit_id: uuid.UUID, kit_seq: int) -> Record:
    return VisitClosed(id=uuid7(0), binding=binding(kit_id, kit_seq), times=TIMES, plan_read=True)


def photo(kit_id: uuid.UUID, kit_seq: int, sha256: str) -> Record:
    return PhotoTaken(
        id=uuid7(0),
        binding=binding(kit_id, kit_seq),
        times=TIMES,
        media_sha256=sha256,
        media_type="image/png",
        width=1,
        height=1,
    )


class HubOnABadLine:
    """The hub's own store of pieces, behind a line that does what the test says at each piece."""

    def __init__(self, folder: Path) -> None:
        self.folder = MediaFolder(folder)
        self.uploads = Uploads(self.folder)
        self.kit = uuid.uuid4()
        self.pieces: list[int] = []
        self.asked = 0
        self.order: list[str] = []
        self.fate: Callable[[int], str] = lambda count: "arrives"
        self.takes_pieces = True
        self.whole_puts = 0

    async def send_records(self, batch: RecordBatch) -> RecordReceipt:
        self.order.append("record")
        records = [record_adapter.validate_json(one.payload) for one in batch.records]
        ids, last = [record.id for record in records], records[-1].binding.kit_seq
        return RecordReceipt(stored=ids, refused={}, watermark=last, received_at=AT)

    async def upload_state(self, sha256: str) -> UploadState:
        if not self.takes_pieces:
            raise HubRefused(404, "not_found")
        self.asked += 1
        return self._state(sha256)

    def _state(self, sha256: str) -> UploadState:
        return UploadState(offset=self.uploads.offset(self.kit, sha256), complete=self.uploads.is_whole(sha256))

    async def send_piece(self, sha256: str, offset: int, piece: bytes, pace: Pace, *, last: bool) -> UploadState:
        fate = self.fate(len(self.pieces))
        self.pieces.append(offset)
        self.order.append("piece")
        for at in range(0, len(piece), 4096):
            await pace(len(piece[at : at + 4096]))
        if fate == "lost":
            raise HubAway
        try:
            self.uploads.add(self.kit, sha256, offset, piece, last=last)
        except Refused as error:
            raise HubRefused(error.status, error.code) from None
        if fate == "answer_lost":
            raise HubAway
        return self._state(sha256)

    async def send_media(self, sha256: str, content: bytes, media_type: str) -> None:
        self.whole_puts += 1


class Kit:
    """Journal, files and sync over that line; time passes only when somebody waits."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.hub = HubOnABadLine(folder / "hub")
        self.journal = journal
        self.media = MediaFiles(folder / "media")
        self.now = 0.0
        self.kbps: float | None = None
        self.sync = Sync(
            Outbox(journal),
            self.hub,  # type: ignore[arg-type]
            self.media,
            journal,
            lambda: None,
            monotonic=lambda: self.now,
            sleep=self._sleep,
        )
        self.sync.kbps = lambda: self.kbps

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    def take_photo(self, content: bytes) -> str:
        sha256 = self.media.keep(content)
        self.journal.append(lambda kit_seq: photo(self.journal.key.kit_id, kit_seq, sha256), media_type="image/png")
        return sha256

    async def until_sent(self) -> None:
        running = asyncio.create_task(self.sync.run())
        async with asyncio.timeout(60):
            while self.journal.unsent().count:
                self.sync.wake()
                await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def kit(tmp_path: Path, journal: Journal) -> Kit:
    return Kit(tmp_path, journal)


CONTENT = random.Random(1).randbytes(3 * PIECE_BYTES + 17)


async def test_a_file_goes_in_pieces_and_arrives_whole(kit: Kit) -> None:
    sha256 = kit.take_photo(CONTENT)
    await kit.until_sent()
    assert kit.hub.folder.path(sha256).read_bytes() == CONTENT
    assert kit.hub.pieces == [0, PIECE_BYTES, 2 * PIECE_BYTES, 3 * PIECE_BYTES]


async def test_what_arrived_is_never_sent_again(kit: Kit) -> None:
    fates = {1: "lost", 3: "answer_lost", 4: "lost"}
    kit.hub.fate = lambda count: fates.get(count, "arrives")
    sha256 = kit.take_photo(CONTENT)
    await kit.until_sent()
    assert kit.hub.folder.path(sha256).read_bytes() == CONTENT
    # the one whose answer was lost is not repeated
    assert kit.hub.pieces == [0, *[PIECE_BYTES] * 2, 2 * PIECE_BYTES, *[3 * PIECE_BYTES] * 2]


async def test_a_hub_that_has_it_is_sent_nothing(kit: Kit) -> None:
    sha256 = kit.take_photo(b"picture")
    kit.hub.uploads.add(kit.hub.kit, sha256, 0, b"picture", last=True)
    await kit.until_sent()
    assert kit.hub.pieces == []


async def test_a_hub_that_had_nothing_of_the_last_file_is_not_asked_of_the_next(kit: Kit) -> None:
    contents = [bytes([number]) * 100 for number in range(5)]
    kept = [kit.take_photo(content) for content in contents]
    await kit.until_sent()
    assert [kit.hub.folder.path(sha256).read_bytes() for sha256 in kept] == contents
    assert (kit.hub.asked, kit.hub.pieces) == (1, [0] * 5)


async def test_after_a_break_it_is_asked(kit: Kit) -> None:
    kit.hub.fate = lambda count: "answer_lost" if count == 1 else "arrives"
    for number in range(4):
        kit.take_photo(bytes([number]) * 100)
    await kit.until_sent()
    # the one whose answer was lost is there: nothing of it goes again, and the next one is asked about
    assert (kit.hub.asked, kit.hub.pieces) == (3, [0] * 4)


@pytest.mark.parametrize("there", [CONTENT[:1000], CONTENT, b"rotten"])
async def test_what_it_has_unasked_is_found_out(kit: Kit, there: bytes) -> None:
    kit.take_photo(b"picture")
    sha256 = kit.take_photo(CONTENT)
    kit.hub.uploads.add(kit.hub.kit, sha256, 0, there, last=there == CONTENT)
    await kit.until_sent()
    assert kit.hub.folder.path(sha256).read_bytes() == CONTENT
    assert kit.journal.unsent().count == 0


async def test_rotten_pieces_at_the_hub_are_begun_anew_once(kit: Kit) -> None:
    sha256 = kit.take_photo(CONTENT)
    kit.hub.uploads.add(kit.hub.kit, sha256, 0, b"rotten", last=False)
    await kit.until_sent()
    assert kit.hub.folder.path(sha256).read_bytes() == CONTENT
    assert kit.hub.pieces[0] == 6
    assert kit.hub.pieces.count(0) == 1


async def test_a_hub_from_before_gets_it_whole(kit: Kit) -> None:
    kit.hub.takes_pieces = False
    kit.take_photo(b"picture")
    await kit.until_sent()
    assert kit.hub.whole_puts == 1


async def test_a_new_record_goes_before_what_is_left_of_a_file(kit: Kit) -> None:
    def take_one_more(count: int) -> str:
        if count == 1:
            kit.journal.append(lambda kit_seq: closed(kit.journal.key.kit_id, kit_seq))
        return "arrives"

    kit.hub.fate = take_one_more
    kit.take_photo(CONTENT)
    await kit.until_sent()
    assert kit.hub.order == ["record", "piece", "piece", "record", "piece", "piece"]


async def test_beside_a_call_a_file_goes_at_the_rate_told_in_small_pieces(kit: Kit) -> None:
    kit.kbps = 80.0
    kit.take_photo(CONTENT)
    await kit.until_sent()
    seconds = (len(CONTENT) - BURST_BYTES) / 10_000
    assert kit.now == pytest.approx(seconds, rel=0.01)
    assert kit.hub.pieces[1] == PACED_PIECE_BYTES


async def test_the_rate_may_change_in_the_middle_and_the_call_may_end(kit: Kit) -> None:
    def slower_then_free(count: int) -> str:
        kit.kbps = {0: 800.0, 1: 80.0}.get(count)
        return "arrives"

    kit.kbps = 800.0
    kit.hub.fate = slower_then_free
    kit.take_photo(CONTENT)
    await kit.until_sent()
    free_from_third = (PACED_PIECE_BYTES - BURST_BYTES) / 100_000 + PACED_PIECE_BYTES / 10_000
    assert kit.now == pytest.approx(free_from_third, rel=0.05)


def path(step: int) -> PathQuality:
    return PathQuality(rtt_ms=80.0, loss=0.0, send_kbps=300.0, video_step=step, video_fps=15.0, silent_s=0.0)


@pytest.mark.parametrize(
    ("steps", "kbps"),
    [((), None), ((8,), 375.0), ((8, 3), 56.25), ((0,), LEAST_KBPS), ((-1, 8), LEAST_KBPS)],
)
def test_a_file_takes_a_quarter_of_what_the_worst_picture_has(steps: tuple[int, ...], kbps: Any) -> None:
    assert upload_kbps({str(at): path(step) for at, step in enumerate(steps)}) == kbps
    assert kbps is None or LEAST_KBPS <= kbps <= MOST_KBPS


def test_a_file_gives_way_to_a_call_that_is_being_set_up_and_to_none_else() -> None:
    assert upload_kbps({}, setting_up=True) == LEAST_KBPS
    assert upload_kbps({"doctor": path(8)}, setting_up=True) == upload_kbps({"doctor": path(8)})
    assert upload_kbps({}) is None
