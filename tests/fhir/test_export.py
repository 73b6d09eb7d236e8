"""The Bundle of a made-up visit: the same bytes each time, nothing lost, nothing that looks like more than it is."""

import base64
import hashlib
import html
import json
import os
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import fhirkit
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_fhir.elements import CANONICAL
from carebag_fhir.export import visit_bundle
from carebag_fhir.json_text import decode, encode
from carebag_wire.base import PLAIN

GOLDEN = Path(__file__).parent / "golden_visit.ndjson"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def bundle(made_up: Any) -> Json:
    made: Json = decode(encode(visit_bundle(made_up)))
    return made


def resources(bundle: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def extension(one: Json, name: str) -> Any:
    return next((e for e in one.get("extension", []) if e["url"] == f"{CANONICAL}/StructureDefinition/{name}"), None)


def test_golden(made_up: Any) -> None:
    """Whoever changes the mapping sees it here, a resource a line. CAREBAG_WRITE_GOLDEN=1 writes the file anew."""
    made = visit_bundle(made_up)
    head = {name: value for name, value in made.items() if name != "entry"}
    lines = [encode(part) + b"\n" for part in (head, *made["entry"])]
    if os.environ.get("CAREBAG_WRITE_GOLDEN"):
        GOLDEN.write_bytes(b"".join(lines))
    assert GOLDEN.read_bytes().splitlines(keepends=True) == lines


def test_the_same_visit_gives_the_same_bytes(made_up: Any) -> None:
    """Who is in the room, and what the hub's clock says, is no part of it."""
    once = encode(visit_bundle(made_up))
    other = made_up.snapshot.model_copy(update={"kit_online": True})
    assert encode(visit_bundle(replace(made_up, snapshot=other))) == once


def test_all_kinds_are_there(bundle: Json) -> None:
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert kinds == {
        "Binary",
        "CarePlan",
        "Composition",
        "Consent",
        "Device",
        "DocumentReference",
        "Encounter",
        "Observation",
        "Organization",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Provenance",
        "RelatedPerson",
        "Questionnaire",
        "QuestionnaireResponse",
        "ServiceRequest",
    }


def test_every_reference_resolves_to_what_it_says(bundle: Json) -> None:
    assert broken_links(bundle) == []


def broken_links(bundle: Json) -> list[str]:
    kinds = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert len(kinds) == len(bundle["entry"])
    assert all(url == f"urn:uuid:{entry['resource']['id']}" for url, entry in zip(kinds, bundle["entry"], strict=True))
    return [r["reference"] for r in _references(bundle) if kinds.get(r["reference"]) != r.get("type")]


def _references(value: Any) -> list[Json]:
    if isinstance(value, list):
        return [found for inner in value for found in _references(inner)]
    if not isinstance(value, dict):
        return []
    own = [value] if isinstance(value.get("reference"), str) else []
    return own + [found for inner in value.values() for found in _references(inner)]


def test_the_statuses_say_what_was_decided(bundle: Json, made_up: Any) -> None:
    wanted = {"draft": "preliminary", "kept": "final", "rejected": "entered-in-error"}
    for view in made_up.snapshot.readings:
        assert {one["status"] for one in of_record(bundle, view.reading.id)} == {wanted[view.decision]}
        bound = view.reading.binding.visit_id is not None
        assert (of_record(bundle, view.reading.id)[0]["id"] == str(view.reading.id)) == bound
    assert [one["docStatus"] for one in resources(bundle, "DocumentReference")] == [
        "final",
        "preliminary",
        "preliminary",
    ]


def test_an_error_is_words_and_no_number(bundle: Json, made_up: Any) -> None:
    failed = next(view.reading for view in made_up.snapshot.readings if view.reading.problem)
    (one,) = [o for o in resources(bundle, "Observation") if o["id"] == str(failed.id)]
    assert "valueQuantity" not in json.dumps(one, default=str)
    for part in one["component"]:
        assert part["dataAbsentReason"]["text"] == "cuff too loose"
        assert [code["code"] for code in part["dataAbsentReason"]["coding"]] == ["error", "cuff_too_loose"]
    assert one["note"][-1]["text"] == "Rejected by Elena Ruiz: Manschetten satt löst & <fel>"


def test_less_than_five_stays_less_than_five(bundle: Json) -> None:
    (crp,) = [o for o in resources(bundle, "Observation") if o["code"]["text"] == "CRP"]
    told = {"value": 5, "comparator": "<", "unit": "mg/L", "system": "http://unitsofmeasure.org", "code": "mg/L"}
    assert crp["valueQuantity"] == told


def test_what_did_not_come_from_a_body_says_so_everywhere(bundle: Json) -> None:
    simulated = [o for o in resources(bundle, "Observation") if extension(o, "simulated")]
    assert {o["code"]["text"] for o in simulated} == {"Blood pressure", "Pulse", "Heart rate"}
    for one in [*simulated, *(d for d in resources(bundle, "Device") if extension(d, "simulated"))]:
        assert one["meta"]["security"][0]["code"] == "HTEST"
    real = [o for o in resources(bundle, "Observation") if not extension(o, "simulated")]
    assert not [one for one in real if "meta" in one]


def test_the_four_times_and_the_number_are_on_every_value(bundle: Json) -> None:
    for one in resources(bundle, "Observation"):
        times = {part["url"] for part in extension(one, "times")["extension"]}
        assert {"kitMonotonicNs", "kitUtc", "hubReceived"} <= times
        assert any(part["url"] == "kitSeq" for part in extension(one, "binding")["extension"])
    pressure = next(o for o in resources(bundle, "Observation") if o["status"] == "final")
    times = {part["url"]: list(part.values())[1] for part in extension(pressure, "times")["extension"]}
    assert times["device"] == "2026-11-23T10:34:58"
    assert str(times["deviceOffsetS"]) == "-3540.25"


def test_a_stored_value_has_the_time_of_its_instrument_or_none(bundle: Json) -> None:
    by_text = {o["code"]["text"]: o for o in resources(bundle, "Observation")}
    assert by_text["Body weight"]["effectiveDateTime"] == "2026-11-22T07:01:00+00:00"
    glucose = by_text["Glucose"]
    assert "effectiveDateTime" not in glucose
    assert glucose["_effectiveDateTime"]["extension"][0]["valueCode"] == "unknown"


@pytest.mark.parametrize(
    ("device", "uncertainty", "measured", "remembered"),
    [
        ("2026-11-23T10:02:00", 1.0, "2026-11-23T10:01:00+00:00", True),
        ("2026-11-23T11:30:40", 1.0, "2026-11-23T11:29:40+00:00", False),
        ("2026-11-23T11:30:40", 30.0, "2026-11-23T11:30:00+00:00", False),
        ("2026-11-23T10:02:00", None, "2026-11-23T10:01:00+00:00", True),
        ("2026-11-23T11:33:00", -1e300, "2026-11-23T11:30:00+00:00", False),
        ("2026-11-23T11:33:00", 1.0, "2026-11-23T11:30:00+00:00", False),
        ("2000-01-01T00:00:10", 1.0, "2026-11-23T11:30:00+00:00", False),
        ("2026-11-23T10:02:00Z", 1.0, "2026-11-23T11:30:00+00:00", False),
        (None, None, "2026-11-23T11:30:00+00:00", False),
    ],
)
def test_what_was_carried_within_its_visit_was_measured_when_its_instrument_says(
    made_up: Any, device: str | None, uncertainty: float | None, measured: str, remembered: bool
) -> None:
    """The kit calls a value live that surely belongs to the visit, also one that its instrument delivers later."""
    view = made_up.snapshot.readings[1]
    told = {"device": device, "device_offset_s": -60.0, "device_offset_uncertainty_s": uncertainty}
    arrived = datetime.fromisoformat("2026-11-23T11:30:00+00:00")
    times = view.reading.times.model_copy(update={**told, "kit_utc": arrived})
    late = view.model_copy(update={"reading": view.reading.model_copy(update={"times": times})})
    snapshot = made_up.snapshot.model_copy(update={"readings": [late], "sounds": []})
    for one in resources(visit_bundle(replace(made_up, snapshot=snapshot)), "Observation"):
        assert one["effectiveDateTime"] == measured
        assert ("From the instrument's memory." in [note["text"] for note in one["note"]]) == remembered


def test_a_sound_in_the_bundle_can_be_played_and_checked(bundle: Json, made_up: Any) -> None:
    sound = next(d for d in resources(bundle, "DocumentReference") if d["type"]["text"] == "Body sound")
    attachment = sound["content"][0]["attachment"]
    binary = next(b for b in resources(bundle, "Binary") if f"urn:uuid:{b['id']}" == attachment["url"])
    content = base64.b64decode(binary["data"])
    assert (len(content), content[:4], content[8:12]) == (attachment["size"], b"RIFF", b"WAVE")
    assert base64.b64encode(hashlib.sha1(content).digest()).decode() == attachment["hash"]
    assert hashlib.sha256(content[44:]).hexdigest() == attachment["extension"][0]["valueString"]
    gap = extension(sound, "gap")["extension"]
    assert [part["valueDecimal"] for part in gap] == [4, 2]


def test_what_is_not_inside_has_its_address(bundle: Json) -> None:
    photos = [d for d in resources(bundle, "DocumentReference") if d["type"]["text"] == "Photo"]
    for one in photos:
        attachment = one["content"][0]["attachment"]
        digest = attachment["extension"][0]["valueString"]
        assert attachment["url"].startswith("https://hub.example/api/media/")
        assert attachment["url"].endswith(f"/{digest}?as=doctor")
        assert "hash" not in attachment


def test_every_signature_can_be_checked_with_nothing_but_the_bundle(bundle: Json, made_up: Any) -> None:
    assert len(resources(bundle, "Provenance")) == len(made_up.records)
    assert all(signature_holds(bundle, one) for one in resources(bundle, "Provenance"))
    damaged = decode(encode(bundle))
    record = next(b for b in resources(damaged, "Binary") if b["contentType"] == "application/json")
    record["data"] = base64.b64encode(base64.b64decode(record["data"]).replace(b"2026", b"2027")).decode()
    assert not all(signature_holds(damaged, one) for one in resources(damaged, "Provenance"))


def signature_holds(bundle: Json, provenance: Json) -> bool:
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    (signature,) = provenance["signature"]
    key = extension(by_url[signature["who"]["reference"]], "kit-public-key")["valueBase64Binary"]
    text = by_url[provenance["entity"][0]["what"]["reference"]]["data"]
    try:
        verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
        verifier.verify(base64.b64decode(signature["data"]), base64.b64decode(text))
    except InvalidSignature:
        return False
    return True


def test_provenance_is_about_what_was_made_of_the_record(bundle: Json, made_up: Any) -> None:
    targets = {
        one["activity"]["coding"][0]["code"]: [target["type"] for target in one["target"]]
        for one in resources(bundle, "Provenance")
    }
    assert targets["visit_opened"] == targets["visit_closed"] == ["Encounter", "QuestionnaireResponse"]
    assert targets["request_progressed"] == ["ServiceRequest"]
    assert targets["sound_recorded"] == ["DocumentReference", "Observation"]
    assert targets["reading_withdrawn"] == ["Observation"]
    oximetry = next(view.reading for view in made_up.snapshot.readings if view.reading.kind == "oximetry")
    about = [p for p in resources(bundle, "Provenance") if f"urn:uuid:{oximetry.id}" in str(p["target"])]
    assert [len(p["target"]) for p in about] == [3]


def test_a_reading_filed_into_two_visits_is_a_thing_of_its_own_in_each(made_up: Any, head_of_visit: Any) -> None:
    """An importer that matches on ids or identifiers must not overwrite one patient's value with the other's."""
    right, other_id = visit_bundle(made_up), made_up.provider.id
    head = head_of_visit().model_copy(update={"id": other_id})
    wrong = visit_bundle(replace(made_up, snapshot=made_up.snapshot.model_copy(update={"visit": head})))
    filed = [view.reading.id for view in made_up.snapshot.readings if view.reading.binding.visit_id is None]
    for record in filed:
        parts = [of_record(made, record) for made in (right, wrong)]
        ids, names = ([{str(one[key]) for one in made} for made in parts] for key in ("id", "identifier"))
        assert len(ids[0]) == len(ids[1]) == len(parts[0]) > 0
        assert not ids[0] & ids[1]
        assert not names[0] & names[1]
        assert str(record) not in str(ids + names)
        about = [signed_about(made, mine) for made, mine in zip((right, wrong), parts, strict=True)]
        assert len(about[0]) == len(about[1]) > 0
        assert not set(about[0]) & set(about[1])


def test_a_sound_or_photo_that_was_moved_is_a_thing_of_its_own_in_each(made_up: Any, head_of_visit: Any) -> None:
    here = visit_bundle(made_up)
    head = head_of_visit().model_copy(update={"id": made_up.provider.id})
    there = visit_bundle(replace(made_up, snapshot=made_up.snapshot.model_copy(update={"visit": head})))
    for kind in ("DocumentReference", "Binary", "Provenance"):
        ids = [{one["id"] for one in resources(made, kind)} for made in (here, there)]
        assert len(ids[0]) == len(ids[1]) > 0
        if kind == "DocumentReference":
            assert not ids[0] & ids[1]
    urls = [{entry["fullUrl"] for entry in made["entry"]} for made in (here, there)]
    for made, known in zip((here, there), urls, strict=True):
        for one in resources(made, "DocumentReference"):
            url = one["content"][0]["attachment"]["url"]
            assert url in known or url.startswith("http")


def of_record(bundle: Json, record: Any) -> list[Json]:
    told = [(one, extension(one, "reading")) for one in resources(bundle, "Observation")]
    return [one for one, group in told if group and group["extension"][0].get("valueUri") == f"urn:uuid:{record}"]


def signed_about(bundle: Json, parts: list[Json]) -> list[str]:
    """Ids of the reading's own Provenance and of the Binary with what was signed."""
    urls = {f"urn:uuid:{one['id']}" for one in parts}
    about = [
        one
        for one in resources(bundle, "Provenance")
        if {target["reference"] for target in one["target"]} == urls
        and one["activity"]["coding"][0]["code"] == "reading"
    ]
    return [text for one in about for text in (one["id"], one["entity"][0]["what"]["reference"])]


def test_the_note_is_attested_and_the_newer_replaces(bundle: Json, made_up: Any) -> None:
    first, second = resources(bundle, "Composition")
    assert (first["status"], second["status"]) == ("final", "amended")
    assert second["relatesTo"][0]["targetReference"]["reference"] == f"urn:uuid:{first['id']}"
    assert [plan["status"] for plan in resources(bundle, "CarePlan")] == ["revoked", "active"]
    assert first["attester"][0]["party"]["display"] == "Elena Ruiz"
    text = re.sub("<[^>]*>", "", first["section"][0]["text"]["div"].replace("<br/>", "\n"))
    assert html.unescape(text) == made_up.snapshot.notes[0].assessment


def test_an_instrument_with_new_firmware_is_another_device(made_up: Any) -> None:
    """What measured the earlier value stays what it was."""
    first = made_up.snapshot.readings[0]
    newer = first.reading.device.model_copy(update={"firmware": "2.0"})
    reading = first.reading.model_copy(update={"device": newer, "id": made_up.snapshot.visit.id})
    readings = [first, first.model_copy(update={"reading": reading})]
    snapshot = made_up.snapshot.model_copy(update={"readings": readings, "sounds": []})
    devices = resources(visit_bundle(replace(made_up, snapshot=snapshot)), "Device")
    assert [one["version"][0]["value"] for one in devices if "version" in one] == ["1.0", "2.0"]
    assert len({one["id"] for one in devices}) == 3


def test_a_draft_note_is_nobodys_business(made_up: Any) -> None:
    note = made_up.snapshot.notes[0].model_copy(update={"state": "draft", "plan": "hemligt utkast"})
    export = replace(made_up, snapshot=made_up.snapshot.model_copy(update={"notes": [note]}))
    assert b"hemligt" not in encode(visit_bundle(export))


def test_requests_answered_and_not(bundle: Json) -> None:
    asked = {one["code"]["text"]: one for one in resources(bundle, "ServiceRequest") if "replaces" not in one}
    assert {kind: one["status"] for kind, one in asked.items()} == {
        "blood pressure": "completed",
        "listen": "active",
        "crp": "completed",
        "photo": "revoked",
    }
    answers = [o for o in resources(bundle, "Observation") if o.get("basedOn")]
    assert {o["code"]["text"] for o in answers} == {"Blood pressure", "Pulse", "CRP", "Heart rate"}


def test_a_visit_with_nothing_in_it(made_up: Any, head_of_visit: Any) -> None:
    """Planned, without a nurse: what is not known is left out."""
    head = head_of_visit(state="planned", nurse=None, opened_at=None, closed_at=None, doctor_joined_at=None)
    empty = {"requests": [], "readings": [], "sounds": [], "photos": [], "notes": [], "guests": []}
    snapshot = made_up.snapshot.model_copy(update={"visit": head, **empty})
    bundle = visit_bundle(replace(made_up, snapshot=snapshot, records=[], people=[], media={}, kit_public_key=b""))
    (encounter,) = resources(bundle, "Encounter")
    assert (encounter["status"], "period" in encounter) == ("planned", False)
    assert broken_links(bundle) == []


def test_times_keep_their_zone(made_up: Any, head_of_visit: Any) -> None:
    for hours, wanted in ((2, "2026-11-23T11:00:00+02:00"), (-15, "2026-11-24T02:00:00+00:00")):
        at = datetime(2026, 11, 23, 11, tzinfo=timezone(timedelta(hours=hours)))
        snapshot = made_up.snapshot.model_copy(update={"visit": head_of_visit(opened_at=at)})
        (encounter,) = resources(visit_bundle(replace(made_up, snapshot=snapshot)), "Encounter")
        assert encounter["period"]["start"] == wanted


def test_a_pressure_in_kilopascal_claims_no_profile(made_up: Any) -> None:
    view = next(view for view in made_up.snapshot.readings if len(view.reading.quantities) == 4)
    in_kpa = [one.model_copy(update={"unit": "kPa"}) for one in view.reading.quantities[:2]]
    other = view.model_copy(update={"reading": view.reading.model_copy(update={"quantities": in_kpa})})
    snapshot = made_up.snapshot.model_copy(update={"readings": [other], "sounds": []})
    (one,) = resources(visit_bundle(replace(made_up, snapshot=snapshot)), "Observation")
    assert "loinc" not in str(one)
    assert [part["valueQuantity"]["unit"] for part in one["component"]] == ["kPa", "kPa"]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20).filter(lambda text: re.match(PLAIN, text))


