"""`carebag admin` as an operator types it, on both stores: what it answers, what it refuses in words, what it logs."""

import io
import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from carebag.admin.leaves import login_name
from carebag.cli import main
from carebag_server.database import Database
from carebag_server.demo_data import ensure_demo
from carebag_server.installation import stamp
from carebag_server.migrate import downgrade
from carebag_server.tables import AuditRow, Kit, PatientRow
from carebag_wire.kit_enrolment import read_code, read_qr

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NUMBER = "198112289874"


class Operator:
    """Says commands in this process and reads what they print."""

    def __init__(self, url: str, capsys: Any, monkeypatch: Any) -> None:
        self.url, self._capsys, self._monkeypatch = url, capsys, monkeypatch

    def words(self, *words: str, said: str = "") -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(said))
        status = main(["admin", *words, "--database", self.url])
        told = self._capsys.readouterr()
        return status, told.out, told.err

    def __call__(self, *words: str, said: str = "") -> Any:
        status, out, err = self.words(*words, "--json", said=said)
        assert (status, err) == (0, ""), err
        return json.loads(out)

    def refused(self, *words: str, said: str = "") -> str:
        before = self.log()
        status, out, err = self.words(*words, said=said)
        assert (status, out) == (2, ""), out
        assert self.log() == before
        assert err.startswith("carebag admin: ")
        return err

    def log(self) -> list[AuditRow]:
        database = Database(self.url)
        with database.reading() as session:
            rows = [row.seq for row in session.scalars(select(AuditRow))]
        database.dispose()
        return rows


@pytest.fixture
def operator(store_url: str, capsys: Any, monkeypatch: Any) -> Operator:
    database = Database(store_url)
    stamp(database, demo=False, now=NOW)
    database.dispose()
    return Operator(store_url, capsys, monkeypatch)


@pytest.fixture
def entered(operator: Operator) -> Operator:
    """Two care providers, a nurse, a patient and a kit."""
    operator("organization", "add", "--name", "Ånge kommun")
    operator("organization", "add", "--name", "Distans AB")
    operator("unit", "add", "--organization", "Ånge kommun", "--name", "Ånge hemsjukvård")
    operator("person", "add", "--name", "Maja Nordin", "--title", "sjuksköterska")
    operator("commission", "add", "--person", "Maja Nordin", "--role", "nurse", "--unit", "Ånge hemsjukvård")
    database = Database(operator.url)
    with database.transaction() as session:
        from carebag_server.tables import Organization

        home = session.scalars(select(Organization).where(Organization.name == "Ånge kommun")).one()
        session.add(
            Kit(id=home.id, organization_id=home.id, name="Väska 1", unit="u", public_key=b"k" * 32, enrolled_at=NOW)
        )
    database.dispose()
    return operator


def test_all_that_is_entered_is_listed(entered: Operator) -> None:
    entered("agreement", "add", "--home", "Ånge kommun", "--doctors", "Distans AB")
    assert [one["name"] for one in entered("organization", "list")] == ["Distans AB", "Ånge kommun"]
    (person,) = entered("person", "list")
    assert (person["commissions"], person["passkeys"]) == ("nurse at Ånge hemsjukvård", 0)
    (role,) = entered("commission", "list")
    assert (role["person"], role["role"], role["ended"]) == ("Maja Nordin", "nurse", None)
    assert [one["home"] for one in entered("agreement", "list")] == ["Ånge kommun"]
    assert entered("passkey", "list", "Maja Nordin") == []
    entered("commission", "end", role["id"])
    entered("agreement", "end", "--home", "Ånge kommun", "--doctors", "Distans AB")
    assert entered("commission", "list")[0]["ended"] is not None
    status, out, _ = entered.words("unit", "list")
    assert (status, out.splitlines()[0].split()) == (0, ["organization", "name", "hsa_id", "id"])


def test_each_change_names_who_was_signed_in(entered: Operator) -> None:
    database = Database(entered.url)
    with database.reading() as session:
        rows = list(session.scalars(select(AuditRow)))
    database.dispose()
    assert {row.practitioner for row in rows} == {f"{login_name()} (carebag admin)"}
    assert all(row.origin and len(row.request_ref) == 16 and row.role == "admin" for row in rows)


@pytest.mark.skipif(os.name == "nt", reason="pwd")
def test_the_login_name_is_not_what_a_variable_says(monkeypatch: Any) -> None:
    for variable in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(variable, "somebody")
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert login_name() != "somebody"
    if os.getuid() == 0:
        monkeypatch.setenv("SUDO_USER", "siri")
        assert login_name() == "siri as root"


