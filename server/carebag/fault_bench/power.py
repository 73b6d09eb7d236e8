"""Power cuts of the kit: its journal on a played disk that loses, reorders and tears what was not forced.

The kit lives several lives on one disk. In each it works until the power goes at some write; the next one starts on
what the disk may hold then, so that damage that shows late shows too.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from carebag.fault_bench.crash_vfs import CrashVfs, failures_expected, let_go, open_on
from carebag.fault_bench.disk import Disk, Trouble
from carebag.fault_bench.kit_check import check_kit
from carebag.fault_bench.kit_work import KitWork
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag.fault_bench.weaker import Weaker
from carebag_edge.errors import KitError
from carebag_edge.journal import Journal
from carebag_edge.keys import KitKey

LIVES = 25
"""On one disk, before a new one."""
MOST_WRITES = 240
"""The power goes after at most so many writes of a life."""
CONTROLS = 200
KIT_ID = UUID(int=0x0192_0000_0000_7000_8000_0000_0000_0001)


def power(seed: int, cuts: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many cuts, and two controls: less than `FULL` must be seen to lose."""
    outcome = Outcome("power", "power cut at any write of the kit's journal, on a disk that loses and tears", "cuts")
    cut_often(outcome, seed, cuts, "FULL", None, said)
    for weaker in ("NORMAL", "OFF"):
        control = Outcome("control", "", "cuts")
        bad = cut_often(control, seed, min(CONTROLS, max(30, cuts // 10)), weaker)
        outcome.controls.append(Control(f"synchronous = {weaker}", control.n, bad))
    return outcome


def cut_often(
    outcome: Outcome,
    seed: int,
    cuts: int,
    synchronous: str,
    trouble: Trouble | None = None,
    said: Callable[[int], None] = lambda n: None,
    *,
    force_again: bool = True,
) -> int:
    """Cut; gives in how many cuts something was wrong. A disk on which something was wrong is not used again."""
    bad, disk_number = 0, 0
    while outcome.n < cuts:
        lives = _Lives(random.Random(f"{seed}/{synchronous}/{disk_number}"), synchronous, trouble, force_again)
        for life in range(min(LIVES, cuts - outcome.n)):
            with failures_expected():
                problems = lives.live()
            outcome.n += 1
            outcome.note(problems, f"disk {disk_number}, life {life}")
            said(outcome.n)
            if problems:
                bad += 1
                break
        outcome.counts["acknowledged"] += len(lives.said)
        if trouble:
            outcome.counts["refused by the disk"] += lives.refused
        disk_number += 1
    return bad


class _Lives:
    """One disk, one kit, its lives one after the other."""

    def __init__(self, rng: random.Random, synchronous: str, trouble: Trouble | None, force_again: bool) -> None:
        self._rng = rng
        self._force_again = force_again
        self._trouble = trouble
        self.refused = 0
        self._synchronous = synchronous
        self._key = KitKey(KIT_ID, Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)))
        self._disk = Disk()
        self.said: dict[int, str] = {}
        self._known: set[str] = set()

    def live(self) -> list[Problem]:
        """Work until the power goes; then what is wrong at the next start."""
        self._disk.budget = self._rng.randint(0, MOST_WRITES)
        if self._trouble:
            begins = self._rng.randint(0, MOST_WRITES // 2)
            self._disk.trouble = (self._trouble, begins, begins + self._rng.randint(1, MOST_WRITES // 2))
        self._until_the_cut()
        self._disk = self._disk.after_cut(self._rng)
        return self._check()

    def _until_the_cut(self) -> None:
        while not self._disk.is_off:
            vfs = CrashVfs(self._disk, force_again=self._force_again)
            opened: list[apsw.Connection] = []
            try:
                journal = Journal(Path("journal.sqlite"), self._key, self._connect(vfs, opened))
                work = KitWork(journal, self._rng, self.said)
                for _ in range(self._rng.randint(1, 40)):
                    self._act(work)
                journal.close()  # an orderly end and a new start, with a checkpoint between
            except (apsw.Error, KitError):
                assert self._disk.is_off or self._trouble
            finally:
                let_go(opened)
                vfs.close()

    def _act(self, work: KitWork) -> None:
        """One; what a disk in trouble refuses was not said, and the journal must go on after it."""
        try:
            work.act()
        except apsw.Error:
            if self._disk.is_off or not self._trouble:
                raise
            self.refused += 1

    def _check(self) -> list[Problem]:
        vfs = CrashVfs(self._disk, force_again=self._force_again)
        opened: list[apsw.Connection] = []
        try:
            Journal(Path("journal.sqlite"), self._key, self._connect(vfs, opened))
            return check_kit(opened[0], self._key.private.public_key(), self.said, self._known)
        except (apsw.Error, KitError, ValueError) as error:
            return [Problem("corrupt", f"does not open: {type(error).__name__}: {error}")]
        finally:
            # as a process ends: no checkpoint, so that the next life starts on the WAL
            self._disk.is_off = True
            let_go(opened)
            vfs.close()
            self._disk.is_off = False

    def _connect(self, vfs: CrashVfs, opened: list[apsw.Connection]) -> Callable[[Path], Any]:
        pages = self._rng.choice((8, 40, 1000))

        def connect(path: Path) -> Any:
            connection = open_on(vfs, path.name)
            connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
            opened.append(connection)
            return connection if self._synchronous == "FULL" else Weaker(connection, self._synchronous)

        return connect
