"""NEWS2 as a visit shows it, over 3,644 cases scored by others, where their file is there: CAREBAG_RECORDINGS, or
shared/data beside the project. (`signal/train/evaluate_news2.py` asks the table alone.)
"""

import json
import os
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from carebag_scores.early_warning import Scored, score_of
from carebag_signal.vitals.news2 import IN_CASES
from carebag_wire.records import Reading
from carebag_wire.scores import EarlyWarning, ScorePremise
from carebag_wire.values import Binding, DeviceIdentity, Quality, Quantity, Seen, Times
from carebag_wire.visit import Patient, ReadingView, VisitHead

CASES = (
    Path(os.environ.get("CAREBAG_RECORDINGS") or Path(__file__).parents[3] / "shared" / "data") / "news2_golden.json"
)
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
VISIT, PATIENT, KIT = (uuid.UUID(int=n) for n in (1, 2, 3))
HEAD = VisitHead(
    id=VISIT,
    patient=Patient(
        id=PATIENT, name="n", personal_id="x", personal_id_system="", birth_date="1950-01-01", place="", own_doctor="",
        colour=1,
    ),
    nurse=None, kit_id=KIT, kit_name="k", scheduled_at=AT, reason="", background="", state="open",
)  # fmt: skip
HYPERCAPNIC = ScorePremise(
    id=uuid.UUID(int=4), visit_id=VISIT, says="hypercapnic", author="Dr", author_id=uuid.UUID(int=5), at=AT
)


def readings(case: dict[str, Any]) -> list[ReadingView]:
    """What instruments and the nurse would have given: pulse and saturation by one oximeter."""
    number = {name: Decimal(str(case[name])) for name in ("rr", "spo2", "sbp", "hr", "temp")}
    respiration = Quantity(name="respiration", value=number["rr"], unit="/min")
    spo2 = Quantity(name="spo2", value=number["spo2"], unit="%")
    pulse = Quantity(name="pulse", value=number["hr"], unit="/min")
    systolic = Quantity(name="systolic", value=number["sbp"], unit="mm[Hg]")
    temperature = Quantity(name="temperature", value=number["temp"], unit="Cel")
    return [
        view(1, kind="respiration", quantities=[respiration]),
        view(2, kind="oximetry", quantities=[spo2, pulse]),
        view(3, kind="blood_pressure", quantities=[systolic]),
        view(4, kind="temperature", quantities=[temperature]),
        view(5, kind="oxygen", quantities=[], seen=Seen(breathes="oxygen" if case["o2"] else "air")),
        view(6, kind="consciousness", quantities=[], seen=Seen(consciousness=case["acvpu"])),
    ]


def view(seq: int, **more: Any) -> ReadingView:
    reading = Reading(
        id=uuid.UUID(int=10 + seq),
        binding=Binding(visit_id=VISIT, patient_id=PATIENT, nurse_id=None, kit_id=KIT, kit_seq=seq),
        times=Times(kit_monotonic_ns=1, kit_utc=AT),
        quality=Quality(word="good"),
        device=DeviceIdentity(id="observer", kind="observer"),
        provenance="observed",
        **more,
    )
    return ReadingView(reading=reading, decision="kept")


def agrees(case: dict[str, Any], found: EarlyWarning) -> bool:
    """In total, risk, scale and the points of every part."""
    points = {part.parameter: part.points for part in found.parts}
    shown = (
        found.state,
        found.total,
        found.risk,
        found.scale,
        {theirs: points[ours] for theirs, ours in IN_CASES.items()},
    )
    return shown == ("complete", case["total"], case["risk"], case["scale"], case["parts"])


def test_every_case_has_the_score_that_others_give_it() -> None:
    if not CASES.is_file():
        pytest.skip(f"no cases at {CASES}: set CAREBAG_RECORDINGS to a folder that holds {CASES.name}")
    cases = json.loads(CASES.read_text("utf-8"))
    premises: dict[int, list[ScorePremise]] = {1: [], 2: [HYPERCAPNIC]}
    wrong = [
        at
        for at, one in enumerate(cases)
        if not agrees(one, score_of(Scored.of(HEAD), readings(one), premises[one["scale"]]))
    ]
    assert len(cases) > 3000
    assert wrong == []
