"""The auscultation profile's sound: golden bytes (synthetic), damage by name, any bytes."""

from collections.abc import Callable
from decimal import Decimal
from typing import SupportsBytes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import auscultation
from carebag_devices.codecs.auscultation import AudioFrame, Digest, Format, Info
from carebag_devices.errors import Malformed


def test_golden_frame() -> None:
    samples = np.array([0, 1, -1, 32767, -32768], dtype="<i2")
    frame = AudioFrame(7, 826, samples.tobytes(), clipped=True, retransmitted=True)
    assert bytes(frame).hex() == "07003a030000a00500000100ffffff7f0080"
    parsed = AudioFrame.parse(bytes(frame))
    assert (parsed, parsed.fmt) == (frame, Format.PCM16)
    assert parsed.samples.tolist() == samples.tolist()


def test_golden_rice_frame() -> None:
    samples = np.array([100] * 9, dtype="<i2")
    frame = AudioFrame(7, 826, samples.tobytes(), overrun=True, no_contact=True, fmt=Format.RICE)
    assert bytes(frame).hex() == "07003a0300005109016400ff"
    parsed = AudioFrame.parse(bytes(frame))
    assert (parsed, parsed.fmt, parsed.count) == (frame, Format.RICE, 9)


def test_a_rice_stream_sends_noise_as_pcm16() -> None:
    noise = np.random.default_rng(1).integers(-32768, 32768, 118).astype("<i2").tobytes()
    raw = bytes(AudioFrame(0, 0, noise, fmt=Format.RICE))
    assert len(raw) == 8 + 236
    assert AudioFrame.parse(raw).fmt is Format.PCM16


def test_a_full_frame_fits_one_notification_at_mtu_247() -> None:
    assert len(bytes(AudioFrame(0, 0, bytes(2 * auscultation.FRAME_SAMPLES)))) == 247 - 3


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "truncated"),
        ("00000000000000", "truncated"),
        ("0000000000000001", "truncated"),
        ("0000000000000002000000", "truncated"),
        ("000000000000000100000000", "trailing_bytes"),
        ("0000000000000000", "no_samples"),
        ("00000000000002010000", "unknown_format"),
        ("0000000000000f010000", "unknown_format"),
        ("0000000000000109016400", "truncated"),
        ("0000000000000109016400ff00", "trailing_bytes"),
        ("000000000000010901ff7f3fc0", "out_of_range"),
    ],
)
def test_damage(raw: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        AudioFrame.parse(bytes.fromhex(raw))


def test_a_frame_cut_by_the_stack_is_refused() -> None:
    with pytest.raises(Malformed, match="truncated"):
        AudioFrame.parse(bytes(AudioFrame(0, 0, bytes(236)))[:20])


PARSERS: list[Callable[[bytes], SupportsBytes]] = [AudioFrame.parse, Digest.parse, Info.parse]


@pytest.mark.parametrize("parse", PARSERS, ids=["frame", "digest", "info"])
@given(raw=st.binary(max_size=24))
def test_any_bytes_are_refused_or_come_back_the_same(parse: Callable[[bytes], SupportsBytes], raw: bytes) -> None:
    try:
        value = parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        # Rice has many ways to write the same samples, and ours is the shortest
        if isinstance(value, AudioFrame) and value.fmt is Format.RICE:
            assert AudioFrame.parse(bytes(value)) == value
            assert len(bytes(value)) <= len(raw)
        else:
            assert bytes(value) == raw


FRAMES = st.builds(
    AudioFrame,
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(-32768, 32767) | st.integers(-9, 9), min_size=1, max_size=255).map(
        lambda samples: np.array(samples, "<i2").tobytes()
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(Format),
)


@given(FRAMES)
def test_round_trip(frame: AudioFrame) -> None:
    assert AudioFrame.parse(bytes(frame)) == frame


def test_info_tells_rates_and_formats() -> None:
    info = Info(1, 0b011, 0b010, 16, 256, Decimal("2.5"))
    assert Info.parse(bytes(info)) == info
    assert [rate for rate in (4000, 8000, 16000, 44100) if info.supports(rate)] == [4000, 8000]
    assert [fmt for fmt in Format if info.offers(fmt)] == [Format.RICE]
