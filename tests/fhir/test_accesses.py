"""The access log as AuditEvents: one for each row, with what the law names."""

import ast
import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import fhirkit
import pytest

from carebag_fhir.access_actions import ACTIONS
from carebag_fhir.accesses import access_bundle, access_lines
from carebag_fhir.json_text import encode
from carebag_server import guests
from carebag_server.guests import _DONE
from carebag_wire.api import AuditEvent
from carebag_wire.messages import CameraDo
from carebag_wire.records import RequestProgressed


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
        ("room_joined", "R"),
        ("visit_sent_to_kit", "R"),
        ("visit_exported", "R"),
        ("reading_stored", "C"),
        ("request_made", "C"),
        ("guest_invited", "C"),
        ("note_written", "C"),
        ("note_signed", "U"),
        ("reading_kept", "U"),
    ],
)
def test_what_was_done(head_of_visit: Any, action: str, wanted: str) -> None:
    event = access_bundle(head_of_visit(), [row(head_of_visit(), 1, action)])["entry"][1]["resource"]
    assert (event["action"], event["outcome"], "outcomeDesc" in event) == (wanted, "0", False)


@pytest.mark.parametrize(
    "action", ["record_conflict", "binding_differs", "filing_without_effect", "withdrawal_without_effect"]
)
def test_what_was_refused_is_no_success(head_of_visit: Any, action: str) -> None:
    event = access_bundle(head_of_visit(), [row(head_of_visit(), 1, action)])["entry"][1]["resource"]
    assert event["outcome"] == "4"
    assert event["outcomeDesc"]


def test_a_row_of_another_version_claims_nothing(head_of_visit: Any) -> None:
    event = access_bundle(head_of_visit(), [row(head_of_visit(), 1, "moved_by_magic")])["entry"][1]["resource"]
    assert (event["action"], "outcome" in event) == ("E", False)


NAMED_IN_CODE: dict[str, set[str]] = {
    "alarm or _action(record)": {
        *("unassigned", "binding_differs", "filing_without_effect", "withdrawal_without_effect"),
        *("reading_filed", "reading_taken_back", "reading_set_aside"),
        *(
            "question_put",
            "visit_opened",
            "visit_closed",
            "visit_taken_over",
            "visit_closed_for_another",
            "reading_withdrawn",
        ),
        *("page_locked", "page_unlocked", "page_pin_wrong"),
        *(f"request_{state}" for state in get_args(RequestProgressed.model_fields["state"].annotation)),
        *(f"{kind}_stored" for kind in ("reading", "sound_recorded", "photo_taken")),
    },
    "_DONE['show_examination']": {"guest_examination_on"},
    "action": {
        "access_judged",
        "access_read",
        "question_asked",
        "guest_joined",
        "guest_at_door",
        "guest_invited",
        "guest_came",
        *_DONE.values(),
    },
    "f'camera_{wanted.act}'": {f"camera_{act}" for act in get_args(CameraDo.model_fields["act"].annotation)},
    "f'{kind}_{said.decision}'": {f"{k}_{d}" for k in ("reading", "sound", "photo") for d in ("kept", "rejected")},
}
"""What the hub computes, by its expression. A new expression fails the test until what it can give is written here."""


def test_lines_are_events_one_in_each(head_of_visit: Any) -> None:
    head = head_of_visit()
    rows = [row(head, 1, "visit_read"), row(head, 2, "signed_in", patient_id=None, visit_id=None)]
    *lines, end = b"".join(access_lines(rows)).split(b"\n")
    assert (len(lines), end) == (2, b"")
    of_visit, of_none = (json.loads(line) for line in lines)
    alone = access_bundle(head, rows[:1])["entry"][-1]["resource"]
    assert {**of_visit, "entity": None} == {**json.loads(encode(alone)), "entity": None}
    assert of_visit["entity"][0]["what"]["reference"] == f"Patient/{head.patient.id}"
    assert head.patient.name not in lines[0].decode()
    assert [one["what"] for one in of_none["entity"] if "what" in one] == [
        {"identifier": {"value": "0123456789abcdef"}}
    ]
    assert (
        of_none["id"] != json.loads(next(access_lines([row(head, 2, "signed_in", visit_id=None, hash="0" * 64)])))["id"]
    )
    for line in lines:
        assert [str(fault) for fault in fhirkit.validate(line.decode())] == []


WITHOUT_A_VISIT = {
    *("audit_verified", "identity_proved", "nurse_at_kit", "passkey_added", "passkey_ended", "period_exported"),
    *("page_locked", "page_pin_wrong", "page_unlocked"),
    *("session_locked", "sessions_ended", "signed_in", "signed_out"),
    *("agreement_added", "agreement_ended", "commission_added", "commission_ended", "organization_added"),
    *("person_added", "person_corrected", "person_ended", "unit_added", "passkey_link_made", "passkeys_ended"),
    *("kit_code_made", "kit_enrolled", "kit_key_replaced", "kit_revoked"),
    *("patient_merged", "patient_registered", "patient_unmerged", "patients_listed"),
    *("block_lifted", "block_recorded", "blocks_listed", "identity_protected", "identity_protection_ended"),
    *("emergencies_read", "marked_reads_read", "moves_listed"),
    *("checkpoint_compared", "checkpoint_taken", "log_exported", "log_read", "minutes_signed", "patient_log_read"),
    *("quality_read", "questions_listed", "sample_drawn", "sample_read"),
    *("hold_lifted", "hold_placed", "log_pruned", "records_removed", "retention_set"),
    *("removal_proposed", "removal_approved"),
    *("maintenance_began", "maintenance_ended", "records_checked"),
}


def test_every_action_of_the_hub_is_in_the_table() -> None:
    """Found in the code: what an Act is made with, and what its functions call an action or a refusal."""
    constants, expressions = set(), set()
    for path in sorted(Path(guests.__file__).parent.rglob("*.py")):
        for said in _actions_in(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(said, ast.Constant):
                constants.add(said.value)
            else:
                expressions.add(ast.unparse(said))
    assert expressions - {"act.action", "row.action"} == set(NAMED_IN_CODE)
    assert constants | set().union(*NAMED_IN_CODE.values()) == set(ACTIONS) | WITHOUT_A_VISIT


def _actions_in(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "act_on":
                yield node.args[1]
            elif node.func.id in ("Act", "AuditRow", "AuditEvent"):
                yield from (keyword.value for keyword in node.keywords if keyword.arg == "action")
            elif node.func.id == "_say" and isinstance(node.args[-1], ast.Constant):
                yield node.args[-1]
        elif isinstance(node, ast.FunctionDef) and node.name in ("objection", "_visit_of"):
            yield from (
                one
                for one in ast.walk(ast.Module(body=node.body[1:], type_ignores=[]))
                if isinstance(one, ast.Constant) and isinstance(one.value, str) and re.fullmatch(_CODE, one.value)
            )


_CODE = r"unassigned|binding_differs|\w+_without_\w+"
