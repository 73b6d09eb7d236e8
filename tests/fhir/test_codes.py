"""No number leaves with a code of another unit: an own table, because no FHIR engine looks."""

from decimal import Decimal
from typing import Any, get_args

import pytest

from carebag_fhir.codes import MEANINGS, code_of
from carebag_fhir.export import visit_bundle
from carebag_wire.values import QuantityName

NEVER = {"76485-2", "76486-0", "88330-6", "41653-7"}
"""CRP in moles, mobility, glucose in mg/dL: seen elsewhere, wrong for what Carebag measures."""


def test_every_number_of_the_visit_has_the_unit_of_its_code(made_up: Any, wrong_units: Any, quantities: Any) -> None:
    bundle = visit_bundle(made_up)
    assert len(quantities(bundle)) == 12
    assert wrong_units(bundle) == []


@pytest.mark.parametrize("name", get_args(QuantityName))
@pytest.mark.parametrize(
    "flags", [[], ["site_mouth", "site_tympanum"], ["sample_venous_plasma"], ["sample_interstitial_fluid"]]
)
def test_every_quantity_has_codes_of_the_table(
    name: QuantityName, flags: list[str], expected_units: dict[str, str]
) -> None:
    codes = code_of(name, MEANINGS[name].unit, "oximetry", flags)["coding"]
    loinc = {code["code"] for code in codes if code["system"] == "http://loinc.org"}
    assert {expected_units[code] for code in loinc} <= {MEANINGS[name].unit}
    assert not loinc & NEVER
    assert codes[-1]["code"] == name


@pytest.mark.parametrize("name", get_args(QuantityName))
def test_in_another_unit_a_number_has_no_code_of_loinc(name: QuantityName) -> None:
    codes = code_of(name, "mg/dL", "glucose", [])["coding"]
    assert [code["system"].rsplit("/", 1)[-1] for code in codes] == ["quantity"]


def test_the_codes_hospitals_look_for() -> None:
    pulse = {code["code"] for code in code_of("pulse", "/min", "oximetry", [])["coding"]}
    assert {"8867-4", "8889-8"} <= pulse
    by_cuff = {code["code"] for code in code_of("pulse", "/min", "blood_pressure", [])["coding"]}
    assert "8889-8" not in by_cuff
    assert {"2708-6", "59408-5"} <= {code["code"] for code in code_of("spo2", "%", "oximetry", [])["coding"]}
    fingertip = code_of("glucose", "mmol/L", "glucose", ["sample_capillary_whole_blood"])["coding"]
    assert {"15074-8", "14743-9"} <= {code["code"] for code in fingertip}
    plasma = code_of("glucose", "mmol/L", "glucose", ["sample_venous_plasma"])["coding"]
    assert [code["code"] for code in plasma] == ["14749-6", "glucose"]


def test_a_wrong_unit_would_be_seen(made_up: Any, wrong_units: Any, quantities: Any) -> None:
    bundle = visit_bundle(made_up)
    planted = 0
    for concept, value in quantities(bundle):
        unit, value["code"] = value["code"], "mmol/L" if value["code"] != "mmol/L" else "mg/dL"
        seen = wrong_units(bundle)
        assert seen, concept
        value["code"] = unit
        planted += 1
    assert planted == 12
    assert isinstance(quantities(bundle)[0][1]["value"], Decimal)
