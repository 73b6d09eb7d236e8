"""A journal in which the disk rotted: what one bit broke is mended, what more broke is lost alone."""

import random
from pathlib import Path
from typing import Any

import pytest

from carebag.fault_bench.kit_work import KitWork
from carebag_edge import journal_recovery, sealed_image
from carebag_edge.data_key import DataKey
from carebag_edge.errors import WrongJournal
from carebag_edge.journal import Journal
from carebag_edge.journal_recovery import RECORD_COLUMNS, recover
from carebag_edge.journal_tables import OPEN, STREAMS
from carebag_edge.keys import KitKey
from carebag_edge.numbers_given import NumbersGiven
from carebag_edge.sealed_image import Image, read_image
from carebag_edge.sealed_journal import journal_secret
from carebag_edge.sealed_pages import MAC, PAGE, USABLE
from carebag_edge.settings import KitSettings
from carebag_edge.sqlite_leaves import rows_of
from carebag_edge.store import open_store
from carebag_edge.wal_frames import FRAME, FRAME_HEADER, HEADER

TABLES = ("record", "media", "state", "tray")
ACTS = 40


@pytest.fixture
def settings(tmp_path: Path) -> KitSettings:
    return KitSettings(data=tmp_path)


class Written:
    """A journal with a day's work in it, and the files that lie there."""

    def __init__(self, settings: KitSettings, key: KitKey, *, killed: bool) -> None:
        self.path, self.key, self.settings = settings.journal, key, settings
        journal, _, seal = open_store(settings, key)
        self.data_key: DataKey = seal._key
        work = KitWork(journal, random.Random(7), {})
        journal.put_state(OPEN, "a visit")
        journal.put_state(STREAMS, "5")
        for _ in range(ACTS):
            work.act()
        self.rows = rows(journal)
        self.log = self.path.with_name("journal.sqlite-wal")
        content = {file: file.read_bytes() for file in (self.path, self.log)}
        journal.close()
        if killed:
            for file, held in content.items():
                file.write_bytes(held)

    def flip(self, file: Path, *bits: int) -> None:
        content = bytearray(file.read_bytes())
        for bit in bits:
            content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)

    def image(self) -> Image:
        log = self.log.read_bytes() if self.log.exists() else b""
        return read_image(self.path.read_bytes(), log, journal_secret(self.data_key))

    def leaf_of(self, number: int) -> int:
        """The page on which a record begins, counted from 1."""
        pages = dict(self.image().opened())
        return next(
            at
            for at, page in pages.items()
            for row in rows_of(at, page, USABLE, pages.get)
            if len(row.values) == RECORD_COLUMNS and row.rowid == number
        )

    def spoil(self, page: int, size: int = 64) -> None:
        """Bytes of a page in the file become others."""
        content = bytearray(self.path.read_bytes())
        start = (page - 1) * PAGE + 100  # behind the salt of the file
        content[start : start + size] = bytes(255 - byte for byte in content[start : start + size])
        self.path.write_bytes(content)

    def opened(self) -> Journal:
        return open_store(self.settings, self.key)[0]


def rows(journal: Journal) -> dict[str, list[Any]]:
    return {name: sorted(map(tuple, journal._db.execute(f"SELECT * FROM {name}")), key=repr) for name in TABLES} | {
        "record": [tuple(row) for row in journal._db.execute("SELECT * FROM record ORDER BY kit_seq")]
    }


@pytest.fixture
def closed(settings: KitSettings, key: KitKey) -> Written:
    return Written(settings, key, killed=False)


@pytest.fixture
def killed(settings: KitSettings, key: KitKey) -> Written:
    return Written(settings, key, killed=True)


def aside(written: Written) -> list[str]:
    return sorted(file.name for file in written.path.parent.glob("*damaged*"))


@pytest.fixture(params=["closed", "killed"])
def either(request: pytest.FixtureRequest) -> Written:
    written: Written = request.getfixturevalue(request.param)
    return written


def test_a_sound_journal_is_left_alone(either: Written) -> None:
    before = either.path.read_bytes()
    assert either.image().is_sound
    assert recover(either.path, either.data_key, either.key) is None
    assert either.path.read_bytes() == before
    assert aside(either) == []


