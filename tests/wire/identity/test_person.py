"""An identity is a system and a value: HSA-ids and local ones, names of systems, masking, and what a place may hold."""

from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_fhir.identifiers import SYSTEMS as FHIR_SYSTEMS
from carebag_wire.identity import refusal
from carebag_wire.identity.person import (
    Identity,
    age,
    birth_date,
    for_people,
    masked,
    read,
    sex_by_number,
)
from carebag_wire.identity.refusal import BadIdentity, IdentityCode
from carebag_wire.identity.systems import (
    HENKILOTUNNUS,
    HSA_ID,
    NATIONAL_RESERVE,
    PERSONNUMMER,
    SAMORDNINGSNUMMER,
    stored_name,
)
from carebag_wire.identity.use import TEST_IDENTITIES, Place, check_use, is_test

TODAY = date(2026, 11, 27)
STOCKHOLM, VGR = "urn:oid:1.2.752.97.3.1.3", "urn:oid:1.2.752.113.11.0.2.1.1.1"
KNOWN = (PERSONNUMMER, SAMORDNINGSNUMMER, NATIONAL_RESERVE, HENKILOTUNNUS, HSA_ID)


def refused(system: str, text: str) -> str | None:
    try:
        read(system, text, TODAY)
    except BadIdentity as error:
        return error.code
    return None


@pytest.mark.parametrize(
    "text",
    ["SE2321000016-1003", "SE5565594230-106J", "SE165565594230-1000", "SE2321000131-E000000000001", "SE5566778899-a"],
)
def test_hsa_ids_are_taken_exactly(text: str) -> None:
    found = read(HSA_ID, text, TODAY)
    assert found.value == for_people(found) == masked(found) == text
    assert (birth_date(found), sex_by_number(found), age(found, TODAY)) == (None, None, None)
    assert read("1.2.752.129.2.1.4.1", text, TODAY) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "identity_too_short"),
        ("SE2321000016-", "identity_too_short"),
        ("SE232100016-1003", "identity_too_short"),
        ("SE23210000160-1003", "identity_too_long"),
        ("SE185565594230-1000", "identity_too_long"),
        ("SE2321000016-1003567890123456789", "identity_too_long"),
        ("se2321000016-1003", "letter_not_used"),
        ("NO2321000016-1003", "letter_not_used"),
        ("SE2321000016-10ö3", "letter_not_used"),
        ("SE2321000016-10-3", "letter_not_used"),
        ("SE2321000016-1003 ", "letter_not_used"),
        ("SE23210000160001003", "wrong_separator"),
        ("SE232100001６-1003", "not_a_digit"),
        ("SE232100-0016-1003", "identity_too_short"),
        ("SE2321000017-1003", "bad_check_digit"),
    ],
)
def test_hsa_ids_refused(text: str, why: str) -> None:
    assert refused(HSA_ID, text) == why


@given(st.integers(0, 9), st.integers(1, 9))
def test_any_other_digit_of_the_organisation_number_is_refused(place: int, more: int) -> None:
    right = "2321000016"
    wrong = right[:place] + str((int(right[place]) + more) % 10) + right[place + 1 :]
    assert refused(HSA_ID, f"SE{wrong}-1003") == "bad_check_digit"


@pytest.mark.parametrize(
    ("system", "value"),
    [
        (STOCKHOLM, "991981000010"),  # examples of Inera's page on local identities
        (VGR, "19810829M071"),
        (VGR, "20210325K069"),  # HL7 Sweden basprofiler-r4
        (VGR, "20210325k069"),
        ("http://electronichealth.se/identifier/LMA-nummer", "12-345678"),
        ("urn:oid:1.2.246.10.123456.14", "A 1"),
    ],
)
def test_local_identities_are_pairs_taken_exactly(system: str, value: str) -> None:
    found = read(system, value, TODAY)
    assert (found.system, found.value, for_people(found), masked(found)) == (system, value, value, "****")
    assert birth_date(found) is None


def test_the_same_value_in_two_systems_is_two_identities() -> None:
    assert len({Identity(STOCKHOLM, "991981000010"), Identity(VGR, "991981000010")}) == 2


@pytest.mark.parametrize("value", ["", " ", " 1", "1 ", "a\nb", "１", "å", "x" * 65, "\x00", "\u202e1"])
def test_local_identities_refused(value: str) -> None:
    assert refused(STOCKHOLM, value) == "not_plain_identity"


