"""Power cuts of the encrypted journal, and of its being taken over from an open one: real processes, a played disk."""

import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from carebag.fault_bench.disk import Disk
from carebag.fault_bench.kit_check import check_kit
from carebag.fault_bench.kit_work import KitWork
from carebag.fault_bench.lives import can_trace
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag.fault_bench.traced import Change, changes, disk_of, play, put_down, trace
from carebag_edge.errors import KitError
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.keys import KitKey, load_or_create
from carebag_edge.sealed_journal import is_plain
from carebag_edge.settings import KitSettings
from carebag_edge.store import open_store

CUTS_OF_A_LIFE = 60
"""One process is traced and then cut at so many places."""
CONTROLS = 60


def sealed(seed: int, cuts: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many cuts, half of them in lives that begin with an open journal, and a control that forces nothing."""
    what = "power cut at any write of the encrypted journal, or while an open one is taken over"
    outcome = Outcome("sealed", what, "cuts", skipped=can_trace())
    if outcome.skipped:
        return outcome
    _cut_often(outcome, seed, cuts, "right", said)
    control = Outcome("control", "", "cuts")
    bad = _cut_often(control, seed, min(CONTROLS, cuts), "hasty")
    outcome.controls.append(Control("takes over and writes without forcing", control.n, bad))
    return outcome


def _cut_often(outcome: Outcome, seed: int, cuts: int, how: str, said: Callable[[int], None] = lambda n: None) -> int:
    bad, number = 0, 0
    while outcome.n < cuts:
        rng = random.Random(f"{seed}/{how}/{number}")
        with tempfile.TemporaryDirectory(prefix="carebag-faults-") as place:
            life = _Life(Path(place), rng, was_open=number % 2 == 0)
            life.trace(f"{seed}/{number}", how)
            for problems, what in life.cut(min(CUTS_OF_A_LIFE, cuts - outcome.n)):
                outcome.n += 1
                outcome.note(problems, f"life {number}, {what}")
                outcome.counts[f"found {what.partition(':')[0]}"] += 1
                bad += bool(problems)
                said(outcome.n)
            outcome.counts["acknowledged"] += len(life.said)
        number += 1
    return bad


class _Life:
    """One process in one folder, and the disks that a power cut may leave of it."""

    def __init__(self, place: Path, rng: random.Random, *, was_open: bool) -> None:
        self._rng, self._was_open = rng, was_open
        self._folder, self._found, self._trace = place / "kit", place / "found", place / "trace"
        self._key = load_or_create(self._folder, None, 0)
        self.said: dict[int, str] = {}
        if was_open:
            self._write_open(place / "before")
        self._before = disk_of(self._folder)
        self._changes: list[Change] = []

    def _write_open(self, place: Path) -> None:
        """A journal of an earlier program, which was killed: its WAL lies beside it."""
        shutil.copytree(self._folder, place)
        journal = Journal(place / "journal.sqlite", self._key)
        work = KitWork(journal, self._rng, self.said)
        for _ in range(self._rng.randint(1, 60)):
            work.act()
        for file in place.glob("journal.sqlite*"):
            shutil.copy(file, self._folder)
        journal.close()

    def trace(self, seed: str, how: str) -> None:
        acts = str(self._rng.randint(0, 8) if self._was_open else self._rng.randint(5, 60))
        command = [sys.executable, "-m", "carebag.fault_bench.sealed_life", str(self._folder), seed, acts, how]
        trace(command, self._trace)
        with self._trace.open(encoding="ascii") as lines:
            self._changes = changes(lines, self._folder)

    def cut(self, cuts: int) -> list[tuple[list[Problem], str]]:
        """What was wrong after each, and in what state the journal was found."""
        at = sorted(self._rng.randint(0, len(self._changes)) for _ in range(cuts))
        disk, done, found = self._before, 0, []
        for until in at:
            for change in self._changes[done:until]:
                self._say(change) if change.kind == "said" else play(disk, change)
            done = until
            found.append(self._start_on(disk.after_cut(self._rng), until))
        return found

    def _say(self, change: Change) -> None:
        number, _, sha256 = change.data.decode().strip().partition(" ")
        self.said[int(number)] = sha256

    def _start_on(self, disk: Disk, until: int) -> tuple[list[Problem], str]:
        put_down(disk, self._found)
        path = self._found / "journal.sqlite"
        state = "open" if is_plain(path) else "encrypted" if path.exists() else "none yet"
        return start_and_check(self._found, self._key, self.said), f"{state}: cut after {until} changes"


def start_and_check(folder: Path, key: KitKey, said: dict[int, str]) -> list[Problem]:
    """Start a kit's store there; what is wrong with what it finds."""
    try:
        journal, _, _ = open_store(KitSettings(data=folder), key)
    except (*DATABASE_ERRORS, KitError, ValueError) as error:
        return [Problem("corrupt", f"does not open: {type(error).__name__}: {error}")]
    try:
        problems = check_kit(journal._db, key.private.public_key(), said, set())
        if is_plain(folder / "journal.sqlite"):
            problems.append(Problem("open", "the journal lies there unencrypted"))
        return problems
    finally:
        journal.close()
