"""No number leaves with a code of another unit: an own table, because no FHIR engine looks."""

import re
from decimal import Decimal
from typing import Any, get_args

import pytest

from carebag_fhir.codes import MEANINGS, code_of
from carebag_fhir.export import visit_bundle
from carebag_fhir.json_text import encode
from carebag_wire.values import QuantityName

NEVER = {"76485-2", "76486-0", "88330-6"}
"""CRP in moles, mobility: seen elsewhere, wrong for what Carebag measures."""
SAID = [(name, unit) for name, meaning in MEANINGS.items() for unit in meaning.units]


def test_every_number_of_the_visit_has_the_unit_of_its_code(made_up: Any, wrong_units: Any, quantities: Any) -> None:
    bundle = visit_bundle(made_up)
    assert len(quantities(bundle)) == 12
    assert wrong_units(bundle) == []


@pytest.mark.parametrize(("name", "unit"), SAID)
@pytest.mark.parametrize(
    "flags", [[], ["site_mouth", "site_tympanum"], ["sample_capillary_whole_blood"], ["sample_venous_plasma"]]
)
def test_every_quantity_has_codes_of_the_table(
    name: QuantityName, unit: str, flags: list[str], expected_units: dict[str, set[str]]
) -> None:
    codes = code_of(name, unit, "oximetry", flags)["coding"]
    loinc = {code["code"] for code in codes if code["system"] == "http://loinc.org"}
    assert all(unit in expected_units[code] for code in loinc)
    assert bool(loinc) == (unit != "kPa")
    assert not loinc & NEVER
    assert codes[-1]["code"] == name


def test_all_quantities_of_the_wire_have_a_meaning() -> None:
    assert set(MEANINGS) == set(get_args(QuantityName))


@pytest.mark.parametrize(("name", "unit"), [*((name, "mg") for name in MEANINGS), ("systolic", "kPa"), ("spo2", "1")])
def test_in_another_unit_a_number_has_no_code_of_loinc(name: QuantityName, unit: str) -> None:
    codes = code_of(name, unit, "glucose", [])["coding"]
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
    tissue = code_of("glucose", "mg/dL", "glucose", ["sample_interstitial_fluid"])["coding"]
    assert [code["code"] for code in tissue] == ["glucose"]


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


def test_every_code_of_loinc_has_its_check_digit(made_up: Any, expected_units: dict[str, set[str]]) -> None:
    """A digit that somebody mistyped: the last is by the Luhn algorithm over those before it."""
    written = re.findall(r'"system":"http://loinc.org","code":"([^"]+)"', encode(visit_bundle(made_up)).decode())
    for code in {*expected_units, *written}:
        number, check = code.split("-")
        doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(number))]
        assert -sum(one // 10 + one % 10 for one in doubled) % 10 == int(check), code
