"""The auscultation profile: golden bytes, CRC-32C vectors, any bytes."""

from collections.abc import Callable
from decimal import Decimal
from typing import SupportsBytes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import auscultation
from carebag_devices.codecs.auscultation import AudioFrame, Digest, Info, Resend, Response, Start, Time, crc32c
from carebag_devices.errors import Malformed


def test_golden_frame() -> None:
    samples = np.array([0, 1, -1, 32767, -32768], dtype="<i2")
    frame = AudioFrame(7, 826, samples.tobytes(), clipped=True, retransmitted=True)
    assert bytes(frame).hex() == "07003a030000a00500000100ffffff7f0080"
    parsed = AudioFrame.parse(bytes(frame))
    assert parsed == frame
    assert parsed.samples.tolist() == samples.tolist()


def test_a_full_frame_fits_one_notification_at_mtu_247() -> None:
    assert len(bytes(AudioFrame(0, 0, bytes(2 * auscultation.FRAME_SAMPLES)))) == 247 - 3


def test_a_frame_cut_by_the_stack_is_refused() -> None:
    with pytest.raises(Malformed, match="truncated"):
        AudioFrame.parse(bytes(AudioFrame(0, 0, bytes(236)))[:20])


def test_a_lossy_format_is_refused() -> None:
    with pytest.raises(Malformed, match="unknown_format"):
        AudioFrame.parse(bytes.fromhex("0000000000000200"))


@pytest.mark.parametrize(
    ("command", "raw"),
    [
        (Start(4000, 0xA1B2C3D4, gain=-6), "01a00f0000fad4c3b2a1"),
        (auscultation.Stop(), "02"),
        (auscultation.Gain(12), "030c"),
        (Resend(65535, 3), "04ffff0300"),
        (Time(1_700_000_000_000), "050068e5cf8b010000"),
        (auscultation.Mark(), "06"),
    ],
)
def test_golden_commands(command: auscultation.Command, raw: str) -> None:
    assert bytes(command).hex() == raw
    assert auscultation.parse_command(bytes.fromhex(raw)) == command


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_crc32c_vectors(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc
    assert crc32c(data[9:], crc32c(data[:9])) == crc


PARSERS: list[Callable[[bytes], SupportsBytes]] = [
    AudioFrame.parse,
    auscultation.parse_command,
    Response.parse,
    Digest.parse,
    Info.parse,
]


@pytest.mark.parametrize("parse", PARSERS, ids=["frame", "command", "response", "digest", "info"])
@given(raw=st.binary(max_size=24))
def test_any_bytes_are_refused_or_come_back_the_same(parse: Callable[[bytes], SupportsBytes], raw: bytes) -> None:
    try:
        value = parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert bytes(value) == raw


def test_info_tells_the_rates() -> None:
    info = Info(1, 0b011, 1, 16, 256, Decimal("2.5"))
    assert Info.parse(bytes(info)) == info
    assert [rate for rate in (4000, 8000, 16000, 44100) if info.supports(rate)] == [4000, 8000]
