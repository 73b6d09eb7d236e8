"""A period's Bundle: exactly the visits' own Bundles, with what they share once."""

import re
import uuid
from dataclasses import replace
from datetime import date
from typing import Any

import fhirkit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carebag_fhir.export import visit_bundle
from carebag_fhir.json_text import decode, encode
from carebag_fhir.period import period_bundle
from carebag_fhir.read import readings_in
from carebag_fhir.visit_export import CareProvider, StoredRecord, VisitExport
from carebag_wire.records import SignedRecord, payload_sha256, record_adapter
from carebag_wire.visit import VisitSnapshot

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHARED = {"Device", "Organization", "Patient", "Practitioner", "PractitionerRole", "Questionnaire"}
Json = dict[str, Any]


def again(export: VisitExport, number: int) -> VisitExport:
    """The same as another visit: other ids, but of the patient, the people and the kit."""
    visit = export.snapshot.visit
    people = [visit.nurse, *export.people]
    stay = {
        visit.patient.id,
        visit.kit_id,
        *(i for one in people if one for i in (one.practitioner_id, one.commission_id)),
    }

    def other(text: str) -> str:
        return _UUID.sub(
            lambda m: m[0] if uuid.UUID(m[0]) in stay else str(uuid.uuid5(uuid.UUID(m[0]), str(number))), text
        )

    def record(one: StoredRecord) -> StoredRecord:
        payload = other(one.signed.payload)
        signed = SignedRecord(payload=payload, sha256=payload_sha256(payload), signature=one.signed.signature)
        return StoredRecord(signed=signed, record=record_adapter.validate_json(payload), received_at=one.received_at)

    return replace(
        export,
        snapshot=VisitSnapshot.model_validate_json(other(export.snapshot.model_dump_json())),
        records=[record(one) for one in export.records],
        note_authors={uuid.UUID(other(str(note))): author for note, author in export.note_authors.items()},
    )


def without(export: VisitExport, kept: list[bool]) -> VisitExport:
    """Some of its readings, and what the flags beyond them say of the rest."""
    readings = [one for one, stays in zip(export.snapshot.readings, kept, strict=False) if stays]
    told: Json = {"readings": readings}
    for name, stays in zip(("sounds", "photos", "notes", "guests"), kept[7:], strict=True):
        told |= {} if stays else {name: []}
    return replace(export, snapshot=export.snapshot.model_copy(update=told))


def by_id(bundle: Json) -> dict[str, Json]:
    return {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}


def links(value: Any) -> list[Json]:
    if isinstance(value, list):
        return [found for inner in value for found in links(inner)]
    if not isinstance(value, dict):
        return []
    return ([value] if "reference" in value and "type" in value else []) + links(list(value.values()))


KEPT = st.lists(st.booleans(), min_size=11, max_size=11)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visits=st.lists(KEPT, max_size=4))
def test_a_period_is_the_union_of_its_visits(made_up: VisitExport, visits: list[list[bool]]) -> None:
    exports = [without(again(made_up, number), kept) for number, kept in enumerate(visits)]
    patient = made_up.snapshot.visit.patient
    whole = decode(encode(period_bundle(patient, FIRST, LAST, exports)))
    alone = [by_id(decode(encode(visit_bundle(export)))) for export in exports]
    union = {url: one for bundle in alone for url, one in bundle.items()}
    told = by_id(whole)
    assert len(told) == len(whole["entry"])
    if exports:
        assert told == union
    assert {one["resourceType"] for one in told.values()} >= {"Patient"}
    assert all(told[one["reference"]]["resourceType"] == one["type"] for one in links(whole["entry"]))
    seen = [url for bundle in alone for url, one in bundle.items() if one["resourceType"] not in SHARED]
    assert len(seen) == len(set(seen))
    back = readings_in(whole)
    assert [one.view for one in back] == [one.view for export in alone for one in readings_in(whole_of(export))]


def whole_of(resources: dict[str, Json]) -> Json:
    return {"entry": [{"fullUrl": url, "resource": one} for url, one in resources.items()]}


def test_shared_things_are_there_once(made_up: VisitExport) -> None:
    exports = [made_up, again(made_up, 1), again(made_up, 2)]
    whole = period_bundle(made_up.snapshot.visit.patient, FIRST, LAST, exports)
    count = {kind: sum(entry["resource"]["resourceType"] == kind for entry in whole["entry"]) for kind in SHARED}
    once = {
        kind: sum(entry["resource"]["resourceType"] == kind for entry in visit_bundle(made_up)["entry"])
        for kind in SHARED
    }
    assert count == once
    assert sum(entry["resource"]["resourceType"] == "Encounter" for entry in whole["entry"]) == 3
    assert whole["identifier"]["value"] == f"{made_up.snapshot.visit.patient.id}/2026-11-01/2026-11-30"


def test_the_judge_finds_nothing(made_up: VisitExport) -> None:
    whole = period_bundle(made_up.snapshot.visit.patient, FIRST, LAST, [made_up, again(made_up, 1)])
    assert [str(i) for i in fhirkit.validate(encode(whole).decode()) if i.severity == "error"] == []
    empty = period_bundle(made_up.snapshot.visit.patient, FIRST, LAST, [])
    assert [entry["resource"]["resourceType"] for entry in empty["entry"]] == ["Patient"]
    assert [str(i) for i in fhirkit.validate(encode(empty).decode()) if i.severity == "error"] == []


def test_a_kit_that_changed_hands_is_its_last_owners(made_up: VisitExport) -> None:
    later = replace(again(made_up, 1), provider=CareProvider(id=uuid.UUID(int=7), name="Sundsvalls kommun"))
    told = by_id(period_bundle(made_up.snapshot.visit.patient, FIRST, LAST, [made_up, later]))
    kit = told[f"urn:uuid:{made_up.snapshot.visit.kit_id}"]
    assert kit["owner"]["display"] == "Sundsvalls kommun"
    assert told[kit["owner"]["reference"]]["name"] == "Sundsvalls kommun"


def test_nobody_elses_visit(made_up: VisitExport, head_of_visit: Any) -> None:
    other = head_of_visit().patient.model_copy(update={"id": uuid.UUID(int=5)})
    with pytest.raises(ValueError, match="another patient"):
        period_bundle(other, FIRST, LAST, [made_up])
