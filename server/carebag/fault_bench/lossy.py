"""Deliveries over a bad line: the kit's journal and outbox, the hub's own ingest, and between them a line that loses.

Requests and answers get lost, come twice, come late and in another order; kit and hub start anew in between. At the
end the line is good until the outbox is empty, and the hub must have each record once, in the visit it was taken in.
"""

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from carebag.fault_bench.hub_stand import HubStand, bench_keys, check_hub, copy_store, make_store, visits_of
from carebag.fault_bench.kit_records import AT, reading
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag_edge.binding import NOBODY, Whom
from carebag_edge.journal import Journal
from carebag_edge.keys import KitKey
from carebag_edge.sync import Outbox, SendRecords
from carebag_server.database import Database
from carebag_wire.records import RecordBatch, RecordReceipt, record_adapter

ROUND = 5_000
"""Deliveries over one store, before a new one: its access log is verified whole at the end."""
LOSS = 0.3
MEMORY = Path("/dev/shm")  # noqa: S108
"""Where there is one: what is judged here is the protocol, the disk has benches of its own."""


@dataclass(frozen=True)
class Fate:
    """What the line does with one request and its answer."""

    lost: bool
    answer_lost: bool
    again: bool
    """The hub gets it twice."""
    late: bool
    """The hub gets it after others, when the kit no longer waits."""


@dataclass(frozen=True)
class Step:
    """One turn of a schedule."""

    kit: int
    new_records: int
    fate: Fate
    late_one_arrives: bool
    """One of those under way reaches the hub now."""
    stale_answer: bool
    """And its answer the kit, which has had newer ones."""
    kit_restarts: bool
    hub_restarts: bool


def step(rng: random.Random, kits: int) -> Step:
    """The next turn; pure."""
    return Step(
        kit=rng.randrange(kits),
        new_records=rng.choice((0, 0, 1, 1, 2, 4, 12)),
        fate=Fate(rng.random() < LOSS, rng.random() < LOSS, rng.random() < 0.15, rng.random() < 0.1),
        late_one_arrives=rng.random() < 0.12,
        stale_answer=rng.random() < 0.2,
        kit_restarts=rng.random() < 0.01,
        hub_restarts=rng.random() < 0.01,
    )