@pytest.mark.parametrize("seed", range(12))
def test_one_bit_of_a_page_is_turned_back(closed: Written, seed: int) -> None:
    """Salt, ciphertext, nonce or HMAC, on any page: everything is there again, also what was bound to whom."""
    rng = random.Random(seed)
    pages = closed.path.stat().st_size // PAGE
    chosen = rng.sample(range(pages), 2)
    closed.flip(closed.path, *((page * PAGE * 8 + rng.randrange(PAGE * 8)) for page in chosen))
    journal = closed.opened()
    assert rows(journal) == closed.rows
    journal.close()
    assert aside(closed) == ["journal.sqlite-damaged-1"]


@pytest.mark.parametrize("place", [0, 5, 17, 3 * 8, HEADER * 8 // 2])
def test_one_bit_of_the_header_of_the_log(killed: Written, place: int) -> None:
    killed.flip(killed.log, place)
    journal = killed.opened()
    assert rows(journal)["record"] == killed.rows["record"]
    journal.close()


FRAME_BITS = {
    "number": 24,
    "pages after": 40,
    "salt": 70,
    "checksum": 16 * 8 + 9,
    "page": FRAME_HEADER * 8 + 1000,
    "mac": (FRAME - MAC + 2) * 8,
}


@pytest.mark.parametrize("what", FRAME_BITS)
@pytest.mark.parametrize("which", [0.1, 0.5, 1.0])
def test_one_bit_of_a_frame_is_turned_back(killed: Written, what: str, which: float) -> None:
    """SQLite would leave out everything behind it; the last frame holds what was measured last."""
    count = (killed.log.stat().st_size - HEADER) // FRAME
    place = min(count - 1, int(count * which))
    killed.flip(killed.log, (HEADER + place * FRAME) * 8 + FRAME_BITS[what])
    journal = killed.opened()
    assert rows(journal) == killed.rows
    journal.close()


def test_a_page_beyond_mending_costs_its_own_records_alone(closed: Written) -> None:
    lost_leaf = closed.leaf_of(10)
    closed.spoil(lost_leaf, 3800)
    journal = closed.opened()
    numbers = [row[0] for row in closed.rows["record"]]
    assert journal.numbers() == numbers
    gone = {row[0] for row in rows(journal)["record"] if row[2] == "lost"}
    assert gone
    assert len(gone) < 4  # four or so fit on a page
    kept = [row for row in closed.rows["record"] if row[0] not in gone]
    assert [row for row in rows(journal)["record"] if row[0] not in gone] == kept
    watermark = int(journal.state("watermark") or 0)
    assert journal.damaged() == len([number for number in gone if number > watermark])
    assert journal.append(lambda number: make(closed.key, number)).kit_seq == numbers[-1] + 1
    journal.close()


def test_a_page_whose_beginning_is_gone_still_has_its_records(closed: Written) -> None:
    closed.spoil(closed.leaf_of(10))
    journal = closed.opened()
    assert [row[6:9] for row in rows(journal)["record"]] == [row[6:9] for row in closed.rows["record"]]
    journal.close()


def make(key: KitKey, number: int) -> Any:
    from carebag.fault_bench.kit_records import reading

    return reading(random.Random(number), key.kit_id)(number)


def test_the_first_page_is_gone_and_everything_else_is_there(closed: Written) -> None:
    closed.spoil(1, 2000)
    journal = closed.opened()
    now, then = rows(journal), closed.rows
    assert [row[:5] + row[6:9] for row in now["record"]] == [row[:5] + row[6:9] for row in then["record"]]
    assert {row[0]: row[2] for row in now["media"]} == {row[0]: row[2] for row in then["media"]}
    assert [row[:3] for row in now["tray"]] == [row[:3] for row in then["tray"]]
    # what the hub has is asked anew, and which visit was open is not believed
    assert journal.unsent().count >= len(now["record"])
    assert journal.state(OPEN) is None
    assert journal.state(STREAMS) == "5"
    journal.close()


def test_without_a_salt_the_signatures_alone_prove(closed: Written) -> None:
    content = bytearray(closed.path.read_bytes())
    content[:16] = bytes(16)
    closed.path.write_bytes(content)
    journal = closed.opened()
    assert [row[6:9] for row in rows(journal)["record"]] == [row[6:9] for row in closed.rows["record"]]
    journal.close()


def test_a_salt_that_stands_in_the_log_alone(killed: Written) -> None:
    """The log holds every page, and SQLCipher reads the salt from the file all the same."""
    content = bytearray(killed.path.read_bytes())
    content[:16] = bytes(16)
    killed.path.write_bytes(content)
    journal = killed.opened()
    assert rows(journal) == killed.rows
    journal.close()


@pytest.mark.parametrize("bit", [0, 77, 127])
def test_one_bit_of_the_salt(closed: Written, bit: int) -> None:
    closed.flip(closed.path, bit)
    journal = closed.opened()
    assert rows(journal) == closed.rows
    journal.close()


def test_a_record_of_another_kit_is_not_believed(closed: Written, tmp_path: Path) -> None:
    from carebag_edge.keys import load_or_create

    image = closed.image()
    assert len(journal_recovery.remains(image, closed.key).records) == len(closed.rows["record"])
    stranger = load_or_create(tmp_path / "other", closed.key.kit_id, 0)
    assert journal_recovery.remains(image, stranger).records == {}


def test_the_end_is_lost_and_no_number_is_given_twice(closed: Written) -> None:
    last = closed.rows["record"][-1][0]
    NumbersGiven(closed.settings.data).note(last)
    closed.spoil(closed.leaf_of(last), 3500)
    journal = closed.opened()
    assert journal.numbers() == list(range(1, last + 1))
    assert journal.append(lambda number: make(closed.key, number)).kit_seq == last + 1
    journal.close()


def test_what_left_for_the_hub_is_noted_outside(closed: Written) -> None:
    journal = closed.opened()
    batch = journal.unsent_records(3)
    assert batch
    highest = max(row[0] for row in closed.rows["record"] if row[6] in [one.payload for one in batch])
    assert NumbersGiven(closed.settings.data).highest == highest
    journal.close()


def test_a_torn_end_is_no_rot(killed: Written) -> None:
    """As after a power cut: the frame that was being written is half there, and was never acknowledged."""
    content = killed.log.read_bytes()
    killed.log.write_bytes(content[: -FRAME // 2])
    assert killed.image().is_sound
    killed.log.write_bytes(content[: -FRAME // 2] + bytes(FRAME // 2))
    assert killed.image().is_sound
    journal = killed.opened()
    assert aside(killed) == []
    journal.close()


def test_a_disk_without_room_says_so_and_changes_nothing(closed: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    closed.flip(closed.path, 9000 * 8)
    before = closed.path.read_bytes()

    def full(part: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal_recovery, "_write", full)
    with pytest.raises(WrongJournal, match="make room"):
        closed.opened()
    assert closed.path.read_bytes() == before
    monkeypatch.undo()
    journal = closed.opened()
    assert rows(journal) == closed.rows
    journal.close()


@pytest.mark.parametrize("step", ["keep_aside", "complete_next", "finish_swap"])
def test_the_power_goes_in_the_middle(closed: Written, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    closed.flip(closed.path, 9000 * 8)

    class PowerGone(Exception):
        pass

    def gone(*_: object) -> None:
        raise PowerGone

    monkeypatch.setattr(journal_recovery, step, gone)
    with pytest.raises(PowerGone):
        closed.opened()
    monkeypatch.undo()
    journal = closed.opened()
    assert rows(journal) == closed.rows
    journal.close()


def test_whatever_lies_there_a_kit_starts(closed: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_image, "MENDING_TRIES", 1)
    content = closed.path.read_bytes()
    for seed in range(6):
        rng = random.Random(seed)
        spoiled = bytearray(content)
        for _ in range(rng.randrange(1, 30)):
            start, size = rng.randrange(len(content)), rng.choice((1, 16, 512, 4096))
            spoiled[start : start + size] = rng.randbytes(len(spoiled[start : start + size]))
        closed.path.write_bytes(spoiled)
        journal = closed.opened()
        payloads = {row[6] for row in closed.rows["record"]} | {""}
        assert {row[6] for row in rows(journal)["record"]} <= payloads
        assert journal.append(lambda number: make(closed.key, number))
        journal.close()


@pytest.mark.parametrize("cut", [0, 1, 100, PAGE, PAGE + 1, 5 * PAGE])
def test_a_file_that_was_cut_short(closed: Written, cut: int) -> None:
    closed.path.write_bytes(closed.path.read_bytes()[:cut])
    NumbersGiven(closed.settings.data).note(9)
    journal = closed.opened()
    if cut:
        assert journal.numbers() == list(range(1, len(journal.numbers()) + 1))
        assert journal.append(lambda number: make(closed.key, number)).kit_seq > 9
    journal.close()
