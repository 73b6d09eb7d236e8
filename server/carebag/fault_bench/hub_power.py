"""Power cuts of the hub: kits deliver into its store on a played disk; what a receipt named must stay."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import apsw
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from carebag.fault_bench import apsw_dbapi
from carebag.fault_bench.crash_vfs import CrashVfs, failures_expected, let_go, open_on
from carebag.fault_bench.disk import Disk, File, Trouble
from carebag.fault_bench.hub_stand import HubStand, bench_keys, check_hub, make_store, visits_of
from carebag.fault_bench.kit_sender import KitSender
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag.fault_bench.weaker import Weaker
from carebag_server.database import Database, make_engine

LIVES = 15
MOST_WRITES = 300
CONTROLS = 60
NAME = "hub.sqlite"
URL = "sqlite:///" + NAME


def hub_power(seed: int, cuts: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many cuts, and controls: less than `FULL` must be seen to lose."""
    outcome = Outcome("hub-power", "power cut at any write of the hub's store while kits deliver", "cuts")
    with _stores(seed) as lives:
        _cut_often(outcome, lambda number: lives(str(number), "FULL", None), cuts, said)
        few = min(CONTROLS, max(15, cuts // 10))
        for weaker in ("NORMAL", "OFF"):
            control = Outcome("control", "", "cuts")
            bad = _cut_often(control, partial(lambda word, number: lives(str(number), word, None), weaker), few)
            outcome.controls.append(Control(f"synchronous = {weaker}", control.n, bad))
    return outcome


def hub_trouble(
    outcome: Outcome, seed: int, cuts: int, trouble: Trouble, said: Callable[[int], None] = lambda n: None
) -> None:
    """So many cuts of a hub whose disk was in trouble before."""
    with _stores(seed) as lives:
        _cut_often(outcome, lambda number: lives(str(number), "FULL", trouble), cuts, said)


@contextmanager
def _stores(seed: int) -> Iterator[Callable[[str, str, Trouble | None], "_Lives"]]:
    """Makes stores with kits and visits and no records, by name."""
    with tempfile.TemporaryDirectory(prefix="carebag-faults-") as place:
        keys = bench_keys(random.Random(seed))
        template = Path(place) / "template.sqlite"
        make_store(template, keys)
        made = Database(f"sqlite:///{template}")
        visits = {key.kit_id: visits_of(made, key.kit_id) for key in keys}
        made.dispose()
        machine = _Machine(Path(place), template.read_bytes())

        def lives(name: str, synchronous: str, trouble: Trouble | None) -> _Lives:
            rng = random.Random(f"{seed}/{name}/{synchronous}")
            senders = [KitSender(key, visits[key.kit_id], rng) for key in keys]
            return _Lives(machine, senders, rng, synchronous, trouble)

        yield lives


def _cut_often(
    outcome: Outcome, lives: Callable[[int], "_Lives"], cuts: int, said: Callable[[int], None] = lambda n: None
) -> int:
    """Cut; gives in how many cuts something was wrong."""
    bad, number = 0, 0
    while outcome.n < cuts:
        one = lives(number)
        for life in range(min(LIVES, cuts - outcome.n)):
            with failures_expected():
                problems = one.live()
            outcome.n += 1
            outcome.note(problems, f"store {number}, life {life}")
            said(outcome.n)
            if problems:
                bad += 1
                break
        outcome.counts["acknowledged"] += sum(len(sender.said) for sender in one.senders)
        if one.refused:
            outcome.counts["refused by the disk"] += one.refused
        number += 1
    return bad


class _Machine:
    """The hub's parts over a disk that is changed between starts; what SQLAlchemy has compiled stays."""

    def __init__(self, folder: Path, content: bytes) -> None:
        self.content = content
        """Of a store with kits and visits and no records."""
        self.stand = HubStand(folder, Database("sqlite://"))
        self._engine = make_engine(URL, module=apsw_dbapi, creator=self._connect, poolclass=StaticPool)
        self._opened: list[apsw.Connection] = []
        self._vfs: CrashVfs
        self._synchronous = "FULL"
        self._pages = 1000

    @contextmanager
    def opened(self, disk: Disk, synchronous: str, pages: int, *, orderly: bool) -> Iterator[Database]:
        """The hub's database as a process has it; not orderly: the process ends without a checkpoint."""
        self._vfs, self._synchronous, self._pages = CrashVfs(disk), synchronous, pages
        database = Database(URL, self._engine)
        self.stand.restart(database)
        try:
            yield database
        finally:
            database.dispose()
            off, disk.is_off = disk.is_off, disk.is_off or not orderly
            let_go(self._opened)
            self._opened.clear()
            self._vfs.close()
            disk.is_off = off

    def _connect(self) -> apsw_dbapi.Connection:
        connection = open_on(self._vfs, NAME)
        self._opened.append(connection)
        connection.execute(f"PRAGMA wal_autocheckpoint = {self._pages}")
        played: Any = connection if self._synchronous == "FULL" else Weaker(connection, self._synchronous)
        return apsw_dbapi.Connection(played)


class _Lives:
    """One store, one hub after the other on it."""

    def __init__(
        self,
        machine: _Machine,
        senders: list[KitSender],
        rng: random.Random,
        synchronous: str,
        trouble: Trouble | None,
    ) -> None:
        self._rng = rng
        self._trouble = trouble
        self.refused = 0
        self._synchronous = synchronous
        self._machine = machine
        self._disk = Disk({NAME: File(bytearray(machine.content), bytearray(machine.content))})
        self._disk.safe_names = dict(self._disk.files)
        self.senders = senders

    def live(self) -> list[Problem]:
        """Take in until the power goes; then what is wrong at the next start."""
        self._disk.budget = self._rng.randint(0, MOST_WRITES)
        if self._trouble:
            begins = self._rng.randint(0, MOST_WRITES // 2)
            self._disk.trouble = (self._trouble, begins, begins + self._rng.randint(1, MOST_WRITES // 2))
        while not self._disk.is_off:
            with self._opened():
                self._take_in()
        self._disk = self._disk.after_cut(self._rng)
        try:
            with self._opened(orderly=False) as database:
                return [
                    problem
                    for sender in self.senders
                    for problem in check_hub(database, sender.key.kit_id, sender.said, sender.visit_of)
                ]
        except (SQLAlchemyError, apsw.Error, ValueError) as error:
            return [Problem("corrupt", f"does not open: {type(error).__name__}: {error}")]

    def _take_in(self) -> None:
        for _ in range(self._rng.randint(1, 20)):
            sender = self._rng.choice(self.senders)
            try:
                body = sender.batch().model_dump_json().encode()
                receipt = self._machine.stand.deliver(sender.key.kit_id, body)
            except (DBAPIError, apsw.Error):
                if self._disk.is_off:
                    return
                if not self._trouble:
                    raise
                self.refused += 1
                continue
            sender.answered(receipt)

    def _opened(self, *, orderly: bool = True) -> AbstractContextManager[Database]:
        pages = self._rng.choice((20, 200, 1000))
        return self._machine.opened(self._disk, self._synchronous, pages, orderly=orderly)
