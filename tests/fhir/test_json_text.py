"""JSON with the digits as they were measured."""

import base64
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_fhir.json_text import Base64Text, decode, encode, pieces_of

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
SCALARS = st.booleans() | st.integers(-(2**53), 2**53) | DECIMALS | st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
)


@settings(max_examples=50)
@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize("text", ["128.50", "0.0", "5", "-0.25", "70.050", "1E+2"])
def test_digits_stay(text: str) -> None:
    assert encode([Decimal(text)]) == f"[{text}]".encode()


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_no_number_is_refused(value: Decimal) -> None:
    with pytest.raises(ValueError, match="no number"):
        encode({"value": value})


@pytest.mark.parametrize("value", [1.5, b"x", {1}])
def test_what_json_does_not_have_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        encode(value)


def test_the_order_is_kept_and_text_is_utf_8() -> None:
    assert encode({"b": "å\n", "a": [True, False, 3]}) == '{"b":"å\\n","a":[true,false,3]}'.encode()


@given(st.lists(st.binary(max_size=9), max_size=6))
def test_a_file_is_the_same_text_in_whatever_pieces_it_comes(pieces: list[bytes]) -> None:
    whole = base64.b64encode(b"".join(pieces)).decode()
    assert encode({"data": Base64Text(lambda: pieces)}) == encode({"data": whole})


def test_a_large_file_is_never_held_whole() -> None:
    """Written in pieces, each made when its turn comes: after the first, little of the file was read."""
    read = []

    def file() -> Iterator[bytes]:
        for number in range(1000):
            read.append(number)
            yield bytes(10_000)

    pieces = pieces_of([Base64Text(file)])
    assert len(next(pieces)) < 100_000
    assert len(read) < 20
    assert max(len(piece) for piece in pieces) < 100_000
    assert len(read) == 1000
