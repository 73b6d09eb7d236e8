"""One kit's world for the tests: a clock that only tests move, a visit, and instruments played by hand."""

import asyncio
import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import numpy as np
import pytest

from carebag_devices.bag import Sink
from carebag_devices.errors import DeviceSilent
from carebag_devices.events import (
    DeviceState,
    Identity,
    Kind,
    Measured,
    OximeterSample,
    SoundFrame,
    SoundStarted,
    SoundStopped,
    StateChanged,
    UdiSaid,
    Value,
)
from carebag_edge.bedside import Bedside
from carebag_edge.clock import Clock
from carebag_edge.intake import Intake
from carebag_edge.journal import Journal
from carebag_edge.keys import KitKey, load_or_create
from carebag_edge.loop_test import LoopTester
from carebag_edge.media_files import MediaFiles
from carebag_edge.tasks import Tasks
from carebag_edge.tray import Tray
from carebag_wire.messages import KitVisits
from carebag_wire.nurse_messages import OpenVisit
from carebag_wire.values import Circumstances
from carebag_wire.visit import Patient, Person, Request, RequestKind, RequestState, VisitHead, VisitSnapshot

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CUFF = Identity("C0:FF:EE:00:00:01", "cuff", "Test", "Cuff 1", simulated=True)
OXIMETER = Identity("C0:FF:EE:00:00:02", "oximeter", "Test", "Oximeter 1", simulated=True)
STETHOSCOPE = Identity("C0:FF:EE:00:00:03", "stethoscope", "Test", "Stethoscope 1", simulated=True)
CRP = Identity("C0:FF:EE:00:00:04", "crp_analyser", "Test", "CRP 1", simulated=True)
_ids = itertools.count(1)


def new_id() -> UUID:
    return UUID(int=0x0192_0000_0000_7000_8000_0000_0000_0000 + next(_ids))


@dataclass
class Hands:
    """Time, moved by the test."""

    utc: datetime = START
    ns: int = 1_000_000_000

    def forward(self, seconds: float) -> None:
        self.utc += timedelta(seconds=seconds)
        self.ns += int(seconds * 1e9)

    @property
    def clock(self) -> Clock:
        return Clock(utc=lambda: self.utc, monotonic_ns=lambda: self.ns)


@dataclass
class World:
    """Makes people, visits, requests and what devices say."""

    kit_id: UUID = field(default_factory=new_id)
    new_id = staticmethod(new_id)

    def nurse(self, name: str = "Anna Lind") -> Person:
        return Person(
            commission_id=new_id(),
            practitioner_id=new_id(),
            name=name,
            title="distriktssköterska",
            role="nurse",
            unit="Timrå",
            organization="Region Test",
        )

    def visit(
        self, *requests: Request, patient: str = "Tolvan Tolvansson", visit_id: UUID | None = None
    ) -> VisitSnapshot:
        head = VisitHead(
            id=visit_id or new_id(),
            patient=Patient(
                id=new_id(),
                name=patient,
                personal_id="191212121212",
                personal_id_system="1.2.752.129.2.1.3.1",
                birth_date="1912-12-12",
                place="Timrå",
                own_doctor="Eva Ek",
                colour=1,
            ),
            nurse=None,
            kit_id=self.kit_id,
            kit_name="Väska 1",
            scheduled_at=START,
            reason="Hosta",
            background="",
            state="planned",
        )
        return VisitSnapshot(
            visit=head,
            requests=list(requests),
            readings=[],
            sounds=[],
            photos=[],
            notes=[],
            participants=[],
            kit_online=True,
        )

    def request(self, visit_id: UUID, kind: RequestKind, state: RequestState = "asked") -> Request:
        circumstances = {
            "blood_pressure": Circumstances(site="left_arm", posture="sitting"),
            "listen": Circumstances(point="mitral"),
        }.get(kind, Circumstances())
        return Request(
            id=new_id(),
            visit_id=visit_id,
            kind=kind,
            circumstances=circumstances,
            state=state,
            asked_by="Eva Ek",
            asked_at=START,
            changed_at=START,
        )

    def told(self, *visits: VisitSnapshot) -> KitVisits:
        return KitVisits(visits=list(visits))

    def pressure(
        self,
        systolic: str = "128",
        *,
        problem: str | None = None,
        provenance: Literal["live", "stored"] = "live",
        device_time: str | None = "2026-11-23T10:00:00",
        measurement_id: str = "",
        age_s: float | None = None,
        age_uncertainty_s: float | None = 2.0,
    ) -> Measured:
        values = (Value("systolic", Decimal(systolic), "mm[Hg]"), Value("diastolic", Decimal(82), "mm[Hg]"))
        return Measured(
            identity=CUFF,
            kind="blood_pressure",
            values=() if problem else values,
            problem=problem,
            flags=(),
            device_time=device_time,
            raw=bytes.fromhex("1e80005200610"[:12]),
            provenance=provenance,
            measurement_id=measurement_id,
            age_s=age_s,
            age_uncertainty_s=None if age_s is None else age_uncertainty_s,
        )

    def crp(self, value: str = "12", comparator: Literal["<", ">"] | None = None) -> Measured:
        return Measured(
            identity=CRP,
            kind="crp",
            values=(Value("crp", Decimal(value), "mg/L", comparator),),
            problem=None,
            flags=(),
            device_time=None,
            raw=b"R|1|^^^CRP|12|mg/L",
        )

    def oximeter(self, spo2: str | None = "97", pulse: str | None = "72", problem: str | None = None) -> OximeterSample:
        return OximeterSample(
            OXIMETER, Decimal(spo2) if spo2 else None, Decimal(pulse) if pulse else None, problem, raw=b"\x01\x02"
        )