def test_a_patient_is_asked_for_and_not_said_again(entered: Operator) -> None:
    patient = entered("patient", "add", said=f"Prov Provsson\n{NUMBER}\n")
    assert patient["birth_date"] == "1981-12-28"
    assert entered("patient", "list")[0]["number"] == "19811228-****"
    for said, why in [
        (f"Prov\n{NUMBER}\n", "already"),
        ("Prov\n811228-9874\n", "century"),
        ("Prov\n198112289875\n", "check digit"),
        ("Prov\n191212121212\n", "published test number"),
        ("Prov\n19811228 9874\n", "does not belong"),
        ("\n198112289874\n", "name"),
        ("", "name|missing|characters"),
    ]:
        told = entered.refused("patient", "add", said=said)
        assert any(word in told for word in why.split("|")), told
        assert NUMBER not in told
    assert "19990101K001" not in entered.refused("patient", "add", "--system", "x", said="P\n19990101K001\n")


@pytest.mark.parametrize(
    ("system", "number", "stored"),
    [
        ("henkilotunnus", "131052-308T", "urn:oid:1.2.246.21"),
        ("stockholm", "19990101K001", "urn:oid:1.2.752.97.3.1.3"),
        ("1.2.752.97.3.1.3", "19990101K001", "urn:oid:1.2.752.97.3.1.3"),
        ("swedish", "19811228-9874", "http://electronichealth.se/identifier/personnummer"),
    ],
)
def test_systems_by_their_names(entered: Operator, system: str, number: str, stored: str) -> None:
    assert entered("patient", "add", "--system", system, said=f"Prov\n{number}\n")["system"] == stored


def test_somebody_unknown_is_found_out_and_taken_back(entered: Operator) -> None:
    known = entered("patient", "add", said=f"Prov Provsson\n{NUMBER}\n")["id"]
    found = entered("patient", "temporary", "--name", "Okänd man")["id"]
    said = ["--by", "Maja Nordin", "--reason", "hustrun kom"]
    entered("patient", "merge", found, known, *said)
    assert {one["id"]: one["turned_out"] for one in entered("patient", "list")} == {known: None, found: known}
    assert "never disappears" in entered.refused("patient", "merge", known, found, *said)
    assert f"plan the visit for {known}" in entered.refused(
        *("visit", "plan", "--patient", found, "--kit", "Väska 1", "--at", "2100-01-01T09:00", "--reason", "Feber")
    )
    entered("patient", "unmerge", found, *said)
    assert all(one["turned_out"] is None for one in entered("patient", "list"))


def test_a_visit_is_planned_where_the_care_is_given(entered: Operator, monkeypatch: Any) -> None:
    patient = entered("patient", "add", said=f"Prov\n{NUMBER}\n")["id"]
    words = ["visit", "plan", "--patient", patient, "--kit", "Väska 1", "--reason", "Feber"]
    assert entered(*words, "--at", "2100-01-01T09:00", "--nurse", "Maja Nordin")["at"] == "2100-01-01T09:00:00+01:00"
    assert entered(*words, "--at", "2100-01-01T09:00+00:00")["at"] == "2100-01-01T09:00:00+00:00"
    assert "long past" in entered.refused(*words, "--at", "2000-01-01T09:00")
    monkeypatch.setenv("CAREBAG_TIME_ZONE", "Nowhere/At-all")
    assert "no time zone" in entered.refused(*words, "--at", "2100-01-01T09:00")


def test_what_was_done_is_said_in_names_and_times_with_their_zone(entered: Operator, monkeypatch: Any) -> None:
    """Whoever typed an id sees whose it is; no time stands without its zone."""
    monkeypatch.setenv("CAREBAG_TIME_ZONE", "Europe/Stockholm")
    known = entered("patient", "add", said=f"Prov Provsson\n{NUMBER}\n")["id"]
    found = entered("patient", "temporary", "--name", "Okänd man")["id"]
    said = ("--by", "Maja Nordin", "--reason", "armband")
    told = entered.words("patient", "merge", found, known, *said)[1]
    assert f"Okänd man (temporary, {found}) is Prov Provsson (19811228-****, {known}) from now on" in told
    assert f"carebag admin patient unmerge {found} --by" in told
    assert "Okänd man" in entered.words("patient", "unmerge", found, *said)[1]
    plan = ("visit", "plan", "--patient", known, "--kit", "Väska 1", "--at", "2100-01-01T09:00", "--reason", "Feber")
    told = entered.words(*plan)[1]
    assert "visit to Prov Provsson" in told
    assert "Fri 2100-01-01 09:00 CET with Väska 1, nurse: whoever takes the kit" in told
    assert "1 to 1440 minutes (--minutes)" in entered.refused("kit", "rotate", "Väska 1", "--minutes", "0")
    assert re.search(r"before \d{4}-\d\d-\d\d \d\d:\d\d [A-Z0-9+]+:", entered.words("kit", "rotate", "Väska 1")[1])


