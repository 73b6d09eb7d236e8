"""A journal whose pages rot while it is open: measuring goes on, and what can be read or is in memory stays."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carebag.fault_bench.kit_records import reading
from carebag.fault_bench.kit_work import VISITS, KitWork
from carebag_edge.bedside import Bedside
from carebag_edge.damage import DamageBook
from carebag_edge.data_key import DataKey
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.journal_renewal import EVERY_S, Renewal
from carebag_edge.journal_tables import OPEN
from carebag_edge.keys import KitKey
from carebag_edge.media_files import MediaFiles
from carebag_edge.numbers_given import NumbersGiven
from carebag_edge.sealed_journal import sealed
from carebag_edge.sealed_pages import PAGE
from carebag_edge.wal_frames import FRAME, FRAME_HEADER, HEADER
from carebag_wire.records import payload_sha256

ACTS = 60


class Running:
    """A journal that is open, over a file that may be spoiled."""

    def __init__(self, folder: Path, key: KitKey) -> None:
        self.path, self.key, self.now = folder / "journal.sqlite", key, 0.0
        self.data_key = DataKey(bytes(range(32)))
        self.start()
        self.said: dict[int, str] = {}
        self.work = KitWork(self.journal, random.Random(5), self.said)
        self.journal.put_state(OPEN, "a visit")
        for _ in range(ACTS):
            self.work.act()
        self.unread()

    def start(self) -> None:
        self.journal = Journal(self.path, self.key, sealed(self.data_key))
        given = NumbersGiven(self.path.parent)
        self.journal.when_offered = given.note
        self.journal.renew = Renewal(self.path, self.data_key, self.key, given, lambda: self.now)

    def act(self) -> None:
        """As who writes does it: what failed because of rot is done once more."""
        renewals = self.journal.renewals
        try:
            self.work.act()
        except DATABASE_ERRORS:
            if self.journal.renewals == renewals:
                raise
            self.work.act()

    def unread(self) -> None:
        """The connection has no page in memory any more."""
        self.journal._db.execute("PRAGMA cache_size = 1")
        self.journal._db.execute("PRAGMA shrink_memory")

    def into_file(self) -> None:
        self.journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def spoil(self, *pages: int, size: int = 900) -> None:
        """Bytes of pages become others: in the log where the page is there, else in the file; counted from 0."""
        log = self.path.with_name("journal.sqlite-wal")
        in_log = log.exists() and log.stat().st_size > HEADER
        file = log if in_log else self.path
        content = bytearray(file.read_bytes())
        for page in pages:
            start = HEADER + page * FRAME + FRAME_HEADER + 64 if in_log else page * PAGE + 164
            content[start : start + size] = bytes(255 - byte for byte in content[start : start + size])
        with file.open("r+b") as opened:  # the same file: the kit has it open
            opened.write(content)
        self.unread()

    @property
    def pages(self) -> int:
        return self.path.stat().st_size // PAGE

    def later(self) -> None:
        self.now += EVERY_S

    def held(self) -> dict[int, str]:
        rows = self.journal._db.execute("SELECT kit_seq, payload FROM record WHERE payload <> ''").fetchall()
        return {number: payload_sha256(payload) for number, payload in rows}


@pytest.fixture
def encrypted(tmp_path: Path, key: KitKey) -> Iterator[Running]:
    it = Running(tmp_path, key)
    yield it
    it.journal.close()


def test_every_page_rots_and_nothing_that_the_hub_lacks_is_lost(encrypted: Running) -> None:
    """All of it at once: what this process wrote and the hub does not have is in memory."""
    encrypted.into_file()
    unsent = {
        number for (number,) in encrypted.journal._db.execute("SELECT kit_seq FROM record WHERE received_at IS NULL")
    }
    assert len(unsent) > 10
    encrypted.spoil(*range(encrypted.pages), size=3000)
    before = max(encrypted.said)
    encrypted.act()
    for _ in range(20):
        encrypted.act()
    held = encrypted.held()
    assert {number: held.get(number) for number in unsent} == {number: encrypted.said[number] for number in unsent}
    assert encrypted.journal.numbers() == list(range(1, max(encrypted.said) + 1))
    assert max(encrypted.said) > before
    assert encrypted.journal.state(OPEN) == "a visit"
    assert encrypted.journal.renewals == 1


def test_one_page_of_the_file(encrypted: Running) -> None:
    """Those that the hub has may be gone from here; all else is there."""
    encrypted.into_file()
    for page in range(1, encrypted.pages, 3):
        encrypted.later()
        encrypted.spoil(page)
        for _ in range(3):
            encrypted.act()
        assert encrypted.journal.numbers() == list(range(1, max(encrypted.said) + 1))
        held = encrypted.held()
        lost = [number for number in encrypted.said if held.get(number) != encrypted.said[number]]
        at_hub = int(encrypted.journal.state("watermark") or 0)
        assert all(number <= at_hub for number in lost)
        encrypted.later()
        encrypted.journal.look()  # a page that nothing read
        encrypted.into_file()


@pytest.mark.parametrize("which", [0, 7, 30])
def test_a_frame_of_the_log(encrypted: Running, which: int) -> None:
    encrypted.spoil(which)
    encrypted.journal.look()
    for _ in range(10):
        encrypted.act()
    assert encrypted.journal.numbers() == list(range(1, max(encrypted.said) + 1))
    held = encrypted.held()
    at_hub = int(encrypted.journal.state("watermark") or 0)
    assert all(number <= at_hub for number in encrypted.said if held.get(number) != encrypted.said[number])


def test_a_number_is_never_given_twice(encrypted: Running) -> None:
    """Also of a record that the hub has and that is gone from here."""
    while batch := encrypted.journal.unsent_records(100):
        encrypted.journal.acknowledge(receipt(batch, encrypted.journal))
    last = max(encrypted.said)
    encrypted.into_file()
    encrypted.spoil(*range(encrypted.pages), size=3000)
    entry = encrypted.journal.append(reading(random.Random(1), encrypted.key.kit_id, VISITS[0]))
    assert entry.kit_seq == last + 1


def test_what_looks_like_a_torn_end_is_none_while_the_kit_runs(encrypted: Running) -> None:
    """The log's last frames rotted: what is behind them was written, and memory has it, a state too."""
    rng = random.Random(1)
    encrypted.into_file()
    entry = encrypted.journal.append(reading(rng, encrypted.key.kit_id, VISITS[0]))
    encrypted.journal.put_state(OPEN, "another visit")
    log = encrypted.path.with_name("journal.sqlite-wal")
    frames = (log.stat().st_size - HEADER) // FRAME
    encrypted.spoil(*range(frames), size=3000)
    assert encrypted.journal.state(OPEN) == "another visit"
    assert [one.kit_seq for one in encrypted.journal.of_visit(VISITS[0].visit_id)][-1] == entry.kit_seq
    assert encrypted.journal.append(reading(rng, encrypted.key.kit_id, VISITS[0])).kit_seq == entry.kit_seq + 1