@settings(max_examples=30, deadline=None)
@given(text=TEXTS)
def test_any_text_gives_a_bundle_that_can_be_read(made_up: Any, head_of_visit: Any, text: str) -> None:
    """Markup, control characters, nothing but blanks: kept as text or left out, never a fault of the file."""
    head = head_of_visit(reason=text, background=text, kit_name=text)
    head = head.model_copy(update={"patient": head.patient.model_copy(update={"name": text, "place": text})})
    told = made_up.snapshot
    update: Json = {
        "visit": head,
        "notes": [note.model_copy(update={"assessment": text, "plan": text, "author": text}) for note in told.notes],
        "requests": [one.model_copy(update={"note": text, "asked_by": text}) for one in told.requests],
        "guests": [one.model_copy(update={"said_name": text}) for one in told.guests],
        "readings": [one.model_copy(update={"reason": text, "decided_by": text}) for one in told.readings],
    }
    written = encode(visit_bundle(replace(made_up, snapshot=told.model_copy(update=update))))
    assert [str(issue) for issue in fhirkit.validate(written.decode()) if issue.severity == "error"] == []
    divs = [s["text"]["div"] for c in resources(decode(written), "Composition") for s in c.get("section", [])]
    for div in divs:
        assert {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(div).iter()} <= {"div", "p", "br"}
