"""The access log as AuditEvents: one for each row, with what the law names."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from carebag_fhir.accesses import access_bundle, action_of
from carebag_wire.api import AuditEvent


def row(head: Any, seq: int, action: str, **changes: Any) -> AuditEvent:
    told = {
        "at": datetime(2026, 11, 23, 9, 30, seq, 5, tzinfo=UTC),
        "object": f"visit {head.id}",
        "patient_id": head.patient.id,
        "visit_id": head.id,
        "practitioner": "Elena Ruiz",
        "role": "doctor",
        "care_unit": "Premicare distansvård",
        "organization": "Premicare",
        "purpose": "care",
        "origin": "127.0.0.1",
        "request_ref": "0123456789abcdef",
        "hash": f"{seq:064x}",
    }
    return AuditEvent.model_validate({"seq": seq, "action": action, **told, **changes})


def test_one_event_for_each_row(head_of_visit: Any) -> None:
    head = head_of_visit()
    rows = [row(head, 1, "visit_read"), row(head, 2, "reading_stored", patient_id=None), row(head, 5, "note_signed")]
    bundle = access_bundle(head, rows)
    events = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "AuditEvent"]
    assert [event["action"] for event in events] == ["R", "C", "U"]
    assert len({event["id"] for event in events}) == 3
    first = events[0]
    assert first["recorded"] == "2026-11-23T09:30:01.000005+00:00"
    user, client = first["agent"]
    assert (user["who"], user["requestor"]) == ({"display": "Elena Ruiz"}, True)
    assert [part["valueString"] for part in user["extension"][0]["extension"]] == ["Premicare distansvård", "Premicare"]
    assert client["network"] == {"address": "127.0.0.1", "type": "2"}
    assert first["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    patient, data, request = first["entity"]
    assert patient["what"]["reference"] == f"urn:uuid:{head.patient.id}"
    assert data["what"]["identifier"]["value"] == str(head.id)
    assert request["what"]["identifier"]["value"] == "0123456789abcdef"
    assert len(events[1]["entity"]) == 2
    assert access_bundle(head, rows) == bundle


def test_the_chain_goes_along(head_of_visit: Any) -> None:
    event = access_bundle(head_of_visit(), [row(head_of_visit(), 7, "visit_read")])["entry"][1]["resource"]
    assert [e.get("valueDecimal", e.get("valueString")) for e in event["extension"]] == [7, f"{7:064x}"]


def test_another_patients_row_names_no_patient(head_of_visit: Any) -> None:
    """It cannot come: rows are of one visit. If it does, nobody is told that it was this patient."""
    other = row(head_of_visit(), 1, "visit_read", patient_id=uuid.uuid4(), purpose="sign_in", origin="")
    event = access_bundle(head_of_visit(), [other])["entry"][1]["resource"]
    assert not [entity for entity in event["entity"] if "Patient" in str(entity["what"])]
    assert [code["code"] for code in event["purposeOfEvent"][0]["coding"]] == ["sign_in"]
    assert "network" not in event["agent"][1]


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        ("visit_read", "R"),
        ("media_read", "R"),
        ("visits_listed", "R"),
        ("room_joined", "R"),
        ("visit_sent_to_kit", "R"),
        ("visit_exported", "R"),
        ("reading_stored", "C"),
        ("request_made", "C"),
        ("guest_invited", "C"),
        ("note_signed", "U"),
        ("reading_kept", "U"),
    ],
)
def test_what_was_done(action: str, wanted: str) -> None:
    assert action_of(action) == wanted
