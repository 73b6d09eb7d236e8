"""Whom values are filed under: the kit's own intake, bedside, binding and journal on random days, against the truth."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from carebag.fault_bench.days import VISITS, WEIGHTS, Act, Instrument, Truth, day
from carebag.fault_bench.kit_records import AT
from carebag.fault_bench.memory_journal import NotingJournal
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag_devices.events import DeviceState, Identity, Measured, MeasurementKind, StateChanged, Value
from carebag_edge.bedside import Bedside
from carebag_edge.binding import REMEMBERED_VISITS, Binder, Whom
from carebag_edge.clock import Clock
from carebag_edge.intake import Intake
from carebag_edge.keys import KitKey
from carebag_edge.media_files import MediaFiles
from carebag_wire.messages import KitVisits
from carebag_wire.nurse_messages import OpenVisit
from carebag_wire.visit import Patient, Person, RequestKind, VisitHead, VisitSnapshot

KIT_ID = UUID(int=0x0192_0000_0000_7000_8000_0000_0000_0001)
KINDS: dict[Instrument, tuple[MeasurementKind, Value]] = {
    "cuff": ("blood_pressure", Value("systolic", Decimal(128), "mm[Hg]")),
    "crp_analyser": ("crp", Value("crp", Decimal(12), "mg/L")),
    "thermometer": ("temperature", Value("temperature", Decimal("37.5"), "Cel")),
    "scale": ("weight", Value("weight", Decimal(71), "kg")),
}
CONTROLS = 100
OFTEN = 8


def visit_id(number: int) -> UUID:
    return UUID(int=KIT_ID.int + 1000 + number)


def patient_id(number: int) -> UUID:
    return UUID(int=KIT_ID.int + 2000 + number)


def binding(seed: int, schedules: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many days, and a control: a kit that files by when a value arrives must be found."""
    what = "random days of visits, late, stored and lost values, on the kit's own code"
    return _days(Outcome("binding", what, "schedules"), seed, schedules, WEIGHTS["jump"], said)


