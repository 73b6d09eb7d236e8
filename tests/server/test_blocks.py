"""A patient's block: no byte of what is blocked in any answer, list, room or file of another care provider."""

import argparse
import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from tests.server.test_earlier_access import REASON, do, earlier_visit, opened, state
from tests.server.test_sockets import console, join, kit_line, sound, until

from carebag import block as block_command
from carebag import cli
from carebag_server import admin_acts, together
from carebag_server.access_tables import BlockRow
from carebag_server.admin_acts import acts_after
from carebag_server.demo_data import TIMRA
from carebag_server.tables import AuditRow, Kit, PatientRow, VisitRow

CANARY = "KANARIE"


@pytest.fixture
def hub(small_hub: Any) -> Any:
    return small_hub


def command(hub: Any, *words: str) -> int:
    what, *rest = words
    parser = argparse.ArgumentParser()
    block_command.add_arguments(parser)
    told = [what, "--database", hub.url, "--provider", TIMRA, "--by", "Maj Operatör", *rest]
    return block_command.run(parser.parse_args(told), hub.clock)


def plant(hub: Any, visit: Any) -> None:
    """Words that are nowhere else, in all that a visit tells of itself."""
    with hub.database.transaction() as session:
        row = session.get_one(VisitRow, uuid.UUID(visit["id"]))
        row.reason = row.background = CANARY
        session.get_one(PatientRow, row.patient_id).name = f"{CANARY} Tolvansson"


def test_a_blocked_visit_is_as_if_it_were_not(hub: Any, doctor: Any, visit: Any) -> None:
    """In the list, by every route, by every socket, and to the kit's own nurse unchanged."""
    from tests.server.test_access import visit_paths

    plant(hub, visit)
    assert CANARY in hub.client.get("/api/visits", headers=doctor).text
    assert command(hub, "add", "191212121212") == 0
    assert CANARY not in hub.client.get("/api/visits", headers=doctor).text
    for verb, path, body in visit_paths(visit["id"]):
        answer = hub.client.request(verb, path, headers=doctor, json=body)
        assert (answer.status_code, answer.content) == (404, b'{"code":"not_found"}'), path
    days = {"from": "2026-11-01", "to": "2026-11-30"}
    period = hub.client.get(f"/api/patients/{visit['patient']['id']}/fhir", headers=doctor, params=days)
    assert (period.status_code, period.content) == (404, b'{"code":"not_found"}')
    with console(hub) as socket:
        assert CANARY not in json.dumps(socket.queue)
        socket.send_json({"type": "join", "visit_id": visit["id"]})
        assert until(socket, "problem")["code"] == "not_found"
    assert CANARY in hub.kit.request("GET", "/api/kit/visits").text


def test_a_block_on_the_past_leaves_the_visit_of_now(hub: Any, doctor: Any, visit: Any) -> None:
    """Consent does not open it; the doctor learns that there is something, and not whose."""
    before = earlier_visit(hub, visit)
    until_now = (hub.clock() - timedelta(days=1)).isoformat()
    assert command(hub, "add", "191212121212", "--visits-before", until_now) == 0
    hub.consent(doctor, visit)
    assert opened(hub, doctor, visit, before) == [False] * 6
    told = state(hub, doctor, visit)
    assert (told["blocked"], told["blocked_by"]) == (True, [])
    assert TIMRA not in json.dumps(told)
    assert hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).status_code == 200


def test_in_an_emergency_the_provider_is_named_and_may_lift(hub: Any, doctor: Any, visit: Any) -> None:
    before = earlier_visit(hub, visit)
    command(hub, "add", "191212121212", "--visits-before", (hub.clock() - timedelta(days=1)).isoformat())
    told = do(hub, doctor, visit, "emergency", REASON).json()
    assert (told["blocked"], told["blocked_by"]) == (True, [TIMRA])
    assert opened(hub, doctor, visit, before) == [False] * 6
    with hub.database.reading() as session:
        number = str(session.scalars(select(BlockRow.id)).one())
    assert command(hub, "lift", number, "--why", "emergency") == 0
    assert opened(hub, doctor, visit, before) == [True] * 6
    assert not state(hub, doctor, visit)["blocked"]


def test_who_sits_in_the_room_is_shown_out(hub: Any, doctor: Any, visit: Any, monkeypatch: Any) -> None:
    """What changes afterwards is not told any more."""
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.05)
    with console(hub) as socket:
        join(socket, visit)
        sound(socket)
        command(hub, "add", "191212121212")
        assert until(socket, "problem")["code"] == "seat_ended"
        assert visit["id"] not in json.dumps(until(socket, "queue"))
        hub.kit.store("reading", visit)
        socket.send_json({"type": "ping", "id": 5})
        said = []
        while not said or said[-1]["type"] != "pong":
            said.append(socket.receive_json())
        assert visit["id"] not in json.dumps(said)


