"""Rice frames: exact both ways, an independent decoder agrees, any bytes are refused or decode within their bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from carebag_devices.codecs import rice
from carebag_devices.errors import Malformed

INT16 = st.integers(-32768, 32767)


def by_hand(data: bytes, count: int) -> list[int]:
    """The specification read bit by bit, as a small microcontroller would."""
    order, k = data[0] & 7, data[0] >> 4
    samples = [int.from_bytes(data[1 + 2 * n : 3 + 2 * n], "little", signed=True) for n in range(order)]
    bits = [byte >> 7 - bit & 1 for byte in data[1 + 2 * order :] for bit in range(8)]
    lows = []
    for _ in range(count - order):
        lows.append(int("".join(map(str, bits[:k])) or "0", 2))
        bits = bits[k:]
    for low in lows:
        quotient = bits.index(1)
        bits = bits[quotient + 1 :]
        mapped = quotient << k | low
        residual = mapped >> 1 if mapped % 2 == 0 else -(mapped + 1 >> 1)
        last = [0, 0, 0, 0, *samples]
        predicted = {
            0: 0,
            1: last[-1],
            2: 2 * last[-1] - last[-2],
            3: 3 * last[-1] - 3 * last[-2] + last[-3],
            4: 4 * last[-1] - 6 * last[-2] + 4 * last[-3] - last[-4],
        }
        samples.append(predicted[order] + residual)
    assert not any(bits)
    assert len(bits) < 8
    return samples


def int16(values: list[int]) -> NDArray[np.int16]:
    return np.array(values, np.int16)


@given(st.lists(INT16, min_size=1, max_size=255))
def test_any_samples_come_back_or_are_no_shorter(values: list[int]) -> None:
    coded = rice.encode(int16(values))
    if coded is None:
        return
    assert len(coded) < 2 * len(values)
    assert rice.decode(coded, len(values)).tolist() == values == by_hand(coded, len(values))


@given(st.lists(st.integers(-40, 40), min_size=4, max_size=255), st.integers(0, 4), INT16)
def test_smooth_sound_comes_back(steps: list[int], order: int, begin: int) -> None:
    values = np.array(steps, np.int64)
    for _ in range(order):
        values = np.cumsum(values)
    samples = ((values + begin + 32768) % 65536 - 32768).astype(np.int16)
    coded = rice.encode(samples)
    assert coded is None or rice.decode(coded, len(samples)).tolist() == samples.tolist()


@pytest.mark.parametrize(
    ("samples", "raw"),
    [
        ([0] * 16, "00ffff"),  # order 0, k 0: sixteen ones
        ([100] * 9, "016400ff"),  # order 1: eight residuals of 0
        ([10, 13, 16, 19, 22, 25, 28, 31, 34], "020a000d00fe"),  # order 2: seven, one bit of padding
    ],
)
def test_golden_bytes(samples: list[int], raw: str) -> None:
    """Synthetic, worked out by hand."""
    coded = rice.encode(int16(samples))
    assert coded is not None
    assert coded.hex() == raw
    assert rice.decode(bytes.fromhex(raw), len(samples)).tolist() == samples


def test_a_smooth_curve_takes_the_fourth_order() -> None:
    samples = int16([n**4 // 1000 for n in range(60)])
    coded = rice.encode(samples)
    assert coded is not None
    assert coded[0] & 7 >= 3
    assert rice.decode(coded, 60).tolist() == samples.tolist()


def test_noise_does_not_grow() -> None:
    noise = np.random.default_rng(1).integers(-32768, 32768, 118).astype(np.int16)
    assert rice.encode(noise) is None


@pytest.mark.parametrize(
    ("raw", "count", "reason"),
    [
        ("", 9, "truncated"),
        ("01", 9, "truncated"),
        ("0164", 9, "truncated"),
        ("016400", 9, "truncated"),
        ("016400fe", 9, "truncated"),
        ("016400ff", 8, "trailing_bytes"),
        ("016400ff00", 9, "trailing_bytes"),
        ("016400ff80", 9, "trailing_bytes"),
        ("016400ff0000000000000000000000000000", 9, "longer_than_pcm"),
        ("05640064006400640064ff", 19, "unknown_coding"),
        ("096400ff", 9, "unknown_coding"),
        ("f0ffff", 16, "unknown_coding"),
        ("01ff7f3fc0", 9, "out_of_range"),  # 32767 + 1
        ("0100807f80", 9, "out_of_range"),  # -32768 - 1
        ("00", 0, "longer_than_pcm"),
    ],
)
def test_damage(raw: str, count: int, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        rice.decode(bytes.fromhex(raw), count)


@given(st.binary(max_size=520), st.integers(0, 255))
def test_any_bytes(raw: bytes, count: int) -> None:
    try:
        samples = rice.decode(raw, count)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert len(samples) == count
        coded = rice.encode(samples)
        assert coded is not None, "what was shorter than PCM16 is so again"
        assert len(coded) <= len(raw)
        assert rice.decode(coded, count).tolist() == samples.tolist() == by_hand(raw, count)


@given(st.data())
def test_a_changed_bit_is_refused_or_gives_as_many_samples(data: st.DataObject) -> None:
    samples = (1000 * np.sin(np.arange(118) / 9)).astype(np.int16)
    coded = bytearray(rice.encode(samples) or b"")
    at = data.draw(st.integers(0, 8 * len(coded) - 1))
    coded[at // 8] ^= 1 << at % 8
    try:
        assert len(rice.decode(bytes(coded), 118)) == 118
    except Malformed as error:
        if error.reason not in {"truncated", "trailing_bytes", "out_of_range", "unknown_coding", "longer_than_pcm"}:
            raise
