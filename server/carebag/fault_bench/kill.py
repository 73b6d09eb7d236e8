"""`kill -9` of a kit's process at a write: whatever it said it had, it has at the next start."""

import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from carebag.fault_bench.kit_check import check_kit
from carebag.fault_bench.kit_life import FILE
from carebag.fault_bench.lives import Death, Lives, can_kill, dying, lives
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag_edge.data_key import key_place, load_or_create_data_key
from carebag_edge.keys import load_or_create
from carebag_edge.sealed_journal import open_sealed

LIVES = 10
"""With one kind of death, before another one."""
CONTROLS = 30


def kill(seed: int, kills: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many kills, and a control: a kit that speaks too early must be found."""
    outcome = Outcome("kill", "kill -9 of the kit at its N-th write or force", "kills", skipped=can_kill())
    if outcome.skipped:
        return outcome
    with lives("kit_life") as processes:
        _kill_often(outcome, processes, seed, kills, "right", said)
        control = Outcome("control", "", "kills")
        bad = _kill_often(control, processes, seed, min(CONTROLS, max(12, kills // 4)), "early")
    outcome.controls.append(Control("says that it has a record before the commit", control.n, bad))
    return outcome


def _kill_often(
    outcome: Outcome, processes: Lives, seed: int, kills: int, how: str, said: Callable[[int], None] = lambda n: None
) -> int:
    bad, block = 0, 0
    while outcome.n < kills:
        death = _death(random.Random(f"{seed}/{block}"))
        with (
            tempfile.TemporaryDirectory(prefix="carebag-faults-") as place,
            dying(processes, death),
        ):
            kit = _Kit(Path(place), processes)
            for life in range(min(LIVES, kills - outcome.n)):
                problems = kit.live(f"{seed}/{block}/{life}", how)
                outcome.n += 1
                outcome.note(problems, f"{death}, block {block}, life {life}")
                outcome.counts[f"killed at {death.call}"] += 1
                said(outcome.n)
                if problems:
                    bad += 1
                    break
            outcome.counts["acknowledged"] += len(kit.said)
        block += 1
    return bad


def _death(rng: random.Random) -> Death:
    """At a write three times of four, else when it is forced, of which there are fewer."""
    if rng.random() < 0.75:
        return Death("pwrite64", rng.randint(1, 120))
    return Death("fsync", rng.randint(1, 40))


class _Kit:
    """One folder, one process after the other in it."""

    def __init__(self, folder: Path, processes: Lives) -> None:
        self._processes = processes
        self._folder = folder
        key = load_or_create(folder, None, 0)
        self._public_key = key.private.public_key()
        self._data_key = load_or_create_data_key(folder, key_place("file", folder, key.kit_id))
        self.said: dict[int, str] = {}
        self._known: set[str] = set()

    def live(self, seed: str, how: str) -> list[Problem]:
        """Until it is killed; then what is wrong."""
        self._processes.begin(str(self._folder), seed, how)
        for line in self._processes.until_death():
            number, _, sha256 = line.partition(" ")
            self.said[int(number)] = sha256
        return self._check()

    def _check(self) -> list[Problem]:
        """Of a copy: the next process finds what the dead one left."""
        with tempfile.TemporaryDirectory(prefix="carebag-faults-") as place:
            for file in self._folder.glob(f"{FILE}*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, place)
            db = open_sealed(Path(place) / FILE, self._data_key)
            try:
                if not self.said and not db.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()[0]:
                    return []  # killed before there was a journal
                return check_kit(db, self._public_key, self.said, self._known)
            finally:
                db.close()