def test_a_code_and_a_link_are_drawn_and_written(entered: Operator, tmp_path: Path) -> None:
    picture = tmp_path / "kit.svg"
    made = entered(*("kit", "add", "--name", "Väska 2", "--unit", "Ånge hemsjukvård"),
                   *("--origin", "https://hub.example.se", "--svg", str(picture)))  # fmt: skip
    assert read_qr(made["qr"]) == ("https://hub.example.se", made["code"])
    assert len(read_code(made["code"])) == 12
    assert ET.parse(picture).getroot().tag.endswith("svg")
    assert picture.stat().st_mode & 0o077 == 0
    assert {one["name"]: one["state"] for one in entered("kit", "list")} == {
        "Väska 1": "in use",
        "Väska 2": "code waits",
    }
    again = ("kit", "rotate", "Väska 1", "--svg", str(picture))
    assert "exists" in entered.refused(*again)
    _, out, _ = entered.words("link", "Maja Nordin", "--origin", "https://hub.example.se", "--qr")
    assert out.startswith("https://hub.example.se/enter/#passkey=")
    assert "█" in out
    entered("kit", "revoke", "Väska 1")
    assert entered("kit", "list")[0]["state"] == "shut out"


def test_refusals_say_what_to_do(entered: Operator) -> None:
    for words, why in [
        (("unit", "add", "--organization", "Nowhere", "--name", "x"), "organization list"),
        (("commission", "add", "--person", "Nobody", "--role", "nurse", "--unit", "Ånge hemsjukvård"), "person list"),
        (("commission", "add", "--person", "Maja Nordin", "--role", "nurse", "--unit", "x"), "unit list"),
        (("organization", "add", "--name", "X", "--hsa-id", "SE5565594231-A1"), "check digit"),
        (("kit", "revoke", "Väska 9"), "kit list"),
        (("kit", "add", "--name", "Väska 1", "--unit", "Ånge hemsjukvård"), "kit rotate"),
        (("kit", "add", "--name", "V", "--unit", "Ånge hemsjukvård", "--origin", "http://hub.example.se"), "https"),
        (("kit", "add", "--name", "V", "--unit", "Ånge hemsjukvård", "--origin", "hub"), "web address"),
        (("kit", "add", "--name", "V", "--unit", "Ånge hemsjukvård", "--minutes", "5000"), "minutes"),
        (("link", "Maja Nordin", "--hours", "1000"), "hours"),
        (("passkey", "end", "00000000-0000-0000-0000-000000000001"), "passkey list"),
        (("patient", "merge", NUMBER, NUMBER, "--by", "Maja Nordin", "--reason", "x"), "patient list"),
        (("agreement", "end", "--home", "Ånge kommun", "--doctors", "Distans AB"), "agreement list"),
    ]:
        told = entered.refused(*words)
        assert why in told, told
        assert NUMBER not in told


def test_two_of_one_name_are_told_apart_by_id(entered: Operator) -> None:
    second = entered("person", "add", "--name", "Maja Nordin", "--title", "läkare", "--hsa-id", "SE5565594230-M2")["id"]
    told = entered.refused("link", "Maja Nordin")
    assert second in told
    assert "several" in told
    role = entered("commission", "add", "--person", "SE5565594230-M2", "--role", "doctor", "--unit", "Ånge hemsjukvård")
    assert role["person"] == second


def test_a_second_of_one_name_is_said(entered: Operator) -> None:
    assert "Beware" not in entered.words("person", "add", "--name", "Ilse Brandt", "--title", "läkare")[1]
    assert "1 more of that name" in entered.words("person", "add", "--name", "Maja Nordin", "--title", "läkare")[1]