@pytest.fixture
def quick(monkeypatch: Any) -> None:
    """Acts beside the hub are found soon, a seat is looked at for itself only after long. Named before `hub`."""
    monkeypatch.setattr(admin_acts, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(together, "LOOK_SECONDS", 3600)


def ever(socket: Any, *wanted: Callable[[Any], bool]) -> list[Any]:
    """All that comes until each of these came, in whatever order."""
    heard: list[Any] = []
    while not all(any(one(message) for message in heard) for one in wanted):
        heard.append(socket.receive_json())
    return heard


def place_in(bag: Any, visit: Any) -> str:
    return next(str(one["visit"]["patient"]["place"]) for one in bag.visits if one["visit"]["id"] == visit["id"])


def test_a_block_reaches_open_pages_at_once(quick: None, hub: Any, doctor: Any, visit: Any) -> None:
    with console(hub) as socket:
        join(socket, visit)
        command(hub, "add", "191212121212")
        assert until(socket, "problem")["code"] == "seat_ended"
        ever(socket, lambda m: m["type"] == "queue" and visit["id"] not in json.dumps(m))
        with hub.database.reading() as session:
            number = str(session.scalars(select(BlockRow.id)).one())
        command(hub, "lift", number, "--why", "patient")
        ever(socket, lambda m: m["type"] == "queue" and visit["id"] in json.dumps(m))


def test_a_protected_identity_reaches_the_room_the_list_and_the_bag(
    quick: None, hub: Any, doctor: Any, visit: Any
) -> None:
    """The visit is read anew for who sits in it, and the bag's visits, now without the address."""
    with console(hub) as socket, kit_line(hub) as bag:
        assert join(socket, visit)["visit"]["patient"]["place"]
        assert place_in(bag, visit)
        command(hub, "protect", "191212121212", "skyddad_folkbokforing")
        heard = ever(socket, lambda m: m["type"] == "snapshot", lambda m: m["type"] == "queue")
        read = next(m["snapshot"]["visit"]["patient"] for m in heard if m["type"] == "snapshot")
        listed = next(m["visits"] for m in heard if m["type"] == "queue")
        assert (read["protected"], read["place"]) == ("skyddad_folkbokforing", "")
        assert [one["patient"]["name"] for one in listed if one["id"] == visit["id"]] == [""]
        (told,) = [one for one in until(bag, "kit_visits")["visits"] if one["visit"]["id"] == visit["id"]]
        assert told["visit"]["patient"]["place"] == ""
    with console(hub) as socket:
        join(socket, visit)
        command(hub, "unprotect", "191212121212")
        assert not until(socket, "snapshot")["snapshot"]["visit"]["patient"].get("protected")


def test_the_workbench_learns_that_something_was_hidden(quick: None, hub: Any, visit: Any) -> None:
    """Asking how the session is tells it, and is no use of the session."""
    reviewer = hub.sign_in("reviewer")

    def seen() -> int:
        return int(hub.client.get("/api/session", headers=reviewer).json()["hidden_seq"])

    before = seen()
    command(hub, "protect", "191212121212", "sekretessmarkering")
    for _ in range(200):
        if seen() > before:
            break
        time.sleep(0.05)
    with hub.database.reading() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "identity_protected")).one()
    assert (before, seen()) == (0, row.seq)


def test_who_is_in_another_patient_s_room_is_left_alone(hub: Any, visit: Any) -> None:
    """And a block hides nothing from the provider's own bag."""
    before = acts_after(hub.database, None).seq
    command(hub, "add", "191212121212", "--visits-before", "2026-11-01T00:00+01:00")
    found = acts_after(hub.database, before)
    assert (found.visits, found.hidden_visits, found.hidden_kits) == (set(), {uuid.UUID(visit["id"])}, set())
    assert acts_after(hub.database, found.seq).hidden_seq == 0


def test_who_may_stay_stays(hub: Any, doctor: Any, visit: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.01)
    with console(hub) as socket:
        join(socket, visit)
        for _ in range(5):
            sound(socket)
        hub.kit.store("reading", visit)
        assert until(socket, "changed")["visit_id"] == visit["id"]


