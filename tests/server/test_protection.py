"""A protected identity: no address anywhere, no name in a list, marked wherever it is shown, every reading reviewed."""

import json
from typing import Any

import pytest
from tests.server.test_blocks import command
from tests.server.test_sockets import console, join, kit_line

from carebag_fhir.json_text import decode

WHO = ("Tolvan", "191212121212", "1912-12-12")
ADDRESS = "Vivstavarvsvägen"


@pytest.fixture
def hub(small_hub: Any) -> Any:
    return small_hub


@pytest.fixture
def protected(hub: Any, visit: Any) -> Any:
    assert command(hub, "protect", "191212121212", "sekretessmarkering") == 0
    return visit


def test_lists_do_not_say_who_it_is(hub: Any, doctor: Any, protected: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    lists = [
        hub.client.get("/api/visits", headers=doctor).text,
        hub.client.get("/api/review/visits", headers=reviewer).text,
    ]
    with console(hub) as socket:
        lists.append(json.dumps(socket.queue, ensure_ascii=False))
    for text in lists:
        assert not [word for word in (*WHO, ADDRESS, "hemtjänst") if word in text]
        assert protected["id"] in text
        assert "sekretessmarkering" in text
        assert "Sven Testsson" in text


def test_nobody_is_told_the_address(hub: Any, doctor: Any, protected: Any) -> None:
    """Not in the room, not in what changes, not on paper, not in the file, not at the kit."""
    path = f"/api/visits/{protected['id']}"
    texts = [hub.client.get(one, headers=doctor).text for one in (path, f"{path}/fhir", "/api/visits")]
    with kit_line(hub) as kit, console(hub) as socket:
        texts += [json.dumps(kit.visits, ensure_ascii=False), json.dumps(join(socket, protected), ensure_ascii=False)]
        hub.kit.store("visit_closed", protected)
        texts.append(json.dumps(socket.receive_json(), ensure_ascii=False))
    texts.append(hub.kit.request("GET", "/api/kit/visits").text)
    assert not [text for text in texts if ADDRESS in text]


def test_who_takes_part_sees_the_name_and_the_mark(hub: Any, doctor: Any, protected: Any) -> None:
    patient = hub.client.get(f"/api/visits/{protected['id']}", headers=doctor).json()["visit"]["patient"]
    assert (patient["name"], patient["place"], patient["protected"]) == ("Tolvan Tolvansson", "", "sekretessmarkering")
    (own,) = [one for one in hub.visits() if one["id"] == protected["id"]]
    assert own["patient"]["name"] == "Tolvan Tolvansson"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("sekretessmarkering", "sekretessmarkering"),
        ("skyddad_folkbokforing", "skyddadFolkbokforing"),
        ("turvakielto", "TURVAKIELTO"),
    ],
)
def test_the_file_has_the_label(hub: Any, doctor: Any, visit: Any, kind: str, code: str) -> None:
    def labels() -> Any:
        bundle = decode(hub.client.get(f"/api/visits/{visit['id']}/fhir", headers=doctor).content)
        (patient,) = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient"]
        return [label["code"] for label in patient.get("meta", {}).get("security", [])]

    assert labels() == []
    command(hub, "protect", "191212121212", kind)
    assert labels() == [code]
    assert command(hub, "protect", "191212121212", kind) == 1
    assert command(hub, "unprotect", "191212121212") == 0
    assert command(hub, "unprotect", "191212121212") == 1
    assert labels() == []


def test_a_patient_without_it_is_as_before(hub: Any, visit: Any) -> None:
    """A kit of before does not know the field."""
    assert all("protected" not in one["patient"] for one in hub.visits())


def test_every_reading_is_reviewed(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    hub.client.get(f"/api/visits/{visit['id']}", headers=doctor)
    clock.forward(seconds=1)

    def marked() -> list[str]:
        found = hub.client.get("/api/review/marked", headers=reviewer).json()
        assert {one["why"] for one in found} <= {"protected_identity"}
        return [one["event"]["action"] for one in found]

    assert marked() == []
    with hub.database.transaction() as session:
        from carebag.block import _actor
        from carebag_server.demo_data import demo_id
        from carebag_server.protection import end_protection, protect

        operator = _actor(type("Args", (), {"by": "Maj", "provider": "Timrå kommun"})())
        protect(session, operator, demo_id("191212121212"), "turvakielto", clock())
    hub.client.get(f"/api/visits/{visit['id']}", headers=doctor)
    assert marked() == ["visit_read", "identity_protected"]
    clock.forward(seconds=1)
    with hub.database.transaction() as session:
        end_protection(session, operator, demo_id("191212121212"), clock())
    hub.client.get(f"/api/visits/{visit['id']}", headers=doctor)
    assert marked() == ["visit_read", "identity_protected"]
