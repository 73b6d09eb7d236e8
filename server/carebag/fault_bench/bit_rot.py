"""Bits that change on the kit's disk: nothing rotten is shown as a number, and nothing rotten is sent.

Each round a kit works, ends or is killed, its disk rots, and what its journal and files then give for showing and for
sending is compared with what was written. A file that can no longer be read counts as refused, in words; it is not
wrong. An encrypted journal must open whatever rotted, and hold everything if no page lost more than one bit.
"""

import random
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import UUID

from carebag.fault_bench.kit_records import AT
from carebag.fault_bench.kit_work import VISITS, KitWork
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag_edge import journal_rows
from carebag_edge.errors import KitError
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.journal_rows import Entry, Row
from carebag_edge.keys import KitKey, load_or_create
from carebag_edge.sealed_pages import PAGE
from carebag_edge.settings import KitSettings
from carebag_edge.store import open_store
from carebag_edge.wal_frames import FRAME, HEADER
from carebag_wire.records import RecordReceipt, SignedRecord, record_adapter

CONTROLS = 40
JOURNAL = ("journal.sqlite", "journal.sqlite-wal")


def bit_rot(seed: int, rounds: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many disks, half of them with an encrypted journal, and a control that believes what it reads."""
    outcome = Outcome("bit-rot", "bits flipped in the kit's journal and its files, encrypted and open", "disks")
    _rot_often(outcome, seed, rounds, said)
    control = Outcome("control", "", "disks")
    checked, journal_rows.entry_of = journal_rows.entry_of, _believe
    try:
        bad = _rot_often(control, seed, min(CONTROLS, max(20, rounds)))
    finally:
        journal_rows.entry_of = checked
    outcome.controls.append(Control("shows and sends what it reads, unchecked", control.n, bad))
    return outcome


def _believe(row: Row) -> Entry | None:
    """The planted fault: as it was before digests were looked at again."""
    kit_seq, _, payload, sha256, signature, _ = row
    try:
        signed = SignedRecord(payload=payload, sha256=sha256, signature=signature)
        return Entry(kit_seq, record_adapter.validate_json(payload), signed)
    except ValueError:
        return None


def _rot_often(outcome: Outcome, seed: int, rounds: int, said: Callable[[int], None] = lambda n: None) -> int:
    bad = 0
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="carebag-faults-") as place:
            disk = _Disk(Path(place), random.Random(f"{seed}/{number}"), is_open=number % 2 == 0)
            disk.work()
            what = disk.rot()
            problems = disk.read(outcome)
        outcome.n += 1
        outcome.note(problems, f"disk {number}, {what}")
        bad += bool(problems)
        said(outcome.n)
    return bad


class _Disk:
    """One kit's data folder, and what was really written there."""

    def __init__(self, folder: Path, rng: random.Random, *, is_open: bool) -> None:
        self._folder, self._rng, self._is_open = folder, rng, is_open
        self._key: KitKey = load_or_create(folder, None, 0)
        self._payloads: dict[UUID, str] = {}
        self._files: dict[str, bytes] = {}
        self._is_mendable = False

    @property
    def _kind(self) -> str:
        return "open" if self._is_open else "encrypted"

    def work(self) -> None:
        journal, self._media, _ = open_store(KitSettings(data=self._folder), self._key)
        if self._is_open:  # of an earlier program: taken over after it rotted
            journal.close()
            (self._folder / "journal.sqlite").unlink()
            journal = Journal(self._folder / "journal.sqlite", self._key)
        work = KitWork(journal, self._rng, {})
        for _ in range(self._rng.randint(5, 60)):
            work.act()
        for _ in range(self._rng.randint(1, 5)):
            content = self._rng.randbytes(self._rng.randint(1, 3000))
            self._files[self._media.keep(content)] = content
        rows = journal._db.execute("SELECT id, payload FROM record").fetchall()
        self._payloads = {UUID(record_id): payload for record_id, payload in rows}
        self._end(journal)

    def _end(self, journal: Journal) -> None:
        """As it should, or killed: then most of it is in the log alone."""
        killed = {name: (self._folder / name).read_bytes() for name in JOURNAL} if self._rng.random() < 0.5 else {}
        journal.close()
        for name, content in killed.items():
            (self._folder / name).write_bytes(content)

    def rot(self) -> str:
        """Flip bits: in an open journal where a payload lies, else anywhere in one file."""
        media = sorted(self._folder.glob("media/*/*"))
        journals = [self._folder / name for name in JOURNAL if (self._folder / name).exists()]
        file = self._rng.choice([self._rng.choice(journals), self._rng.choice(media)])
        content = bytearray(file.read_bytes())
        places = list(self._places(file, content))
        for at in places:
            content[at] ^= 1 << self._rng.randrange(8)
        file.write_bytes(content)
        page = PAGE if file.suffix == ".sqlite" else FRAME
        start = 0 if file.suffix == ".sqlite" else HEADER
        self._is_mendable = len({max(0, at - start) // page for at in places}) == len(places)
        return f"{self._kind}, {file.name[:18]}"

    def _places(self, file: Path, content: bytearray) -> Iterable[int]:
        number = self._rng.randint(1, 8)
        if not self._is_open or file.name != "journal.sqlite" or self._rng.random() < 0.3:
            return [self._rng.randrange(len(content)) for _ in range(number)]
        starts = [at for at in range(len(content)) if content.startswith(b'"value":"', at)]
        return [self._rng.choice(starts) + 9 + self._rng.randrange(3) for _ in range(number)] if starts else []

    def read(self, outcome: Outcome) -> list[Problem]:
        """Show everything, send everything; what is wrong with it."""
        problems: list[Problem] = []
        try:
            journal, _, _ = open_store(KitSettings(data=self._folder), self._key)
        except (*DATABASE_ERRORS, KitError, UnicodeDecodeError) as error:  # of a schema that is no text any more
            outcome.counts[f"{self._kind} journals refused as damaged"] += 1
            if not self._is_open:
                problems.append(Problem("does not open", type(error).__name__))
        else:
            try:
                problems += self._of_journal(journal, outcome)
            except (*DATABASE_ERRORS, UnicodeDecodeError) as error:
                outcome.counts[f"{self._kind} journals refused as damaged"] += 1
                if not self._is_open:
                    problems.append(Problem("does not open", type(error).__name__))
            finally:
                journal.close()
        return problems + self._of_files(outcome)

    def _of_journal(self, journal: Journal, outcome: Outcome) -> list[Problem]:
        visits = [whom.visit_id for whom in VISITS if whom.visit_id is not None]
        shown = [entry.signed for visit_id in visits for entry in journal.of_visit(visit_id)]
        tray = [*journal.in_tray(None, 1000), *journal.in_tray("set_aside", 1000)]
        shown += [entry.reading.signed for entry in tray]
        problems = [Problem("shown wrong", one.payload[:60]) for one in shown if not self._is_true(one)]
        sent = 0
        while batch := journal.unsent_records(20):
            problems += [Problem("sent wrong", one.payload[:60]) for one in batch if not self._is_true(one)]
            sent += len(batch)
            ids = [record_adapter.validate_json(one.payload).id for one in batch]
            watermark = int(journal.state("watermark") or 0)
            journal.acknowledge(RecordReceipt(stored=ids, refused={}, watermark=watermark, received_at=AT))
            if sent > len(self._payloads):
                return [*problems, Problem("sent wrong", "without an end")]
        outcome.counts["records shown or sent"] += len(shown) + sent
        damaged, numbers = journal.damaged(), journal.numbers()
        outcome.counts["records set aside"] += damaged
        if not self._is_open:
            missing = len(self._payloads) - (len(numbers) - damaged)
            outcome.counts["records lost of encrypted journals"] += missing
            if missing and self._is_mendable:
                problems.append(Problem("lost although one bit turned", f"{missing} records"))
            if len(numbers) != len(self._payloads):
                outcome.counts["encrypted journals that lost their end"] += 1
        return problems

    def _is_true(self, signed: SignedRecord) -> bool:
        return self._payloads.get(record_adapter.validate_json(signed.payload).id) == signed.payload

    def _of_files(self, outcome: Outcome) -> list[Problem]:
        problems = []
        for sha256, content in self._files.items():
            try:
                if self._media.read(sha256) != content:
                    problems.append(Problem("sent wrong", f"file {sha256[:8]}"))
            except KitError:
                outcome.counts["files refused as damaged"] += 1
        return problems