def test_all_is_on_record(hub: Any, visit: Any, capsys: Any) -> None:
    assert command(hub, "list", "191212121212") == 0
    assert "no block" in capsys.readouterr().out
    assert command(hub, "add", "191212121212") == 0
    assert command(hub, "add", "191212121212") == 1
    assert command(hub, "list", "191212121212") == 0
    number = capsys.readouterr().out.split("all units")[0].split()[-5]
    assert command(hub, "lift", number, "--why", "patient") == 0
    assert command(hub, "lift", number, "--why", "patient") == 1
    assert command(hub, "lift", str(uuid.uuid4()), "--why", "patient") == 1
    with hub.database.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.role == "operator").order_by(AuditRow.seq)).all()
        told = [(row.action, row.practitioner, row.organization, str(row.patient_id)) for row in rows]
    patient = visit["patient"]["id"]
    actions = ["blocks_listed", "block_recorded", "blocks_listed", "block_lifted"]
    assert told == [(action, "Maj Operatör", TIMRA, patient) for action in actions]


@pytest.mark.parametrize(
    "words", [("add", "199002222397"), ("add", "191212121212", "--unit", "Ingen"), ("protect", "1", "turvakielto")]
)
def test_what_cannot_be_done_is_said(hub: Any, visit: Any, words: tuple[str, ...], capsys: Any) -> None:
    before = hub.actions()
    assert command(hub, *words) == 1
    assert capsys.readouterr().out
    assert hub.actions() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "191212121212", "--visits-before", "i morgon"), "a time is written 2026-11-27T08:00+01:00"),
        (("add", "191212121212", "--visits-before", "2026-11-27T08:00"), "a time needs its zone"),
        (("lift", "7", "--why", "patient"), "`carebag block list` shows them"),
    ],
)
def test_what_is_mistyped_is_said_in_words(hub: Any, words: tuple[str, ...], said: str, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        command(hub, *words)
    told = capsys.readouterr().err
    assert said in told
    assert "_time" not in told


def test_a_number_of_two_systems_asks_for_the_patient(hub: Any, visit: Any, capsys: Any) -> None:
    """A block on the wrong patient would hide what must be seen, and show what must not."""
    patient = visit["patient"]["id"]
    with hub.database.transaction() as session:
        row = session.get_one(PatientRow, uuid.UUID(patient))
        session.add(
            PatientRow(
                id=uuid.uuid4(),
                name="En annan",
                personal_id=row.personal_id,
                personal_id_system="urn:oid:1.2.3",
                birth_date="",
                place="",
                own_doctor="",
            )
        )
    assert command(hub, "add", "191212121212") == 1
    assert "give the id of one" in capsys.readouterr().out
    assert command(hub, "add", patient, "--visits-before", "2026-11-20T08:00+01:00") == 0
    told = capsys.readouterr().out
    assert "is hidden from all others" in told
    assert command(hub, "list", patient) == 0
    assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d [A-Z+0-9]+ ", capsys.readouterr().out)
    with hub.database.reading() as session:
        assert session.scalars(select(BlockRow.patient_id)).one() == uuid.UUID(patient)


@pytest.mark.parametrize(("unit", "seen"), [("Timrå hemsjukvård", [False, True]), ("Natten", [True, False])])
def test_a_unit_s_block_is_of_that_unit_alone(hub: Any, doctor: Any, visit: Any, unit: str, seen: list[bool]) -> None:
    """The same patient has visits by bags of two units."""
    other = hub.visits()[1]
    bag = hub.enrol("Väska 2")
    with hub.database.transaction() as session:
        session.get_one(Kit, bag.kit_id).unit = "Natten"
        row = session.get_one(VisitRow, uuid.UUID(other["id"]))
        row.kit_id, row.patient_id = bag.kit_id, uuid.UUID(visit["patient"]["id"])
    assert command(hub, "add", "191212121212", "--unit", unit) == 0
    found = [hub.client.get(f"/api/visits/{one['id']}", headers=doctor).status_code == 200 for one in (visit, other)]
    assert found == seen


def test_a_unit_of_the_bag(hub: Any, doctor: Any, visit: Any) -> None:
    assert command(hub, "add", "191212121212", "--unit", "Timrå hemsjukvård") == 0
    assert hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).status_code == 404


def test_the_command_says_what_it_needs() -> None:
    with pytest.raises(SystemExit):
        cli.main(
            ["block", "add", "x", "--database", "sqlite://", "--provider", "p", "--by", "b", "--visits-before", "1"]
        )
    assert block_command.KINDS == ["sekretessmarkering", "skyddad_folkbokforing", "turvakielto"]


@pytest.mark.parametrize("nobody", ["", "   ", "a\u202eb\n"])
def test_a_row_of_the_log_has_somebodys_name(nobody: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["block", "list", "--database", "sqlite://", "--provider", "p", "--by", nobody, "191212121212"]
    with pytest.raises(SystemExit) as refused:
        cli.main(asked)
    assert refused.value.code == 2
    assert "--by" in capsys.readouterr().err