def test_a_hub_that_says_more_than_was_given_does_not_stop_it(encrypted: Running) -> None:
    rng = random.Random(1)
    last = max(encrypted.said)
    encrypted.journal.put_state("watermark", str(last + 5))
    encrypted.into_file()
    encrypted.spoil(*range(encrypted.pages), size=3000)
    for number in (last + 6, last + 7):
        assert encrypted.journal.append(reading(rng, encrypted.key.kit_id, VISITS[0])).kit_seq == number


def test_nor_is_one_of_an_earlier_process_that_the_hub_never_saw(encrypted: Running) -> None:
    """Memory has no record of it, and knows that it was given."""
    rng = random.Random(1)
    for _ in range(3):
        entry = encrypted.journal.append(reading(rng, encrypted.key.kit_id, VISITS[0]))
    encrypted.journal.close()
    encrypted.start()
    encrypted.into_file()
    encrypted.spoil(*range(encrypted.pages), size=3000)
    again = encrypted.journal.append(reading(rng, encrypted.key.kit_id, VISITS[0]))
    assert again.kit_seq == entry.kit_seq + 1
    assert encrypted.journal.numbers() == list(range(1, again.kit_seq + 1))


def receipt(batch: list[Any], journal: Journal) -> Any:
    from carebag.fault_bench.kit_records import AT
    from carebag_wire.records import RecordReceipt, record_adapter

    records = [record_adapter.validate_json(one.payload) for one in batch]
    watermark = max(one.binding.kit_seq for one in records)
    return RecordReceipt(stored=[one.id for one in records], refused={}, watermark=watermark, received_at=AT)