def clock(seed: int, schedules: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """The same on a kit whose wall clock is set again and again, by a minute, hours or a day, either way."""
    what = "the kit's wall clock jumps by a minute to a day in the middle of visits"
    return _days(Outcome("clock", what, "schedules"), seed, schedules, OFTEN, said)


def _days(outcome: Outcome, seed: int, schedules: int, jumps: int, said: Callable[[int], None]) -> Outcome:
    ward = _Ward(Path("media-is-not-used"))
    for number in range(schedules):
        _live(outcome, ward, f"{seed}/{number}", Binder, jumps)
        outcome.n += 1
        said(outcome.n)
    control, bad = Outcome("control", "", "schedules"), 0
    few = min(CONTROLS, max(20, schedules // 10))
    for number in range(few):
        bad += bool(_live(control, ward, f"{seed}/{number}", _ByArrival, jumps))
    outcome.controls.append(Control("files by the visit that is open when a value arrives", few, bad))
    return outcome


def _live(outcome: Outcome, ward: "_Ward", seed: str, binder: type[Binder], jumps: int) -> list[Problem]:
    kit = _Kit(ward, binder)
    problems = [problem for act in day(random.Random(seed), jumps) for problem in kit.do(act)]
    kit.journal.close()
    outcome.counts["values"] += kit.values
    outcome.counts["filed under a visit"] += kit.filed
    outcome.counts["times the clock was set"] += kit.jumps
    outcome.note(problems, f"day {seed}")
    return problems


class _ByArrival(Binder):
    """The planted fault."""

    def whom(self, kind: RequestKind, device_id: str = "") -> Whom:
        return self.now()


class _Ward:
    """What is the same every day: the key, the nurse, the visits that the hub told of."""

    def __init__(self, media: Path) -> None:
        self.key = KitKey(KIT_ID, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
        self.media = object.__new__(MediaFiles)
        self.media.folder = media
        self.nurse = Person(
            commission_id=UUID(int=KIT_ID.int + 10),
            practitioner_id=UUID(int=KIT_ID.int + 11),
            name="Nurse",
            title="",
            role="nurse",
            unit="",
            organization="",
        )
        self.told = KitVisits(visits=[_visit(number) for number in range(VISITS)])


class _Kit:
    """One kit for a day, and the truth beside it."""

    def __init__(self, ward: _Ward, binder: type[Binder]) -> None:
        self._ward, self._binder = ward, binder
        self._truth = Truth()
        self._utc = AT
        self._numbers = 0
        self._last: Measured | None = None
        self._last_from: Instrument = "cuff"
        self.values = self.filed = self.jumps = 0
        self.journal = NotingJournal(ward.key)
        self._start()
        self._bedside.hub_said(ward.told)

    def _start(self) -> None:
        clock = Clock(utc=lambda: self._utc, monotonic_ns=lambda: int((1000 + self._truth.now) * 1e9))
        self._bedside = Bedside(self.journal, self._ward.media, clock)
        self._bedside.binder.__class__ = self._binder
        unused: Any = None
        self._intake = Intake(self._bedside, unused, unused, clock, _Nobody())

    def do(self, act: Act) -> list[Problem]:
        """One act on kit and truth; what the kit did that is not true."""
        self._truth.now += act.after_s
        self._utc += timedelta(seconds=act.after_s)
        match act.what:
            case "open" | "close":
                self._nurse(act)
            case "jump":
                self._utc += timedelta(seconds=act.jump_s)
                self._truth.jumped_at.append(self._truth.now)
                self.jumps += 1
            case "restart":
                self._restart()
            case "begins" | "link lost" | "ready without":
                self._state(act)
            case "value":
                return self._kept(self._measured(act), self._truth.of_value(act.instrument))
            case "late value":
                return self._late(act, "live")
            case "stored":
                return self._late(act, "stored")
            case "again":
                return self._again()
        return []

    def _nurse(self, act: Act) -> None:
        if act.what == "close":
            if self._truth.open_visit is not None:
                self._bedside.close(plan_read=True)
                self._truth.closed()
        elif self._truth.open_visit is None and all(visit != act.visit for visit, _, _ in self._truth.spans):
            message = OpenVisit(visit_id=visit_id(act.visit), identifiers=["name", "personal_id"])
            self._bedside.open(message, self._ward.nurse)
            self._truth.opened(act.visit)

    def _restart(self) -> None:
        """What was being measured comes from the instruments' memories when they are back: later, as stored."""
        self._truth.running.clear()
        self._start()

    def _state(self, act: Act) -> None:
        states = {"begins": DeviceState.MEASURING, "link lost": DeviceState.LOST, "ready without": DeviceState.READY}
        if act.what == "begins":
            self._truth.begins(act.instrument)
        elif act.what == "link lost" and act.instrument in self._truth.running:
            self._truth.running[act.instrument].lost = True
        elif act.what == "ready without" and not self._truth.ready_without(act.instrument):
            return
        self._intake(StateChanged(_identity(act.instrument), states[act.what]))

    def _late(self, act: Act, provenance: str) -> list[Problem]:
        """A value that was taken before it arrives, and which the kit did not watch."""
        if provenance == "live" and act.instrument in self._truth.running:
            return []
        taken = self._truth.now - act.ago_s
        allowed: set[int | None] = {None} if act.uncertainty_s is None else self._truth.of_taken(taken)
        found = self._kept(self._measured(act, provenance), allowed)
        if act.uncertainty_s is None:
            return found
        must = self._truth.must_be(taken, act.uncertainty_s, REMEMBERED_VISITS)
        if must is not None and self._bound() is None:
            found.append(Problem("needless_tray", f"{act}: it was surely taken in visit {must}"))
        return found

    def _again(self) -> list[Problem]:
        """The instrument delivers the same once more, before it measures anew: no second record."""
        if self._last is None or self._last_from in self._truth.running:
            return []
        before = self.journal.appended
        self._intake(self._last)
        if self.journal.appended != before:
            return [Problem("doubled", f"{self._last.measurement_id}")]
        return []

    def _measured(self, act: Act, provenance: str | None = None) -> Measured:
        kind, value = KINDS[act.instrument]
        self._numbers += 1
        self._last_from = act.instrument
        aged = provenance is not None and act.uncertainty_s is not None
        return Measured(
            identity=_identity(act.instrument),
            kind=kind,
            values=(value,),
            problem=None,
            flags=(),
            device_time="2026-11-23T10:00:00",
            raw=b"",
            provenance="stored" if provenance == "stored" else "live",
            measurement_id=f"{act.instrument}-{self._numbers}",
            age_s=act.ago_s + act.error * (act.uncertainty_s or 0.0) if aged else None,
            age_uncertainty_s=act.uncertainty_s if aged else None,
        )

    def _kept(self, event: Measured, allowed: set[int | None]) -> list[Problem]:
        before = self.journal.appended
        self._intake(event)
        self._last = event
        self.values += 1
        if self.journal.appended != before + 1:
            return [Problem("lost", f"{event.measurement_id}")]
        bound = self._bound()
        self.filed += bound is not None
        if bound not in allowed:
            return [Problem("wrong_visit", f"{event.measurement_id} under {bound}, true is {allowed}")]
        assert self.journal.last is not None
        whose = self.journal.last.record.binding
        if whose.patient_id != (None if bound is None else patient_id(bound)):
            return [Problem("wrong_patient", f"{event.measurement_id}")]
        return []

    def _bound(self) -> int | None:
        assert self.journal.last is not None
        bound = self.journal.last.record.binding.visit_id
        return None if bound is None else bound.int - visit_id(0).int


@dataclass(frozen=True)
class _Nobody:
    """Who would be told."""

    def journaled(self, code: str) -> None: ...

    def changed(self, code: str | None = None) -> None: ...

    def vitals(self, message: Any) -> None: ...


def _identity(instrument: Instrument) -> Identity:
    return Identity(f"bench-{instrument}", instrument, simulated=True)


def _visit(number: int) -> VisitSnapshot:
    scheduled: datetime = AT
    return VisitSnapshot(
        visit=VisitHead(
            id=visit_id(number),
            patient=Patient(
                id=patient_id(number),
                name=f"Patient {number}",
                personal_id="191212121212",
                personal_id_system="1.2.752.129.2.1.3.1",
                birth_date="1912-12-12",
                place="",
                own_doctor="",
                colour=number,
            ),
            nurse=None,
            kit_id=KIT_ID,
            kit_name="",
            scheduled_at=scheduled,
            reason="",
            background="",
            state="planned",
        ),
        requests=[],
        readings=[],
        sounds=[],
        photos=[],
        notes=[],
        participants=[],
        kit_online=True,
    )
