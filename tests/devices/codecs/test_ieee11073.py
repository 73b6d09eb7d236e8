"""SFLOAT and FLOAT against published vectors and against themselves."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs.ieee11073 import Float, SFloat, Special, float32, sfloat, shifted
from carebag_devices.errors import Malformed


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("c7f3", "96.7"),  # 0xF3C7
        ("b0f0", "17.6"),  # kPa, as A&D sends it
        ("8000", "128"),
        ("fdf7", "204.5"),
        ("0388", "-2045E-8"),
        ("0000", "0"),
    ],
)
def test_sfloat_vectors(raw: str, expected: str) -> None:
    number = SFloat.parse(bytes.fromhex(raw)).value
    assert str(number) == str(Decimal(expected))
    assert bytes(SFloat(Decimal(expected))).hex() == raw


@pytest.mark.parametrize(
    ("raw", "special"),
    [
        ("ff07", Special.NAN),
        ("0008", Special.NRES),
        ("fe07", Special.POSITIVE_INFINITY),
        ("0208", Special.NEGATIVE_INFINITY),
        ("0108", Special.RESERVED),
    ],
)
def test_sfloat_specials_are_no_numbers(raw: str, special: Special) -> None:
    assert SFloat.parse(bytes.fromhex(raw)).value is special
    assert bytes(SFloat(special)).hex() == raw


@pytest.mark.parametrize(
    ("raw", "value"),
    [("6a0100ff", Decimal("36.2")), ("ffff7f00", Special.NAN), ("00008000", Special.NRES), ("02008000", None)],
)
def test_float_vectors(raw: str, value: Decimal | Special | None) -> None:
    assert Float.parse(bytes.fromhex(raw)).value == (value or Special.NEGATIVE_INFINITY)


def test_a_special_with_an_exponent_is_refused() -> None:
    with pytest.raises(Malformed, match="special_with_exponent"):
        SFloat.parse(bytes.fromhex("fff7"))


@pytest.mark.parametrize("size", [SFloat, Float])
def test_every_length_but_its_own_is_refused(size: type[SFloat | Float]) -> None:
    for length in {0, 1, 2, 3, 4, 5} - {size.size()}:
        with pytest.raises(Malformed):
            size.parse(bytes(length))


@given(st.binary(min_size=2, max_size=2))
def test_sfloat_comes_back_byte_for_byte(raw: bytes) -> None:
    try:
        number = SFloat.parse(raw)
    except Malformed as error:
        if error.reason != "special_with_exponent":
            raise
    else:
        assert bytes(number) == raw


@given(st.binary(min_size=4, max_size=4))
def test_float_comes_back_byte_for_byte(raw: bytes) -> None:
    try:
        number = Float.parse(raw)
    except Malformed as error:
        if error.reason != "special_with_exponent":
            raise
    else:
        assert bytes(number) == raw


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_what_is_encoded_is_the_same_number_or_refused(value: Decimal) -> None:
    try:
        raw = bytes(SFloat(value))
    except ValueError:
        return
    assert SFloat.parse(raw).value == value


def test_numbers_are_exact_in_every_decimal_context() -> None:
    with localcontext(prec=1, Emax=1, Emin=-1):
        assert str(float32(bytes.fromhex("40e20180"))) == "1.23456E-123"
        assert str(sfloat(bytes.fromhex("fdf7"))) == "204.5"
        assert format(shifted(Decimal("0.00123"), 5), "f") == "123"


@pytest.mark.parametrize("word", range(0x0000, 0x10000, 0x0800))
def test_every_exponent_is_twos_complement(word: int) -> None:
    exponent = (word >> 12) - 16 * (word >> 15)
    assert SFloat.parse((word & 0xF000 | 1).to_bytes(2, "little")).value == Decimal(f"1E{exponent}")