def test_rot_inside_a_transaction_is_mended_after_it(encrypted: Running) -> None:
    encrypted.into_file()

    def half() -> None:
        with encrypted.journal.transaction():
            encrypted.journal.append(reading(random.Random(1), encrypted.key.kit_id, VISITS[0]))
            encrypted.journal.put_state("half", "done")
            encrypted.spoil(*range(encrypted.pages), size=3000)
            encrypted.journal.numbers()
            encrypted.journal.tray_count()

    with pytest.raises(DATABASE_ERRORS):
        half()
    assert encrypted.journal.state("half") is None
    assert encrypted.journal.numbers() == list(range(1, max(encrypted.said) + 1))


def test_a_measurement_in_the_moment_of_rot_is_kept(tmp_path: Path, encrypted: Running, hands: Any, world: Any) -> None:
    encrypted.journal.put_state(OPEN, None)
    bedside = Bedside(encrypted.journal, MediaFiles(tmp_path / "media"), hands.clock)
    encrypted.into_file()
    encrypted.spoil(*range(encrypted.pages), size=3000)
    assert bedside.keep_measured(world.pressure(measurement_id="cuff 1")) is not None
    assert len(bedside.unsaved) == 0


def test_a_disk_that_takes_no_new_journal(encrypted: Running) -> None:
    """Nothing is changed, statements fail, and it is tried again later."""
    encrypted.into_file()
    in_the_way = encrypted.path.with_name("journal.sqlite-part")
    in_the_way.mkdir()
    encrypted.spoil(*range(encrypted.pages), size=3000)
    with pytest.raises(DATABASE_ERRORS):
        encrypted.act()
    in_the_way.rmdir()
    with pytest.raises(DATABASE_ERRORS):  # looked at a moment ago
        encrypted.act()
    encrypted.later()
    encrypted.act()
    assert encrypted.journal.numbers() == list(range(1, max(encrypted.said) + 1))


def test_a_sound_journal_is_left_alone(encrypted: Running) -> None:
    encrypted.journal.look()
    assert encrypted.journal.renewals == 0
    assert list(encrypted.path.parent.glob("*damaged*")) == []


def test_what_was_there_lies_beside_it_as_it_was(encrypted: Running) -> None:
    encrypted.into_file()
    encrypted.spoil(1, 2)
    rotten = encrypted.path.read_bytes()
    encrypted.act()
    encrypted.journal.look()
    assert encrypted.path.with_name("journal.sqlite-damaged-1").read_bytes() == rotten


def test_states_of_a_rolled_back_transaction_do_not_come_back(encrypted: Running) -> None:
    def fail() -> None:
        with encrypted.journal.transaction():
            encrypted.journal.put_state(OPEN, "another visit")
            encrypted.journal.append(reading(random.Random(1), encrypted.key.kit_id, VISITS[0]))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    encrypted.into_file()
    encrypted.spoil(*range(encrypted.pages), size=3000)
    encrypted.act()
    assert encrypted.journal.state(OPEN) == "a visit"
    assert encrypted.journal.numbers() == list(range(1, max(encrypted.said) + 1))


@pytest.fixture
def book(encrypted: Running, hands: Any) -> Callable[[], DamageBook]:
    return lambda: DamageBook(encrypted.journal, hands.clock)


def test_damage_is_said_until_a_person_has_seen_it_and_again_for_new(
    encrypted: Running, hands: Any, world: Any, book: Callable[[], DamageBook]
) -> None:
    kept = book()
    assert not kept.look()
    assert kept.shown is None
    encrypted.into_file()
    encrypted.spoil(1)
    encrypted.journal.look()
    assert kept.look()
    assert not kept.look()
    shown = kept.shown
    assert shown is not None
    assert (shown.mended, shown.seen_by, shown.seen_at) == (1, "", None)
    nurse = world.nurse("Anna Lind")
    kept.acknowledge(shown.number - 1, nurse)  # of a page drawn before
    assert kept.shown == shown
    hands.forward(60)
    kept.acknowledge(shown.number, nurse)
    for one in (kept, book()):  # after a restart too
        one.look()
        seen = one.shown
        assert seen is not None
        assert (seen.lost, seen.mended, seen.seen_by, seen.seen_at) == (0, 0, "Anna Lind", hands.utc)
        assert seen.number == shown.number
    first = encrypted.journal._db.execute("SELECT MAX(kit_seq) FROM record WHERE received_at IS NULL").fetchone()[0]
    encrypted.journal._db.execute("UPDATE record SET payload = '' WHERE kit_seq = ?", (first,))
    encrypted.journal.unsent_records(1000)
    assert kept.look()
    again = kept.shown
    assert again is not None
    assert (again.lost, again.mended, again.number) == (1, 0, shown.number + 1)