def test_somebody_entered_without_an_hsa_id_gets_one(entered: Operator) -> None:
    """A hub that began with passkeys goes over to a provider, who names people by it."""
    entered("person", "correct", "Maja Nordin", "--hsa-id", "SE5565594230-M2")
    entered("person", "correct", "SE5565594230-M2", "--hsa-id", "SE5565594230-M2", "--title", "barnmorska")
    [maja] = entered("person", "list")
    assert (maja["name"], maja["title"], maja["hsa_id"]) == ("Maja Nordin", "barnmorska", "SE5565594230-M2")
    entered("person", "add", "--name", "Ilse Brandt", "--title", "läkare")
    assert "belongs to somebody" in entered.refused("person", "correct", "Ilse Brandt", "--hsa-id", "SE5565594230-M2")
    assert entered.refused("person", "correct", "Ilse Brandt", "--hsa-id", "SE5565594230-")


def test_a_planned_visit_is_found_again_and_cancelled(entered: Operator) -> None:
    """Whoever lost the id that was told can still take the visit back; the looking is in the log."""
    known = entered("patient", "add", said=f"Prov Provsson\n{NUMBER}\n")["id"]
    plan = ("visit", "plan", "--patient", known, "--kit", "Väska 1", "--reason", "Feber")
    later = entered(*plan, "--at", "2100-01-02T09:00", "--nurse", "Maja Nordin")["id"]
    first = entered(*plan, "--at", "2100-01-01T09:00")["id"]
    before = entered.log()
    found = entered("visit", "list")
    assert len(entered.log()) == len(before) + 1
    assert [(one["id"], one["nurse"]) for one in found] == [(first, None), (later, "Maja Nordin")]
    assert NUMBER not in entered.words("visit", "list")[1]
    entered("visit", "cancel", first)
    assert [one["id"] for one in entered("visit", "list")] == [later]


def test_a_demo_takes_test_numbers_only(store_url: str, capsys: Any, monkeypatch: Any) -> None:
    import uuid

    ensure_demo(store_url, uuid.uuid4(), bytes(32))
    demo = Operator(store_url, capsys, monkeypatch)
    assert "test numbers only" in demo.refused("patient", "add", said=f"Prov\n{NUMBER}\n")
    assert demo("patient", "add", said="Prov\n189002029800\n")["birth_date"] == "1890-02-02"


def test_stores_that_cannot_be_used(tmp_path: Path, sqlite_url: str, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("CAREBAG_DATABASE", raising=False)
    database = Database(sqlite_url)
    downgrade(database.engine, "0008")
    database.dispose()
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("not a database, and longer than the header of one" * 10)
    for url, why in [
        (f"sqlite:///{tmp_path / 'none.db'}", "start the hub once"),
        (f"sqlite:///{tmp_path / 'empty.db'}", "no tables yet"),
        (f"sqlite:///{tmp_path / 'text.db'}", "cannot be used"),
        (sqlite_url, "older Carebag"),
        ("mysql://x", "must be"),
        ("", "say which database"),
    ]:
        status = main(["admin", "organization", "list", "--database", url])
        assert (status, why in capsys.readouterr().err) == (2, True), url
    assert not (tmp_path / "none.db").exists()


def test_patients_are_not_in_the_log_by_name_or_number(entered: Operator) -> None:
    entered("patient", "add", said=f"Prov Provsson\n{NUMBER}\n")
    database = Database(entered.url)
    with database.reading() as session:
        said = str([(row.object, row.practitioner) for row in session.scalars(select(AuditRow))])
        assert session.scalars(select(PatientRow)).one().name == "Prov Provsson"
    database.dispose()
    assert "Prov" not in said
    assert NUMBER not in said


def test_an_administrator_is_of_one_care_provider_or_of_all(entered: Operator) -> None:
    words = ("commission", "add", "--person", "Maja Nordin", "--unit", "Ånge hemsjukvård", "--role")
    assert "whole hub" in entered.refused(*words, "reviewer", "--whole-hub")
    entered(*words, "administrator", "--whole-hub")
    (person,) = entered("person", "list")
    assert person["commissions"] == ("nurse at Ånge hemsjukvård, administrator of the whole hub at Ånge hemsjukvård")


def test_a_lost_key_and_a_wrong_name(entered: Operator) -> None:
    entered("person", "correct", "Maja Nordin", "--title", "distriktssköterska")
    entered("person", "correct", "Maja Nordin", "--name", "Maja Nordén")
    (person,) = entered("person", "list")
    assert (person["name"], person["title"]) == ("Maja Nordén", "distriktssköterska")
    made = entered("recover", "Maja Nordén")
    assert "/enter/#passkey=" in made["url"]
    assert "name" in entered.refused("person", "correct", "Maja Nordén", "--name", " ")


def test_kits_say_when_they_were_seen(entered: Operator) -> None:
    (kit,) = entered("kit", "list")
    assert (kit["state"], kit["seen"]) == ("in use", None)
