"""`carebag incident`: one file for the reports, a row that says so, and a check that finds what was changed in it."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from carebag.cli import main
from carebag.incident.facts import deadlines_of
from carebag_server.demo_data import demo_id
from carebag_server.demo_history import ensure_history

GUN = demo_id("196101182803")
KEY = "hub.example.se/access-log"


@pytest.fixture
def past(small_hub: Any, clock: Any) -> Any:
    clock.forward(days=2)
    ensure_history(small_hub.url, clock())
    return small_hub


@pytest.fixture
def keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    """Signing key's file, and the verifier's key."""
    assert main(["audit", "key", str(tmp_path / "log.key"), "--name", KEY]) == 0
    return tmp_path / "log.key", capsys.readouterr().out.strip()


def write(hub: Any, out: Path, *more: str) -> int:
    said = ["--from", "2026-11-01", "--to", "2199-01-01", "--by", "Siri", "--why", "Fler frågor <än> väntat"]
    return main(["incident", "write", "--database", hub.url, *said, "--out", str(out), *more])


def part(file: Path, name: str) -> bytes:
    with zipfile.ZipFile(file) as parts:
        return parts.read(name)


def test_all_of_it_for_its_owner_alone_and_a_row(
    past: Any, tmp_path: Path, keys: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "incident.zip"
    assert write(past, out, "--key", str(keys[0])) == 0
    told = capsys.readouterr().out
    assert "intact" in told
    assert "sha256" in told
    assert out.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(out) as parts:
        assert {one.filename for one in parts.infolist()} == {
            *("log/entries.jsonl", "log/events.csv", "log/leaves.txt", "log/checkpoint.txt"),
            *("versions.json", "parts.cdx.json", "settings.json", "kits.json", "verified.json"),
            *("first-page.html", "manifest.json"),
        }
    entries = [json.loads(line) for line in part(out, "log/entries.jsonl").splitlines()]
    assert [one["action"] for one in entries] == past.actions()
    last = entries[-1]
    assert (last["action"], last["purpose"], last["care_unit"]) == ("log_exported", "review", "carebag incident")
    assert last["object"].startswith("incident 2026-11-01T00:00")
    assert last["practitioner"].startswith("Siri (")
    assert len(part(out, "log/events.csv").splitlines()) == len(entries) + 1
    assert json.loads(part(out, "verified.json"))["intact"] is True
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(part(out, "parts.cdx.json").decode()) is None
    assert main(["incident", "check", str(out), "--public-key", keys[1]]) == 0
    assert f"{len(entries)} events" in capsys.readouterr().out


def test_the_first_page_says_what_and_until_when(past: Any, tmp_path: Path) -> None:
    out = tmp_path / "incident.zip"
    known = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    assert write(past, out, "--known", known.isoformat()) == 0
    page = part(out, "first-page.html").decode()
    assert "Fler frågor &lt;än&gt; väntat" in page
    assert "<än>" not in page
    assert "Åtkomstloggen är oförändrad" in page
    for words in ("Tidig varning", "Incidentanmälan", "GDPR art. 33", "Slutrapport", "Misstänks olaglig"):
        assert words in page


def test_narrowed_to_a_patient_a_person_or_an_address(past: Any, tmp_path: Path) -> None:
    def entries(name: str, *more: str) -> list[Any]:
        assert write(past, tmp_path / name, *more) == 0
        return [json.loads(line) for line in part(tmp_path / name, "log/entries.jsonl").splitlines()]

    whole = entries("whole.zip")
    gun = entries("gun.zip", "--patient", str(GUN))
    assert {one["patient_id"] for one in gun} <= {str(GUN), None}
    doctor = next(one["practitioner"] for one in whole if one["role"] == "doctor")
    doctors = entries("doctor.zip", "--person", doctor)
    assert {one["practitioner"] for one in doctors} == {doctor}
    nurse = next(one["practitioner"] for one in whole if " · " in one["practitioner"])
    nurses = entries("nurse.zip", "--person", nurse.partition(" · ")[0])
    assert nurse in {one["practitioner"] for one in nurses}
    address = doctors[0]["origin"]
    assert {one["origin"] for one in entries("address.zip", "--address", address)} == {address}
    assert 0 < len(gun) < len(whole)
    for name in ("gun.zip", "doctor.zip", "address.zip"):
        assert main(["incident", "check", str(tmp_path / name)]) == 0


def again(source: Path, target: Path, changed: dict[str, bytes | None], *, sealed: bool = False) -> None:
    """The file anew with some parts changed; `sealed`: and the manifest made to fit."""
    import hashlib

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        parts = {one.filename: changed.get(one.filename, old.read(one.filename)) for one in old.infolist()}
        if sealed:
            said = json.loads(old.read("manifest.json"))
            said["sha256"] = {
                name: hashlib.sha256(raw).hexdigest()
                for name, raw in parts.items()
                if raw is not None and name != "manifest.json"
            }
            parts["manifest.json"] = json.dumps(said).encode()
        for name, raw in parts.items():
            if raw is not None:
                new.writestr(name, raw)


def test_whatever_was_changed_is_found(
    past: Any, tmp_path: Path, keys: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, forged = tmp_path / "incident.zip", tmp_path / "forged.zip"
    assert write(past, out, "--key", str(keys[0])) == 0

    def refused(changed: dict[str, bytes | None], *, sealed: bool) -> str:
        again(out, forged, changed, sealed=sealed)
        capsys.readouterr()
        assert main(["incident", "check", str(forged), "--public-key", keys[1]]) in (1, 2)
        told = capsys.readouterr()
        return told.out + told.err

    entries = part(out, "log/entries.jsonl")
    another = entries.replace(b'"role":"doctor"', b'"role":"nurse"', 1)
    assert another != entries
    assert "entries.jsonl is not" in refused({"log/entries.jsonl": another}, sealed=False)
    assert "is not the one in the log" in refused({"log/entries.jsonl": another}, sealed=True)
    leaves = part(out, "log/leaves.txt").splitlines(keepends=True)
    assert "not those of the checkpoint" in refused({"log/leaves.txt": b"".join(leaves[:-1])}, sealed=True)
    assert "no hash" in refused({"log/leaves.txt": b"x" * 64 + b"\n"}, sealed=True)
    assert "not those of its manifest" in refused({"versions.json": None}, sealed=False)
    assert "damaged" in refused({"manifest.json": b"[]"}, sealed=False)
    assert "damaged" in refused({"log/checkpoint.txt": None}, sealed=True)
    capsys.readouterr()
    assert main(["audit", "key", str(tmp_path / "other.key"), "--name", KEY]) == 0
    other = capsys.readouterr().out.strip()
    assert main(["incident", "check", str(out), "--public-key", other]) == 2
    forged.write_bytes(out.read_bytes()[:-200])
    assert main(["incident", "check", str(forged)]) == 1


def test_an_event_left_out_is_found_by_the_digest_noted_down(
    past: Any, tmp_path: Path, keys: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, forged = tmp_path / "incident.zip", tmp_path / "forged.zip"
    assert write(past, out, "--key", str(keys[0])) == 0
    noted = capsys.readouterr().out.partition("sha256 ")[2][:64]
    check = ("incident", "check", "--public-key", keys[1])
    assert main([*check, str(out), "--sha256", noted.upper()]) == 0
    assert "NOT" not in capsys.readouterr().out
    fewer = b"".join(part(out, "log/entries.jsonl").splitlines(keepends=True)[1:])
    again(out, forged, {"log/entries.jsonl": fewer, "first-page.html": b"all is well"}, sealed=True)
    assert main([*check, str(forged)]) == 0, "a manifest proves nothing against who writes it anew"
    assert "NOT checked by --sha256" in capsys.readouterr().out
    assert main([*check, str(forged), "--sha256", noted]) == 1
    assert "another than that noted down" in capsys.readouterr().out


def test_a_log_that_was_changed_is_written_all_the_same_and_said(
    past: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = create_engine(past.url)
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER IF EXISTS audit_event_no_update"))
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type='trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("UPDATE audit_event SET origin='10.0.0.9' WHERE seq=3"))
    engine.dispose()
    out = tmp_path / "incident.zip"
    assert write(past, out) == 1
    assert "BROKEN at event 3" in capsys.readouterr().out
    page = part(out, "first-page.html").decode()
    assert "Åtkomstloggen är ändrad" in page
    assert "BROKEN at event 3" in page
    assert main(["incident", "check", str(out)]) == 1, "its events are not those of the tree"


def test_refusals_write_nothing(past: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "incident.zip"
    before = past.actions()
    for more, why in [
        (("--to", "2026-10-01"), "not after"),
        (("--known", "2199-01-01"), "future"),
        (("--patient", "00000000-0000-0000-0000-000000000009"), "no patient"),
        (("--provider", "Ingen"), "no care provider"),
        (("--key", str(tmp_path / "none")), "no signing key"),
        (("--why", " "), "the reason"),
    ]:
        assert write(past, out, *more) == 2
        assert why in capsys.readouterr().err
        assert not out.exists()
    assert past.actions() == before
    out.write_text("kept")
    assert write(past, out) == 2
    assert "already" in capsys.readouterr().err
    assert out.read_text() == "kept"


def test_nothing_secret_among_the_settings(past: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hemligt-1")
    monkeypatch.setenv("CAREBAG_MEDIA", "s3://hemligt-2/x?endpoint=https://s3.example.se&region=eu")
    out = tmp_path / "incident.zip"
    assert write(past, out) == 0
    settings = json.loads(part(out, "settings.json"))
    assert settings["media"] == "bucket"
    assert settings["database"] == "sqlite"
    with zipfile.ZipFile(out) as parts:
        assert not [one for one in parts.namelist() if b"hemligt" in parts.read(one)]


@given(st.integers(0, 40_000_000))
def test_the_days_count_from_when_it_was_known(minutes: int) -> None:
    known = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    due = deadlines_of(known)
    assert due.warning - known == timedelta(days=1)
    assert due.notification - known == due.personal_data - known == timedelta(days=3)
    month = due.final - due.notification
    assert timedelta(days=28) <= month <= timedelta(days=31)
