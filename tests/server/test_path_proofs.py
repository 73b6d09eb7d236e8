"""The sound path's proof is kept with its visit, once, and the medical lead can read what it said."""

import uuid
from typing import Any

import pytest

PROOF = 2**52 + 1_795_000_000_000
FREQUENCIES = (20, 30, 40, 60, 80, 100, 150, 200, 400, 800, 1000)


def made(**more: Any) -> dict[str, Any]:
    return {
        "proof": PROOF,
        "word": "good",
        "carrier": "script_transform",
        "rate_hz": 4000,
        "response": [{"hz": hz, "db": 0.0} for hz in FREQUENCIES],
        "latency_ms": 96,
        "clock_error_ms": 41,
        "packets_lost": 0.03,
        "missing": 0.0,
        "waited_ms": 0,
        "pauses": 0,
        **more,
    }


def keep(hub: Any, doctor: Any, visit: Any, **more: Any) -> Any:
    return hub.client.post(f"/api/visits/{visit['id']}/path-proofs", headers=doctor, json=made(**more))


def proofs(hub: Any, visit: Any) -> Any:
    reviewer = hub.sign_in("reviewer")
    return hub.client.get(f"/api/review/visits/{visit['id']}/path-proofs", headers=reviewer).json()


def test_the_medical_lead_reads_what_the_doctors_page_measured(hub: Any, doctor: Any, visit: Any) -> None:
    assert keep(hub, doctor, visit).status_code == 204
    hub.clock.forward(minutes=1)
    filtered = [{"hz": hz, "db": -22.4 if hz == 20 else None} for hz in FREQUENCIES]
    assert keep(hub, doctor, visit, proof=PROOF + 1, word="filtered", response=filtered).status_code == 204
    first, second = proofs(hub, visit)
    assert {name: first[name] for name in made()} == made()
    assert first["by"] == "Elena Ruiz"
    assert first["at"] < second["at"]
    assert second["word"] == "filtered"
    assert second["response"][0] == {"hz": 20, "db": -22.4}
    assert second["response"][1] == {"hz": 30, "db": None}


def test_making_and_reading_are_in_the_log(hub: Any, doctor: Any, visit: Any) -> None:
    keep(hub, doctor, visit)
    proofs(hub, visit)
    reviewer = hub.sign_in("reviewer")
    events = hub.client.get(f"/api/review/visits/{visit['id']}/events", headers=reviewer).json()
    made_by, read_by = (event for event in events if event["action"].startswith("sound_path_pro"))
    assert (made_by["action"], made_by["object"]) == ("sound_path_proved", f"proof {PROOF} good")
    assert made_by["practitioner"] != read_by["practitioner"]
    assert read_by["action"] == "sound_path_proofs_read"


def test_told_twice_it_is_one(hub: Any, doctor: Any, visit: Any) -> None:
    keep(hub, doctor, visit)
    assert keep(hub, doctor, visit, word="silent").status_code == 204
    assert [proof["word"] for proof in proofs(hub, visit)] == ["good"]
    assert hub.actions(visit["id"]).count("sound_path_proved") == 1


def test_only_an_open_visit_is_listened_to(hub: Any, doctor: Any, visit: Any) -> None:
    planned = hub.visits()[1]
    assert keep(hub, doctor, planned).json() == {"code": "visit_not_open"}
    hub.kit.store("visit_closed", visit)
    assert keep(hub, doctor, visit).status_code == 409
    unknown = {"id": str(uuid.uuid4())}
    assert keep(hub, doctor, unknown).status_code == 404


def test_a_page_that_never_stops_is_stopped(small_hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carebag_server.path_proofs.MOST_IN_A_VISIT", 2)
    head, doctor = small_hub.visits()[0], small_hub.sign_in("doctor")
    small_hub.kit.store("visit_opened", head)
    answers = [keep(small_hub, doctor, head, proof=PROOF + number) for number in range(3)]
    assert [answer.status_code for answer in answers] == [204, 204, 409]
    assert answers[2].json() == {"code": "too_many_proofs"}


WRONG: list[dict[str, Any]] = [
    {"proof": 7},
    {"proof": 2**53 + 1},
    {"word": "perfect"},
    {"carrier": "pigeon"},
    {"rate_hz": 1},
    {"response": []},
    {"response": [{"hz": 20, "db": 0.0}] * 33},
    {"response": [{"hz": 20, "db": "loud"}]},
    {"response": [{"hz": 20, "db": 1e9}]},
    {"missing": 1.5},
    {"packets_lost": -0.1},
    {"latency_ms": 1e7},
    {"pauses": -1},
    {"patient": "Tolvan"},
]


def test_what_is_no_proof_is_refused(small_hub: Any) -> None:
    head, doctor = small_hub.visits()[0], small_hub.sign_in("doctor")
    small_hub.kit.store("visit_opened", head)
    assert [keep(small_hub, doctor, head, **more).status_code for more in WRONG] == [422] * len(WRONG)
    assert proofs(small_hub, head) == []
