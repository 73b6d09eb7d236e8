"""`carebag audit export`: the log of a period as FHIR Bulk Data, for its owner alone, and a row that says so."""

import json
from pathlib import Path
from typing import Any

import fhirkit
import pytest

from carebag.cli import main
from carebag_server.demo_data import demo_id
from carebag_server.demo_history import ensure_history

GUN = demo_id("196101182803")


@pytest.fixture
def past(small_hub: Any, clock: Any) -> Any:
    clock.forward(days=2)
    ensure_history(small_hub.url, clock())
    return small_hub


def export(hub: Any, out: Path, *more: str, last: str = "2026-11-30") -> int:
    days = ["--from", "2026-11-01", "--to", last, "--by", "Siri", "--out", str(out)]
    return main(["audit", "export", "--database", hub.url, *days, *more])


def lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_every_event_and_every_patient_named(past: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert export(past, out, last="2199-12-31") == 0
    manifest = json.loads((out / "manifest.json").read_text())
    events, patients = lines(out / "AuditEvent.ndjson"), lines(out / "Patient.ndjson")
    assert manifest["output"] == [
        {"type": "AuditEvent", "url": "AuditEvent.ndjson", "count": len(events)},
        {"type": "Patient", "url": "Patient.ndjson", "count": len(patients)},
    ]
    assert len(events) == len(past.actions())
    assert past.actions()[-1] == "log_exported"
    named = {
        one["what"]["reference"] for event in events for one in event["entity"] if "reference" in one.get("what", {})
    }
    assert named == {f"Patient/{patient['id']}" for patient in patients}
    for one in [*events, *patients]:
        assert [str(fault) for fault in fhirkit.validate(json.dumps(one))] == []
    assert {file.stat().st_mode & 0o077 for file in [out, *out.iterdir()]} == {0}


def test_of_one_provider_or_one_patient(past: Any, tmp_path: Path) -> None:
    assert export(past, tmp_path / "whole") == 0
    assert export(past, tmp_path / "home", "--provider", "Timrå kommun") == 0
    assert export(past, tmp_path / "gun", "--patient", str(GUN)) == 0
    counts = [len(lines(tmp_path / name / "AuditEvent.ndjson")) for name in ("whole", "home", "gun")]
    assert counts[0] > counts[1] > counts[2] > 0
    assert [one["id"] for one in lines(tmp_path / "gun" / "Patient.ndjson")] == [str(GUN)]


@pytest.mark.parametrize(
    "more", [("--provider", "Nobody"), ("--patient", "00000000-0000-0000-0000-000000000001"), ("--to", "2020-01-01")]
)
def test_refused_in_words(past: Any, tmp_path: Path, more: tuple[str, str]) -> None:
    events = past.actions()
    with pytest.raises(SystemExit, match="carebag audit: "):
        export(past, tmp_path / "out", *more)
    assert past.actions() == events


def test_a_folder_that_is_there_is_not_written_into(past: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="carebag audit: "):
        export(past, tmp_path)
