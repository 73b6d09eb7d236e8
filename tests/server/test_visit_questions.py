"""The nurse's question arrives with her visit, stands at the doctor's in her words, and leaves with the export."""

import json
from datetime import datetime
from typing import Any

import fhirkit
import pytest

from carebag_fhir.questions import questions_in

WORDS = "Räcker Furix 40?\n<b>Hen</b> & hustrun undrar."


@pytest.fixture
def asked(hub: Any, visit: Any) -> Any:
    record = hub.kit.record("question_put", visit, text=WORDS)
    assert hub.kit.send(record)["refused"] == {}
    return record


def test_the_doctor_reads_it_in_the_nurses_words(hub: Any, doctor: Any, visit: Any, asked: Any) -> None:
    (shown,) = hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["questions"]
    assert (shown["text"], shown["id"]) == (WORDS, asked["id"])
    assert datetime.fromisoformat(shown["asked_at"]) == datetime.fromisoformat(asked["times"]["kit_utc"])
    assert shown["received_at"] is not None
    assert hub.actions(visit["id"]).count("question_put") == 1
    (kit_side,) = hub.kit.request("GET", "/api/kit/visits").json()[0]["questions"]
    assert kit_side == shown


def test_sent_again_it_is_there_once(hub: Any, doctor: Any, visit: Any) -> None:
    envelope = hub.kit.envelope(hub.kit.record("question_put", visit, text="Vad tror du?"))
    for _ in range(2):
        assert hub.kit.send_envelopes(envelope)["refused"] == {}
    assert len(hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["questions"]) == 1


@pytest.mark.parametrize("text", ["", "x" * 2001])
def test_no_words_and_too_many_are_refused(hub: Any, visit: Any, text: str) -> None:
    assert list(hub.kit.send(hub.kit.record("question_put", visit, text=text))["refused"].values()) == ["bad_record"]


def test_it_is_in_the_export(hub: Any, doctor: Any, visit: Any, asked: Any) -> None:
    answer = hub.client.get(f"/api/visits/{visit['id']}/fhir?as=doctor", headers=doctor)
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    (read,) = questions_in(bundle)
    assert (read.text, str(read.id)) == (WORDS, asked["id"])
    (one,) = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Communication"]
    assert [str(fault) for fault in fhirkit.validate(json.dumps(one))] == []
    signed = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Provenance"]
    assert any(target["reference"].endswith(one["id"]) for each in signed for target in each["target"])
