"""Pages of the kit's journal that rot while the kit runs: measuring goes on, and nothing that the hub lacks is lost.

Each round a kit works, bytes of some pages of its file or its log change under it, it works on, and is then compared
with what it said: every record must be there that the hub has not, and none may be another one. No kit runs on an open
journal, of which no page tells whether it is true (`store.py`).
"""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from carebag.fault_bench.kit_work import VISITS, KitWork
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag_edge.data_key import DataKey
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.journal_memory import Remembered
from carebag_edge.journal_renewal import EVERY_S, Renewal
from carebag_edge.journal_rows import DAMAGED
from carebag_edge.journal_watch import Renew, Renewed
from carebag_edge.keys import load_or_create
from carebag_edge.numbers_given import NumbersGiven
from carebag_edge.sealed_journal import sealed
from carebag_edge.sealed_pages import PAGE
from carebag_edge.wal_frames import FRAME, HEADER
from carebag_wire.records import payload_sha256

CONTROLS = 10


def live_rot(seed: int, rounds: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many kits, and a control whose memory is forgotten."""
    outcome = Outcome("live-rot", "pages that rot in the kit's encrypted journal while it runs", "kits")
    _rot_often(outcome, seed, rounds, said, forgets=False)
    control = Outcome("control", "", "kits")
    bad = _rot_often(control, seed, min(CONTROLS, max(4, rounds)), forgets=True)
    outcome.controls.append(Control("has nothing but what the pages still hold", control.n, bad))
    return outcome


def _rot_often(
    outcome: Outcome, seed: int, rounds: int, said: Callable[[int], None] = lambda n: None, *, forgets: bool
) -> int:
    bad = 0
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="carebag-faults-") as place:
            kit = _Kit(Path(place), random.Random(f"{seed}/{number}"), forgets=forgets)
            try:
                problems = kit.live(outcome)
            finally:
                kit.journal.close()
        outcome.n += 1
        outcome.note(problems, f"kit {number}")
        bad += bool(problems)
        said(outcome.n)
    return bad


class _Kit:
    """One that runs, and a hand on its disk."""

    def __init__(self, folder: Path, rng: random.Random, *, forgets: bool) -> None:
        self._path, self._rng, self._now = folder / "journal.sqlite", rng, 0.0
        key, data_key = load_or_create(folder, None, 0), DataKey(rng.randbytes(32))
        self.journal = Journal(self._path, key, sealed(data_key))
        given = NumbersGiven(folder)
        self.journal.when_offered = given.note
        renewal = Renewal(self._path, data_key, key, given, lambda: self._now)
        self.journal.renew = _forgetting(renewal) if forgets else renewal
        self._said: dict[int, str] = {}
        self._work = KitWork(self.journal, rng, self._said)

    def live(self, outcome: Outcome) -> list[Problem]:
        problems: list[Problem] = []
        for _ in range(3):
            self._act(self._rng.randint(10, 40))
            if self._rng.random() < 0.5:
                self.journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._rot()
            try:
                self._act(10)
                self._now += EVERY_S
                self.journal.look()
                problems += self._wrong(outcome)
            except DATABASE_ERRORS as error:
                return [*problems, Problem("goes on no more", type(error).__name__)]
            self._now += EVERY_S
        outcome.counts["journals made anew"] += self.journal.renewals
        return problems

    def _act(self, times: int) -> None:
        """Who writes tries once more where the journal was opened anew meanwhile."""
        for _ in range(times):
            renewals = self.journal.renewals
            try:
                self._work.act()
            except DATABASE_ERRORS:
                if self.journal.renewals == renewals:
                    raise
                self._work.act()

    def _rot(self) -> None:
        """One bit to nine hundred bytes, on one page to all of them; none of them is in SQLite's memory any more."""
        log = self._path.with_name("journal.sqlite-wal")
        in_log = log.exists() and log.stat().st_size > HEADER and self._rng.random() < 0.7
        file, start, step = (log, HEADER, FRAME) if in_log else (self._path, 0, PAGE)
        content = bytearray(file.read_bytes())
        pages = range((len(content) - start) // step)
        for page in self._rng.sample(pages, min(len(pages), self._rng.choice((1, 1, 2, 5, len(pages))))):
            at, size = start + page * step + self._rng.randrange(step), self._rng.choice((1, 8, 64, 900))
            for place in range(at, min(at + size, len(content))):
                content[place] ^= 1 << self._rng.randrange(8)
        with file.open("r+b") as opened:
            opened.write(content)
        self.journal._db.execute("PRAGMA cache_size = 1")
        self.journal._db.execute("PRAGMA shrink_memory")

    def _wrong(self, outcome: Outcome) -> list[Problem]:
        numbers = self.journal.numbers()
        if numbers != list(range(1, max(self._said) + 1)):
            return [Problem("a number is missing or twice", f"{len(numbers)} of {max(self._said)}")]
        problems = []
        entries = [entry for whom in VISITS for entry in self.journal.of_visit(whom.visit_id)]  # type: ignore[arg-type]
        entries += [one.reading for one in self.journal.in_tray(None, 1000)]
        shown = [(one.kit_seq, payload_sha256(one.signed.payload)) for one in entries]
        problems += [Problem("shown wrong", str(number)) for number, digest in shown if self._said[number] != digest]
        rows = self.journal._db.execute("SELECT kit_seq, sha256, refusal FROM record").fetchall()
        held = {number: digest for number, digest, refusal in rows if refusal != DAMAGED}
        for number, digest in self._said.items():
            if held.get(number) == digest:
                outcome.counts["records kept"] += 1
            elif number in self._work.at_hub:
                outcome.counts["records that only the hub has now"] += 1
            else:
                problems.append(Problem("lost", f"record {number}"))
        return problems


def _forgetting(renewal: Renewal) -> Renew:
    """The planted fault: what this process wrote and knows is not used."""

    def renewed(kept: Remembered, close: Callable[[], None], *, has_failed: bool) -> Renewed | None:
        return renewal(Remembered(), close, has_failed=has_failed)

    return renewed
