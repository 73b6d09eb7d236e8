"""CRC-32C: the vectors of RFC 3720 B.4, and a bit-by-bit reckoning for every length around a block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs.crc32c import crc32c


def by_bits(data: bytes) -> int:
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_vectors(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc
    assert crc32c(data[9:], crc32c(data[:9])) == crc


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 255, 256, 257, 512, 1000])
def test_lengths_around_a_block(length: int) -> None:
    data = bytes(n * 7 % 251 for n in range(length))
    assert crc32c(data) == by_bits(data)


@given(st.binary(max_size=600), st.binary(max_size=600))
def test_in_two_parts(head: bytes, tail: bytes) -> None:
    assert crc32c(tail, crc32c(head)) == crc32c(head + tail) == by_bits(head + tail)
