"""Numbers of persons leave as they are stored, under the names that receivers look for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_fhir.identifiers import SYSTEMS, person_identifiers, person_system

SE = "http://electronichealth.se/identifier"


@pytest.mark.parametrize(
    ("stored", "official", "also"),
    [
        (f"{SE}/personnummer", f"{SE}/personnummer", "urn:oid:1.2.752.129.2.1.3.1"),
        ("urn:oid:1.2.752.129.2.1.3.1", f"{SE}/personnummer", "urn:oid:1.2.752.129.2.1.3.1"),
        (f"{SE}/samordningsnummer", f"{SE}/samordningsnummer", "urn:oid:1.2.752.129.2.1.3.3"),
        (f"{SE}/nationelltReservnummer", f"{SE}/nationelltReservnummer", "urn:oid:1.2.752.74.9.1"),
    ],
)
def test_swedish_numbers_have_both_names(stored: str, official: str, also: str) -> None:
    first, second = person_identifiers(stored, "191212121212")
    assert first == {"use": "official", "system": official, "value": "191212121212"}
    assert second == {"use": "secondary", "system": also, "value": "191212121212"}


@pytest.mark.parametrize("number", ["010594Y9032", "100190-999P", "100190Y999P"])
def test_a_finnish_number_keeps_its_sign(number: str) -> None:
    (one,) = person_identifiers("urn:oid:1.2.246.21", number)
    assert (one["value"], one["use"]) == (number, "official")
    assert one["type"]["coding"][0]["code"] == "NNFIN"


def test_local_reserve_numbers_and_unknown_systems_have_one_name() -> None:
    for system in ("urn:oid:1.2.752.97.3.1.3", "urn:oid:1.2.752.113.11.0.2.1.1.1", "urn:oid:9.9"):
        (one,) = person_identifiers(system, "20210325K069")
        assert one == {"use": "official", "system": system, "value": "20210325K069"}
    assert person_identifiers(f"{SE}/personnummer", " ") == []


def test_no_two_systems_share_a_name() -> None:
    names = [name for system in SYSTEMS for name in (system.official, system.also) if name]
    assert len(names) == len(set(names))


@given(st.text(), st.text(min_size=1))
def test_any_text_is_no_fault(system: str, value: str) -> None:
    assert all(one["value"] for one in person_identifiers(system, value))
    assert person_system(system).official == system or person_system(system) in SYSTEMS
