"""NEWS2 and what a nurse observes leave as Observations, and come back equal."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from carebag_fhir.export import visit_bundle
from carebag_fhir.json_text import decode, encode
from carebag_fhir.read import NotReadable, early_warning_in, readings_in
from carebag_fhir.visit_export import VisitExport
from carebag_scores.early_warning import Scored, score_of, with_early_warning

Json = dict[str, Any]


@pytest.fixture(scope="module")
def bundle(scored: VisitExport) -> Json:
    made: Json = decode(encode(visit_bundle(scored)))
    return made


def observation(bundle: Json, text: str) -> Json:
    found = [one for one in resources(bundle) if one["resourceType"] == "Observation" and one["code"]["text"] == text]
    (one,) = found
    return one


def resources(bundle: Json) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"]]


def codes(concept: Json) -> set[tuple[str, str]]:
    return {(code["system"].rsplit("/", 1)[-1], code["code"]) for code in concept["coding"]}


def test_breaths_consciousness_and_oxygen_have_the_codes_hospitals_look_for(bundle: Json) -> None:
    breaths = observation(bundle, "Respiratory rate")
    assert ("loinc.org", "9279-1") in codes(breaths["code"])
    assert breaths["valueQuantity"]["code"] == "/min"
    assert breaths["method"]["text"] == "Counted by the nurse for 30 s"
    assert "device" not in breaths
    awake = observation(bundle, "Level of consciousness (ACVPU)")
    assert ("loinc.org", "80288-4") in codes(awake["code"])
    assert {("sct", "130987000"), ("consciousness", "C")} == codes(awake["valueCodeableConcept"])
    oxygen = observation(bundle, "Supplemental oxygen")
    assert {("sct", "371825009"), ("oxygen", "oxygen")} == codes(oxygen["valueCodeableConcept"])
    flow = observation(bundle, "Inhaled oxygen flow rate")
    assert (str(flow["valueQuantity"]["value"]), flow["valueQuantity"]["code"]) == ("2.5", "L/min")
    assert flow["identifier"] == oxygen["identifier"]


def test_every_number_has_the_unit_of_its_code(bundle: Json, wrong_units: Any, quantities: Any) -> None:
    assert wrong_units(bundle) == []
    assert len(quantities(bundle)) == 15


def test_the_score_is_never_the_code_of_mobility(bundle: Json) -> None:
    score = observation(bundle, "NEWS2")
    assert codes(score["code"]) == {("sct", "1104051000000101"), ("score", "news2")}
    assert "88330-6" not in encode(bundle).decode()


def test_the_score_names_its_sources_and_every_part(bundle: Json) -> None:
    score = observation(bundle, "NEWS2")
    by_id = {f"urn:uuid:{one['id']}": one for one in resources(bundle)}
    texts = {by_id[one["reference"]]["code"]["text"] for one in score["derivedFrom"]}
    wanted = {"Respiratory rate", "Oxygen saturation", "Supplemental oxygen", "Blood pressure", "Pulse"}
    assert texts == wanted | {"Level of consciousness (ACVPU)", "Body temperature"}
    # 24 breaths, 97 % of scale 2 on oxygen, oxygen, 128.5 mmHg, pulse 71, new confusion, 38.6 degrees
    parts = [one["valueInteger"] for one in score["component"] if "valueInteger" in one]
    assert parts == [2, 3, 2, 0, 0, 3, 1, 2]
    assert (score["valueInteger"], score["status"]) == (11, "preliminary")
    assert "A single parameter scores 3: spo2, consciousness" in [one["text"] for one in score["note"]]


def test_what_is_read_back_is_equal(scored: VisitExport, bundle: Json) -> None:
    back = early_warning_in(bundle)
    assert back is not None
    snapshot = scored.snapshot
    assert list(back.premises) == snapshot.premises
    readings = [one.view for one in readings_in(bundle)]
    assert {view.reading.id: view.reading.seen for view in readings} == {
        view.reading.id: view.reading.seen for view in snapshot.readings
    }
    again = score_of(Scored.of(snapshot.visit), readings, back.premises)
    assert again == snapshot.news2
    assert (back.total, back.scale, back.risk) == (again.total, again.scale, again.risk)
    assert back.points == {part.parameter: part.points for part in again.parts}


@pytest.mark.parametrize("text", ["Respiratory rate", "Level of consciousness (ACVPU)", "Supplemental oxygen"])
def test_without_a_value_there_is_no_total_and_the_reason_is_in_words(scored: VisitExport, text: str) -> None:
    kind = {"R": "respiration", "L": "consciousness", "S": "oxygen"}[text[0]]
    left = [view for view in scored.snapshot.readings if view.reading.kind != kind]
    snapshot = with_early_warning(scored.snapshot.model_copy(update={"readings": left}))
    score = observation(visit_bundle(replace(scored, snapshot=snapshot)), "NEWS2")
    assert "valueInteger" not in score
    assert f"{kind} missing" in score["dataAbsentReason"]["text"]
    part = next(one for one in score["component"] if one["code"]["coding"][0]["code"] == kind)
    assert "valueInteger" not in part


def test_nobody_set_out_to_have_it(made_up: VisitExport) -> None:
    snapshot = with_early_warning(made_up.snapshot)
    assert early_warning_in(visit_bundle(replace(made_up, snapshot=snapshot))) is None


def test_switched_off_it_is_not_there(scored: VisitExport) -> None:
    off = replace(scored, snapshot=scored.snapshot.model_copy(update={"news2": None}))
    assert early_warning_in(visit_bundle(off)) is None


@pytest.mark.parametrize("damage", ["total", "part", "source", "consciousness"])
def test_what_disagrees_with_itself_is_refused(bundle: Json, damage: str) -> None:
    spoilt = copy.deepcopy(bundle)
    score = observation(spoilt, "NEWS2")
    if damage == "total":
        score["valueInteger"] = 10
    elif damage == "part":
        del score["component"][0]
    elif damage == "source":
        score["derivedFrom"][0]["reference"] = "urn:uuid:00000000-0000-0000-0000-000000000000"
    else:
        value = observation(spoilt, "Level of consciousness (ACVPU)")["valueCodeableConcept"]
        value["coding"][1]["code"] = "A"
    with pytest.raises(NotReadable):
        (readings_in if damage == "consciousness" else early_warning_in)(spoilt)