def lossy(seed: int, deliveries: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many records put on the line, and a control: a kit that takes silence for a yes must be found."""
    outcome = Outcome(
        "lossy", "30 % of requests and of answers lost, others twice, late, in another order", "deliveries"
    )
    with tempfile.TemporaryDirectory(prefix="carebag-faults-", dir=MEMORY if MEMORY.is_dir() else None) as place:
        keys = bench_keys(random.Random(seed))
        template = Path(place) / "template.sqlite"
        make_store(template, keys)
        number = 0
        while outcome.n < deliveries:
            one = _Round(Path(place), keys, template, random.Random(f"{seed}/{number}"))
            outcome.note(one.run(min(ROUND, deliveries - outcome.n), outcome, said), f"round {number}")
            number += 1
        control = Outcome("control", "", "deliveries")
        bad = 0
        for planted in range(3):
            one = _Round(Path(place), keys, template, random.Random(f"{seed}/planted/{planted}"), believes=True)
            bad += bool(one.run(min(150, deliveries), control))
        outcome.controls.append(Control("the kit takes silence for a yes", 3, bad))
    return outcome


class _Round:
    """One store and its kits, from empty to drained."""

    def __init__(
        self, folder: Path, keys: list[KitKey], template: Path, rng: random.Random, believes: bool = False
    ) -> None:
        self._rng = rng
        self._believes = believes
        self._place = tempfile.TemporaryDirectory(dir=folder)
        self._folder = Path(self._place.name)
        copy_store(template, self._folder / "hub.sqlite")
        self._stand = HubStand(self._folder, self._database())
        self._kits = [_Kit(self._folder / str(n), key, self._stand.database, rng) for n, key in enumerate(keys)]
        self._late: list[tuple[_Kit, bytes]] = []

    def run(self, deliveries: int, outcome: Outcome, said: Callable[[int], None] = lambda n: None) -> list[Problem]:
        ends = outcome.n + deliveries
        while outcome.n < ends:
            self._turn(step(self._rng, len(self._kits)), outcome)
            said(outcome.n)
        for kit, body in self._late:
            self._arrive(kit, body, outcome)
        self._drain(outcome)
        problems = [problem for kit in self._kits for problem in self._check(kit)]
        outcome.counts["records"] += sum(len(kit.visit_of) for kit in self._kits)
        for kit in self._kits:
            kit.journal.close()
        self._stand.database.dispose()
        self._place.cleanup()
        return problems

    def _turn(self, now: Step, outcome: Outcome) -> None:
        kit = self._kits[now.kit]
        kit.take(now.new_records)
        if now.hub_restarts:
            self._stand.database.dispose()
            self._stand.restart(self._database())
            outcome.counts["hub restarts"] += 1
        if now.kit_restarts:
            kit.restart()
            outcome.counts["kit restarts"] += 1
        self._send(kit, now.fate, outcome)
        if now.late_one_arrives and self._late:
            late_kit, body = self._late.pop(self._rng.randrange(len(self._late)))
            receipt = self._arrive(late_kit, body, outcome)
            if now.stale_answer:
                late_kit.outbox.records_answered(receipt)

    def _send(self, kit: "_Kit", fate: Fate, outcome: Outcome) -> None:
        work = kit.outbox.next()
        if not isinstance(work, SendRecords):
            return
        body = work.batch.model_dump_json().encode()
        outcome.n += len(work.batch.records)
        if fate.late and not fate.lost:
            self._late.append((kit, body))
        if fate.late or fate.lost:
            kit.outbox.away()
            outcome.counts["requests lost or late"] += 1
            if self._believes:
                kit.believe(work.batch)
            return
        receipt = self._arrive(kit, body, outcome)
        if fate.again:
            receipt = self._arrive(kit, body, outcome)
        if fate.answer_lost:
            kit.outbox.away()
            outcome.counts["answers lost"] += 1
        else:
            kit.outbox.records_answered(RecordReceipt.model_validate_json(receipt.model_dump_json()))

    def _arrive(self, kit: "_Kit", body: bytes, outcome: Outcome) -> RecordReceipt:
        outcome.counts["requests arrived"] += 1
        return self._stand.deliver(kit.key.kit_id, body)

    def _drain(self, outcome: Outcome) -> None:
        good = Fate(lost=False, answer_lost=False, again=False, late=False)
        for kit in self._kits:
            while isinstance(kit.outbox.next(), SendRecords):
                self._send(kit, good, outcome)

    def _check(self, kit: "_Kit") -> list[Problem]:
        problems = check_hub(self._stand.database, kit.key.kit_id, kit.made, kit.visit_of)
        problems += [Problem("refused", f"kit_seq {seq}: {code}") for seq, code in kit.journal.refused().items()]
        if kit.journal.numbers() != sorted(kit.made):
            problems.append(Problem("lost", "on the kit itself"))
        if kit.journal.unsent().count or kit.journal.state("watermark") != str(len(kit.made)):
            problems.append(Problem("watermark", f"{kit.journal.state('watermark')} of {len(kit.made)}"))
        return problems

    def _database(self) -> Database:
        return Database(f"sqlite:///{self._folder / 'hub.sqlite'}")


class _Kit:
    """The kit's side of the line."""

    def __init__(self, folder: Path, key: KitKey, database: Database, rng: random.Random) -> None:
        self._folder, self._rng = folder, rng
        self._visits = visits_of(database, key.kit_id)
        self.key = key
        self.made: dict[int, str] = {}
        self.visit_of: dict[int, UUID | None] = {}
        self.journal = Journal(self._folder / "journal.sqlite", key)
        self.outbox = Outbox(self.journal)

    def restart(self) -> None:
        """As the kit's process at its start."""
        self.journal.close()
        self.journal = Journal(self._folder / "journal.sqlite", self.key)
        self.journal.retry_refused()
        self.outbox = Outbox(self.journal)

    def believe(self, batch: RecordBatch) -> None:
        """The planted fault: what was sent has arrived."""
        stored = [record_adapter.validate_json(one.payload).id for one in batch.records]
        watermark = int(self.journal.state("watermark") or 0)
        self.journal.acknowledge(RecordReceipt(stored=stored, refused={}, watermark=watermark, received_at=AT))

    def take(self, number: int) -> None:
        for _ in range(number):
            whom: Whom = self._rng.choice([*self._visits, NOBODY])
            entry = self.journal.append(reading(self._rng, self.key.kit_id, whom))
            self.made[entry.kit_seq] = entry.signed.sha256
            self.visit_of[entry.kit_seq] = whom.visit_id
