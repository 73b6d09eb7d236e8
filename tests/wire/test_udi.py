"""Labels by GS1's rules, and what an instrument says of itself."""

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from carebag_wire.udi import (
    GS1,
    Elements,
    NotGs1,
    Udi,
    day_of,
    elements_of,
    is_gtin,
    printed_elements,
    udi_on_label,
    udi_told,
)

PUBLISHED = "(01)00844588003288(17)141120(10)7654321D(21)10987654d321"
"""The example of the FDA's UDI rule, which HL7's and the GATT documents show as well."""
MEANT = Elements("00844588003288", lot="7654321D", serial="10987654d321", expires="141120")
DIGITS = st.text("0123456789", min_size=13, max_size=13)
SERIALS = st.text("ABCXYZabc0123456789-./_", min_size=1, max_size=20)
DAYS = st.dates(date(2000, 1, 1), date(2049, 12, 31)).map(lambda day: day.strftime("%y%m%d"))


def gtin(digits: str) -> str:
    return next(digits + last for last in "0123456789" if is_gtin(digits + last))


@pytest.mark.parametrize(
    "text",
    [
        PUBLISHED,
        "]d2010084458800328817141120107654321D\x1d2110987654d321",
        "010084458800328817141120107654321D\x1d2110987654d321\x1d",
        " \x1d0100844588003288107654321D\x1d171411202110987654d321 ",
        "(21)10987654d321(10)7654321D(01)00844588003288(17)141120(240)ABC",
    ],
)
def test_one_label_as_it_is_printed_and_as_scanners_give_it(text: str) -> None:
    assert elements_of(text) == MEANT
    assert udi_on_label(text, "barcode") == Udi(device=MEANT.gtin, carrier=PUBLISHED, issuer=GS1, entry="barcode")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_gs1"),
        ("hello", "not_gs1"),
        ("(01)0084458800328", "gtin_wrong"),
        ("(01)00844588003289", "gtin_wrong"),
        ("(01)00844588003288(01)00844588003289", "not_gs1"),
        ("(01)00844588003288 and more (1", "gtin_wrong"),
        ("(01)00844588003288()", "gtin_wrong"),
        ("(01)00844588003288(17)141320", "date_wrong"),
        ("(01)00844588003288(17)140231", "date_wrong"),
        ("(01)00844588003288(21)" + "7" * 21, "not_gs1"),
        ("(01)00844588003288(21)7 8", "not_gs1"),
        ("(01)00844588003288(21)å", "not_gs1"),
        ("0100844588003", "not_gs1"),
        ("01\u0661\u0661844588003288", "gtin_wrong"),
        ("(01)00844588003288" + "(90)1234567890" * 20, "not_gs1"),
    ],
)
def test_what_is_wrong_is_said(text: str, code: str) -> None:
    with pytest.raises(NotGs1, match=code):
        elements_of(text)


def test_a_label_that_names_no_device_is_none() -> None:
    with pytest.raises(NotGs1, match="gtin_missing"):
        udi_on_label("(10)LOT(21)7", "manual")


@given(DIGITS, st.none() | SERIALS, st.none() | SERIALS, st.none() | DAYS, st.none() | DAYS)
def test_what_is_printed_is_read_back(
    digits: str, lot: str | None, serial: str | None, made: str | None, expires: str | None
) -> None:
    meant = Elements(gtin(digits), lot or "", serial or "", made or "", expires or "")
    assert elements_of(meant.printed) == meant
    scanned = meant.printed.replace("(", "\x1d").replace(")", "")
    assert elements_of(scanned) == meant


@pytest.mark.parametrize("lot", ["(", "((", ")", "A(21", "(A)7"])
def test_a_bracket_in_a_batch_number_is_kept(lot: str) -> None:
    meant = elements_of(f"10{lot}\x1d217")
    assert meant == Elements(lot=lot, serial="7")
    assert elements_of(meant.printed) == meant


def test_a_batch_number_that_would_be_printed_as_two_elements_is_refused() -> None:
    with pytest.raises(NotGs1, match="not_gs1"):
        elements_of("10A(21)7")


@given(DIGITS, st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_seen(digits: str, at: int, by: int) -> None:
    right = gtin(digits)
    wrong = right[:at] + str((int(right[at]) + by) % 10) + right[at + 1 :]
    assert not is_gtin(wrong)


@settings(max_examples=1000)
@example("10(")
@given(st.text(max_size=60) | st.text("()0127\x1d", max_size=60))
def test_any_text_is_read_or_refused_with_a_code(text: str) -> None:
    found, code = None, ""
    try:
        found = elements_of(text)
    except NotGs1 as error:
        code = str(error)
    assert code in {"", "not_gs1", "gtin_wrong", "date_wrong"}
    assert found is None or found == (elements_of(found.printed) if found.printed else Elements())


@pytest.mark.parametrize(
    ("text", "year", "day"),
    [
        ("141120", 2026, date(2014, 11, 20)),
        ("270200", 2026, date(2027, 2, 28)),
        ("280200", 2026, date(2028, 2, 29)),
        ("280229", 2026, date(2028, 2, 29)),
        ("270229", 2026, None),
        ("760101", 2026, date(2076, 1, 1)),
        ("770101", 2026, date(1977, 1, 1)),
        ("000101", 2050, date(2100, 1, 1)),
        ("010101", 2050, date(2001, 1, 1)),
        ("", 2026, None),
        ("1411", 2026, None),
    ],
)
def test_days_and_their_century(text: str, year: int, day: date | None) -> None:
    assert day_of(text, year) == day


@given(st.text(max_size=250), st.text(max_size=250), st.text(max_size=120), st.text(max_size=120))
def test_whatever_an_instrument_says_becomes_a_udi_or_none(
    label: str, device: str, issuer: str, authority: str
) -> None:
    told = udi_told(label, device, issuer, authority, "self_reported")
    assert told is None or (told.device or told.carrier)
    assert told is None or Udi.model_validate_json(told.model_dump_json()) == told


def test_the_label_says_what_the_instrument_does_not_say_apart() -> None:
    told = udi_told(PUBLISHED, "", "", "2.16.840.1.113883.3.24", "self_reported")
    assert told is not None
    assert (told.device, told.issuer, told.authority) == (MEANT.gtin, GS1, "2.16.840.1.113883.3.24")
    apart = udi_told(PUBLISHED, "other", "", "FDA", "self_reported")
    assert apart is not None
    assert (apart.device, apart.issuer, apart.authority) == ("other", "", "")
    assert udi_told(" ", "", GS1, "", "self_reported") is None


def test_a_carrier_of_another_issuer_gives_no_elements() -> None:
    other = Udi(carrier="+H123PARTNO1234567890120/$$420020216LOT123456789012345/SXYZ456789", entry="self_reported")
    assert printed_elements(other) == printed_elements(None) == Elements()
    assert printed_elements(Udi(carrier=PUBLISHED, entry="manual")) == MEANT


def test_an_issuer_is_an_object_identifier() -> None:
    with pytest.raises(ValidationError):
        Udi(device="1", issuer="GS1", entry="manual")