class Room:
    """A bedside with two visits known, and what was told."""

    def __init__(self, folder: Path, journal: Journal, hands: Any, world: Any) -> None:
        self.world, self.hands = world, hands
        self.nurse = world.nurse()
        self.bedside = Bedside(journal, MediaFiles(folder / "media"), hands.clock)
        self.tasks = Tasks(self.bedside, hands.clock)
        self.words: list[str | None] = []
        self.tray = Tray(self.bedside, hands.clock)
        loop_test = LoopTester(journal, hands.clock, self.changed)
        self.intake = Intake(self.bedside, None, loop_test, hands.clock, self)  # type: ignore[arg-type]

    def journaled(self, code: str) -> None:
        self.words.append(code)

    def changed(self, code: str | None = None) -> None:
        self.words.append(code)

    def vitals(self, message: Any) -> None: ...

    def know(self, *kinds: str, patient: str = "Tolvan Tolvansson") -> VisitSnapshot:
        visit = self.world.visit(patient=patient)
        requests = [self.world.request(visit.visit.id, kind) for kind in kinds]
        visit = visit.model_copy(update={"requests": requests})
        known = [one for one in map(self.bedside.book.get, [h.id for h in self.bedside.book.heads()]) if one]
        self.bedside.hub_said(self.world.told(*known, visit))
        return visit

    def open(self, visit: VisitSnapshot) -> None:
        self.bedside.open(OpenVisit(visit_id=visit.visit.id, identifiers=["name", "personal_id"]), self.nurse)

    def device(self, state: DeviceState, detail: str = "", identity: Any = None) -> None:
        self.intake(StateChanged(identity or self.world.pressure().identity, state, detail))

    def shown(self) -> VisitSnapshot:
        snapshot = self.bedside.open_snapshot(self.nurse)
        assert snapshot is not None
        return snapshot


class HandInstruments:
    """The bag's place at the seam, played by the test: it says what a patient and sensors would make the bag say."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.silent = False
        self.stream: int | None = None
        self.sent = 0
        self.asked = asyncio.Event()
        self.done: list[tuple[object, ...]] = []
        """What the kit asked of the bag."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def listen(self, stream: int, rate_hz: int = 4000) -> None:
        self.done.append(("listen", stream))
        self.asked.set()
        if self.silent:
            raise DeviceSilent
        self.stream, self.sent = stream, 0
        self.sink(SoundStarted(STETHOSCOPE, stream, rate_hz))

    def sound(self, samples: np.ndarray, skip: int = 0) -> None:
        """The next samples; `skip` of them get lost before."""
        assert self.stream is not None
        self.sent += skip
        self.sink(SoundFrame(STETHOSCOPE, self.stream, self.sent, samples.astype(np.int16)))
        self.sent += len(samples)

    async def stop_listening(self) -> None:
        if self.stream is not None:
            self.sink(SoundStopped(STETHOSCOPE, self.stream, "asked", self.sent))
        self.stream = None

    def start_pairing(self, kind: Kind, window_s: float = 60.0) -> None:
        self.done.append(("start_pairing", kind))

    def choose(self, device_id: str) -> None:
        self.done.append(("choose", device_id))

    def give_passkey(self, number: int) -> None:
        self.done.append(("give_passkey", number))

    def stop_pairing(self) -> None:
        self.done.append(("stop_pairing",))

    def retry(self, device_id: str) -> None:
        self.done.append(("retry", device_id))

    def forget(self, device_id: str) -> None:
        self.done.append(("forget", device_id))

    def note_label(self, device_id: str, udi: UdiSaid | None) -> bool:
        self.done.append(("note_label", device_id, udi))
        return device_id == "A"


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def key(tmp_path: Path, world: World) -> KitKey:
    return load_or_create(tmp_path, world.kit_id, 0)


@pytest.fixture
def journal(tmp_path: Path, key: KitKey) -> "Journal":
    opened = Journal(tmp_path / "journal.sqlite", key)
    yield opened  # type: ignore[misc]
    opened.close()


@pytest.fixture
def reopen(tmp_path: Path, key: KitKey) -> Callable[[], Journal]:
    """The same journal after a restart."""
    return lambda: Journal(tmp_path / "journal.sqlite", key)


@pytest.fixture
def make_room(tmp_path: Path, hands: Hands, world: World) -> Callable[[Journal], Room]:
    """A bedside over a journal: anew, it is the kit after a restart."""
    return lambda journal: Room(tmp_path, journal, hands, world)


@pytest.fixture
def room(make_room: Callable[[Journal], Room], journal: Journal) -> Room:
    return make_room(journal)


@pytest.fixture
def instruments() -> Callable[[Sink], HandInstruments]:
    return HandInstruments


@pytest.fixture
def photo() -> bytes:
    """A JPEG's structure, 64 x 48, with a place in its comment."""

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    frame = segment(0xC0, b"\x08" + struct.pack(">HH", 48, 64) + b"\x01\x01\x11\0")
    scan = segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x12\x34"
    return b"\xff\xd8" + segment(0xFE, b"62.4876N 17.3273E") + frame + scan + b"\xff\xd9"
