"""Engines that share no code with us judge the export: `fhirkit` always, two of npm where they are installed.

The two need Node and about 110 MB: `make fhir-judges`, or CAREBAG_FHIR_JUDGES=FOLDER with `node_modules` in it. Planted
faults show that the judges look; the table of `test_codes.py` is the judge for units, which no engine sees.
"""

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fhirkit
import pytest

from carebag_fhir.accesses import access_bundle, access_lines, patient_lines
from carebag_fhir.export import visit_bundle
from carebag_fhir.json_text import decode, encode
from carebag_fhir.period import period_bundle
from carebag_wire.api import AuditEvent

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
JUDGES = Path(os.environ.get("CAREBAG_FHIR_JUDGES", ROOT / ".fhir-judges"))


def fhirkit_findings(bundle: Json) -> list[str]:
    return [str(issue) for issue in fhirkit.validate(encode(bundle).decode()) if issue.severity == "error"]


def npm_findings(bundles: list[Json]) -> list[list[str]]:
    command = ["node", Path(__file__).with_name("judge.cjs"), JUDGES]
    answer = subprocess.run(command, input=b"[%s]" % b",".join(map(encode, bundles)), capture_output=True, check=True)
    found: list[list[str]] = json.loads(answer.stdout)
    return found


def broken_links(bundle: Json) -> list[str]:
    """References that resolve to nothing, or to something else than they say: our own check, as units are."""
    kinds = {entry.get("fullUrl"): entry["resource"].get("resourceType") for entry in bundle["entry"]}
    return [r["reference"] for r in _references(bundle) if kinds.get(r["reference"]) != r.get("type")]


def _references(value: Any) -> list[Json]:
    if isinstance(value, list):
        return [found for inner in value for found in _references(inner)]
    if not isinstance(value, dict):
        return []
    own = [value] if isinstance(value.get("reference"), str) else []
    return own + [found for inner in value.values() for found in _references(inner)]


@pytest.fixture(scope="module")
def bundle(made_up: Any) -> Json:
    made: Json = decode(encode(visit_bundle(made_up)))
    return made


@pytest.fixture(scope="module")
def with_score(scored: Any) -> Json:
    made: Json = decode(encode(visit_bundle(scored)))
    return made


@pytest.fixture(scope="module")
def period(made_up: Any) -> Json:
    """`test_period.py` shows that one of several visits is these same resources."""
    day = made_up.snapshot.visit.opened_at.date()
    made: Json = decode(encode(period_bundle(made_up.snapshot.visit.patient, day, day, [made_up])))
    return made


@pytest.fixture(scope="module")
def log(head_of_visit: Any) -> Json:
    head = head_of_visit()
    told = {"object": f"visit {head.id}", "practitioner": "Elena Ruiz", "role": "doctor", "care_unit": "u"}
    told |= {"organization": "o", "purpose": "care", "origin": "127.0.0.1", "request_ref": "r", "hash": "0" * 64}
    row = {"seq": 1, "at": datetime(2026, 11, 23, tzinfo=UTC), "action": "visit_read"}
    event = AuditEvent.model_validate({**row, **told, "patient_id": head.patient.id, "visit_id": head.id})
    return access_bundle(head, [event])