@pytest.mark.parametrize(
    "system", ["", "personnummer", "1", "1.02", "9.9", "urn:oid:", "urn:ietf:rfc:3986", "http://", "x.y"]
)
def test_systems_that_are_none(system: str) -> None:
    assert refused(system, "191212121212") == "unknown_identity_system"


def test_a_system_has_one_stored_name() -> None:
    for also in ("1.2.752.129.2.1.3.1", "urn:oid:1.2.752.129.2.1.3.1", PERSONNUMMER):
        assert read(also, "191212121212", TODAY) == Identity(PERSONNUMMER, "191212121212")
    with pytest.raises(BadIdentity, match="unknown_identity_system"):
        Identity("urn:oid:1.2.752.129.2.1.3.1", "191212121212")


def test_fhir_writes_the_names_that_are_stored() -> None:
    for system in FHIR_SYSTEMS:
        assert stored_name(system.official) == system.official
        assert not system.also or stored_name(system.also) == system.official
    assert {PERSONNUMMER, SAMORDNINGSNUMMER, NATIONAL_RESERVE, HENKILOTUNNUS} <= {one.official for one in FHIR_SYSTEMS}


@given(st.text() | st.from_regex(r"(urn:oid:)?[0-2](\.[0-9]{1,3}){1,6}", fullmatch=True), st.text())
def test_any_system_and_text_is_read_or_refused(system: str, text: str) -> None:
    for name in (system, *KNOWN, STOCKHOLM):
        try:
            identity = read(name, text, TODAY, TODAY)
        except BadIdentity:
            continue
        assert read(identity.system, identity.value, TODAY) == identity


@pytest.mark.parametrize(
    ("system", "value", "shown"),
    [
        (PERSONNUMMER, "191212121212", "19121212-****"),
        (SAMORDNINGSNUMMER, "196109732393", "19610973-****"),
        (NATIONAL_RESERVE, "22950606FH20", "22950606-****"),
        (HENKILOTUNNUS, "010594Y9032", "010594Y****"),
        (STOCKHOLM, "991981000010", "****"),
    ],
)
def test_masked(system: str, value: str, shown: str) -> None:
    assert masked(Identity(system, value)) == shown


def test_a_log_line_holds_no_number() -> None:
    identity = Identity(PERSONNUMMER, "191212121212")
    assert "1212" not in f"{identity} {identity!r} {[identity]}"
    with pytest.raises(BadIdentity) as caught:
        read(PERSONNUMMER, "191212121213", TODAY)
    assert "1212" not in f"{caught.value!r} {caught.value.args}"


def test_every_code_is_explained() -> None:
    text = Path(refusal.__file__).read_text(encoding="utf-8")
    assert [code for code in get_args(IdentityCode) if text.count(code) < 2] == []


REAL = Identity(PERSONNUMMER, "198112289874")
TEMPORARY = Identity(HENKILOTUNNUS, "010594Y9032")


@pytest.mark.parametrize("identity", [*sorted(TEST_IDENTITIES, key=lambda one: one.value), TEMPORARY])
def test_test_identities_are_for_demos(identity: Identity) -> None:
    assert is_test(identity)
    check_use(identity, "demo")
    with pytest.raises(BadIdentity, match="test_identity_in_production"):
        check_use(identity, "production")


@pytest.mark.parametrize(
    "identity",
    [
        REAL,
        Identity(PERSONNUMMER, "198112290013"),  # a 9 where a temporary Finnish number has its own
        Identity(HENKILOTUNNUS, "131052-308T"),
        Identity(STOCKHOLM, "991981000010"),
        Identity(HSA_ID, "SE2321000016-1"),
    ],
)
def test_all_others_are_for_production(identity: Identity) -> None:
    assert not is_test(identity)
    check_use(identity, "production")
    with pytest.raises(BadIdentity, match="real_identity_in_demo"):
        check_use(identity, "demo")


@pytest.mark.parametrize(("place", "why"), [("production", "test_identity_in_production"), ("demo", None)])
def test_a_place_may_bring_the_whole_list(place: Place, why: str | None) -> None:
    listed = TEST_IDENTITIES | {REAL}
    assert is_test(REAL, listed)
    if why is None:
        check_use(REAL, place, listed)
    else:
        with pytest.raises(BadIdentity, match=why):
            check_use(REAL, place, listed)


def test_there_are_test_identities_of_each_swedish_kind() -> None:
    assert {one.system for one in TEST_IDENTITIES} == {PERSONNUMMER, SAMORDNINGSNUMMER, NATIONAL_RESERVE}
