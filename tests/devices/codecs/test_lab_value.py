"""Printed results: the comparator stays, the digits stay, and what is unclear is no number."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs.lab_value import LabValue

NUMBERS = st.decimals(min_value=0, max_value=999_999, places=3, allow_nan=False)


@given(st.text(max_size=12), st.sampled_from(["", "<", ">", "H", "LL"]))
def test_any_text_is_a_number_or_says_why_not(text: str, flag: str) -> None:
    value = LabValue.parse(text, flag)
    assert value.text == text
    assert (value.number is None) == bool(value.refused)
    assert value.number is not None or value.comparator is None


@given(NUMBERS, st.sampled_from(["", "<", ">"]), st.sampled_from(["", " "]))
def test_what_is_printed_is_read(number: Decimal, mark: str, space: str) -> None:
    assert LabValue.parse(f"{mark}{space}{number}") == LabValue(f"{mark}{space}{number}", number, mark or None)  # type: ignore[arg-type]


def test_digits_are_kept_as_printed() -> None:
    assert str(LabValue.parse("12.50").number) == "12.50"


def test_digits_of_other_scripts_are_no_number() -> None:
    assert LabValue.parse("١٢").refused == "not_a_number"