@pytest.fixture(scope="module")
def lines(head_of_visit: Any) -> Json:
    """Of a period: rows of a visit and of none, as the lines of a file say them, in a Bundle for the judges."""
    head = head_of_visit()
    told = {"object": "visits 3", "practitioner": "Karin Berg", "role": "reviewer", "care_unit": "MAS"}
    told |= {"organization": "o", "purpose": "review", "origin": "127.0.0.1", "request_ref": "r", "hash": "0" * 64}
    ids = {"patient_id": head.patient.id, "visit_id": head.id}
    rows = [
        {"seq": 1, "action": "visit_read", **ids},
        {"seq": 2, "action": "patient_log_read", "patient_id": head.patient.id, "visit_id": None},
        {"seq": 3, "action": "log_pruned", "patient_id": None, "visit_id": None},
    ]
    at = datetime(2026, 11, 23, tzinfo=UTC)
    events = [AuditEvent.model_validate({"at": at, **told, **row}) for row in rows]
    resources = [decode(line) for line in (*access_lines(events), *patient_lines([head.patient]))]
    entries = [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


needs_npm_judges = pytest.mark.skipif(
    shutil.which("node") is None or not (JUDGES / "node_modules" / "@medplum" / "core").is_dir(),
    reason="the npm judges are not installed: make fhir-judges",
)


def test_fhirkit_finds_nothing(bundle: Json, log: Json, period: Json, with_score: Json, lines: Json) -> None:
    assert fhirkit_findings(bundle) == []
    assert fhirkit_findings(with_score) == []
    assert broken_links(with_score) == []
    assert fhirkit_findings(period) == []
    assert broken_links(period) == []
    assert fhirkit_findings(log) == []
    assert fhirkit_findings(lines) == []


@needs_npm_judges
def test_the_npm_judges_find_nothing(bundle: Json, log: Json, period: Json, with_score: Json, lines: Json) -> None:
    assert npm_findings([bundle, log, period, with_score, lines]) == [[], [], [], [], []]


# Planted faults. Each is a function that spoils one resource of the Bundle; False: there was nothing to spoil.

Spoil = Callable[[Json], bool]


def without(field: str) -> Spoil:
    return lambda one: one.pop(field, None) is not None


def instead(field: str, value: Any) -> Spoil:
    def spoil(one: Json) -> bool:
        there = field in one
        one[field] = value if there else one.get(field)
        return there

    return spoil


def added(field: str, value: Any) -> Spoil:
    def spoil(one: Json) -> bool:
        one[field] = value
        return True

    return spoil


def in_first(field: str, spoil: Spoil) -> Spoil:
    """Within the first object of a list, or the object itself."""

    def inner(one: Json) -> bool:
        value = one.get(field)
        value = value[0] if isinstance(value, list) and value else value
        return isinstance(value, dict) and spoil(value)

    return inner


REQUIRED = {
    "AuditEvent": ["type", "recorded", "agent", "source"],
    "Binary": ["contentType"],
    "CarePlan": ["status", "intent", "subject"],
    "Composition": ["status", "type", "date", "author", "title"],
    "Consent": ["status", "scope", "category"],
    "DocumentReference": ["status", "content"],
    "Encounter": ["status", "class"],
    "Observation": ["status", "code"],
    "Provenance": ["target", "recorded", "agent"],
    "Questionnaire": ["status"],
    "QuestionnaireResponse": ["status"],
    "RelatedPerson": ["patient"],
    "ServiceRequest": ["status", "intent", "subject"],
}
TIMES = {
    "AuditEvent": "recorded",
    "CarePlan": "created",
    "Composition": "date",
    "Consent": "dateTime",
    "DocumentReference": "date",
    "Observation": "issued",
    "Patient": "birthDate",
    "Provenance": "recorded",
    "QuestionnaireResponse": "authored",
    "ServiceRequest": "authoredOn",
}
LINKS = {
    "CarePlan": "encounter",
    "Composition": "subject",
    "Consent": "patient",
    "DocumentReference": "subject",
    "Encounter": "serviceProvider",
    "Observation": "device",
    "PractitionerRole": "practitioner",
    "Provenance": "target",
    "QuestionnaireResponse": "encounter",
    "RelatedPerson": "patient",
    "ServiceRequest": "subject",
}
BOUND = {
    "CarePlan": ["status", "intent"],
    "Composition": ["status"],
    "Consent": ["status"],
    "DocumentReference": ["status", "docStatus"],
    "Encounter": ["status"],
    "Observation": ["status"],
    "Questionnaire": ["status"],
    "QuestionnaireResponse": ["status"],
    "ServiceRequest": ["status", "intent"],
}
KINDS = sorted({*REQUIRED, "Device", "Organization", "Patient", "Practitioner", "PractitionerRole"})
VITAL = ("category", "subject", "effectiveDateTime", "valueQuantity", "component")


def planted() -> Iterator[tuple[str, str, Spoil]]:
    """Name, kind of resource, fault."""
    for kind in KINDS:
        for field in REQUIRED.get(kind, ()):
            yield f"no {field}", kind, without(field)
        yield "unknown field", kind, added("colour", "blue")
        yield "empty text", kind, added("language", "")
        yield "empty list", kind, added("extension", [])
        yield "list for a text", kind, added("implicitRules", ["a"])
        for field in BOUND.get(kind, ()):
            yield f"{field} of no value set", kind, instead(field, "finall")
        if kind in TIMES:
            for wrong in ("2026-11-31T25:00:00Z", "yesterday", "23/11/2026"):
                yield f"{TIMES[kind]} {wrong}", kind, instead(TIMES[kind], wrong)
        if kind in LINKS:
            target = f"urn:uuid:{'0' * 8}-0000-4000-8000-{'0' * 12}"
            yield "link to nothing", kind, in_first(LINKS[kind], instead("reference", target))
            yield "link to another kind", kind, in_first(LINKS[kind], instead("type", "Medication"))
    for name, spoil in (
        ("number as text", instead("value", "5")),
        ("comparator of no value set", added("comparator", "less")),
        ("wrong unit", instead("code", "mmHg")),
        ("other unit", instead("code", "mmol/mL")),
    ):
        yield name, "Observation of a value", in_first("valueQuantity", spoil)
        yield name, "Observation of pressures", in_first("component", in_first("valueQuantity", spoil))
    for field in VITAL:
        yield f"vital sign without {field}", "Observation of a value", without(field)
        yield f"vital sign without {field}", "Observation of pressures", without(field)
    yield "component without code", "Observation of pressures", in_first("component", without("code"))
    for field, wrong in (("entryType", "of no value set"), ("issuer", ["a"]), ("carrierHRF", 7)):
        yield f"{field} {wrong}", "Device with UDI", in_first("udiCarrier", instead(field, wrong))
    for field in ("manufactureDate", "expirationDate"):
        yield f"{field} of GS1", "Device with UDI", added(field, "141120")
    yield "question without type", "Questionnaire", in_first("item", without("type"))
    yield "type of no value set", "Questionnaire", in_first("item", instead("type", "chooice"))
    yield "question without link", "Questionnaire", in_first("item", without("linkId"))
    yield "answer without question", "QuestionnaireResponse", in_first("item", without("linkId"))
    yield "answer as text", "QuestionnaireResponse", in_first("item", added("answer", "yes"))
    yield "two values", "QuestionnaireResponse", in_first("item", in_first("answer", added("valueString", "yes")))
    yield "size as text", "DocumentReference", in_first("content", in_first("attachment", instead("size", "108")))


def belongs(kind: str, one: Json) -> bool:
    if kind == "Observation of a value":
        return "2708-6" in str(one.get("code")) and "valueQuantity" in one
    if kind == "Observation of pressures":
        return "component" in one and "valueQuantity" in one["component"][0]
    if kind == "Device with UDI":
        return "udiCarrier" in one
    return bool(one["resourceType"] == kind)


@dataclass(frozen=True)
class Spoilt:
    name: str
    whole: Json
    alone: Json
    """A Bundle of the spoilt resource only: engines are slow, and look at each resource by itself."""


def spoilt(bundle: Json, log: Json) -> Iterator[Spoilt]:
    """Every fault planted once, in the first resource that can have it."""
    for name, kind, spoil in planted():
        whole = copy.deepcopy(log if kind == "AuditEvent" else bundle)
        for entry in whole["entry"]:
            if belongs(kind, entry["resource"]) and spoil(entry["resource"]):
                yield Spoilt(f"{kind}: {name}", whole, {**whole, "entry": [entry]})
                break


Units = Callable[[Json], list[str]]


def unseen(one: Spoilt, wrong_units: Units) -> bool:
    """By fhirkit, and by our own checks of links and units."""
    return not fhirkit_findings(one.alone) and not broken_links(one.whole) and not wrong_units(one.whole)


def test_fhirkit_and_our_own_checks_see_what_is_out_of_shape(bundle: Json, log: Json, wrong_units: Units) -> None:
    """Without the npm judges: bindings and profiles are theirs."""
    missed = [one.name for one in spoilt(bundle, log) if unseen(one, wrong_units)]
    assert not [name for name in missed if "of no value set" not in name and "vital sign" not in name]


@needs_npm_judges
def test_all_judges_together_see_nearly_all(bundle: Json, log: Json, wrong_units: Units) -> None:
    faults = list(spoilt(bundle, log))
    by_npm = npm_findings([one.alone for one in faults])
    missed = [one.name for one, found in zip(faults, by_npm, strict=True) if not found and unseen(one, wrong_units)]
    print(f"{len(faults)} faults planted, {len(missed)} missed {missed}")
    assert len(faults) > 150
    assert len(missed) <= len(faults) // 100, missed
