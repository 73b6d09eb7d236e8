"""What guests hear: Opus that keeps the low end, in packets that heal a single loss."""

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from av import AudioFrame
from av.packet import Packet
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from carebag_edge.live.monitor_sound import MonitorSound, RedPacker
from carebag_edge.live.opus_packets import PACKET_SAMPLES, OpusPackets

RATE = 4000
TONES = (20, 30, 40, 60, 80, 100, 150, 200, 400, 800, 1000)


def decoded(packets: list[bytes]) -> NDArray[np.float64]:
    """As a page's decoder plays them, 48 kHz, 1 is full scale."""
    codec: Any = av.CodecContext.create("libopus", "r")
    codec.sample_rate, codec.layout, codec.format = 48_000, "mono", "s16"
    out = []
    for number, data in enumerate(packets):
        packet: Packet[Any] = Packet(data)
        packet.pts, packet.time_base = number * PACKET_SAMPLES, Fraction(1, 48_000)
        out += [frame.to_ndarray().reshape(-1) for frame in codec.decode(packet)]
    return np.concatenate(out) / 32_768


def amplitude(samples: NDArray[np.float64], rate_hz: int, tone_hz: float) -> float:
    turn = np.exp(-2j * math.pi * tone_hz * np.arange(len(samples)) / rate_hz)
    return float(2 * abs(samples @ turn) / len(samples))


def monitored(samples: NDArray[np.int16], frame: int = 118) -> list[bytes]:
    monitor, packets = MonitorSound(), list[bytes]()
    monitor.begin(1, RATE, 0)
    for first in range(0, len(samples), frame):
        packets += [data for data, _ in monitor.take(1, first, samples[first : first + frame])]
    return packets


@pytest.mark.parametrize("tone_hz", TONES)
def test_the_low_end_comes_through_within_a_third_of_a_decibel(tone_hz: int) -> None:
    """Encoder and decoder; aiortc's default lost 22 dB at 20 Hz."""
    level = 0.3
    wave = np.round(level * 32_767 * np.sin(2 * math.pi * tone_hz * np.arange(3 * RATE) / RATE)).astype(np.int16)
    heard = decoded(monitored(wave))[48_000 : 2 * 48_000]
    gain_db = 20 * math.log10(amplitude(heard, 48_000, tone_hz) / level)
    assert abs(gain_db) <= 0.3


def test_a_packet_is_about_64_kbit_a_second() -> None:
    noise = np.random.default_rng(1).integers(-8000, 8000, 3 * RATE).astype(np.int16)
    packets = monitored(noise)
    assert 130 <= len(packets) <= 150
    assert sum(map(len, packets)) / len(packets) <= 200


def test_silence_is_sent_too() -> None:
    """Discontinuous transmission would cut what is soft between the beats."""
    assert len(monitored(np.zeros(RATE, np.int16))) >= 45


def test_time_rises_by_twenty_milliseconds_over_streams_and_gaps() -> None:
    monitor, times = MonitorSound(), list[int]()

    def take(first: int, count: int) -> None:
        times.extend(time for _, time in monitor.take(stream, first, np.zeros(count, np.int16)))

    stream = 1
    monitor.begin(stream, RATE, 5_000_000)
    take(0, RATE)
    take(RATE + 200, RATE)  # a short hole is silence
    take(4 * RATE, RATE)  # a long one moves the time on
    take(2 * RATE, 100)  # late: not played
    monitor.end(stream)
    take(5 * RATE, RATE)
    stream = 2
    monitor.begin(stream, RATE, 30_000_000)
    take(0, RATE)
    assert times[0] == 5 * 48_000
    assert times == sorted(times)
    steps = [after - before for before, after in pairwise(times)]
    assert sum(step != PACKET_SAMPLES for step in steps) == 2
    assert max(steps) > 20 * 48_000
    assert min(steps) == PACKET_SAMPLES


def test_another_stream_than_the_one_begun_is_not_played() -> None:
    monitor = MonitorSound()
    assert monitor.take(1, 0, np.zeros(RATE, np.int16)) == []
    monitor.begin(1, RATE, 0)
    assert monitor.take(2, 0, np.zeros(RATE, np.int16)) == []


def packet_of(data: bytes, time: int) -> Any:
    packet: Packet[Any] = Packet(data)
    packet.pts, packet.time_base = time, Fraction(1, 48_000)
    return packet


def unpacked(payload: bytes) -> list[tuple[int, int, bytes]]:
    """(payload type, how much earlier, data) of each block: RFC 2198, section 3."""
    heads = []
    while payload[0] & 0x80:
        word = int.from_bytes(payload[:4], "big")
        heads.append((word >> 24 & 0x7F, word >> 10 & 0x3FFF, word & 0x3FF))
        payload = payload[4:]
    blocks, rest = [], payload[1:]
    for kind, earlier, length in heads:
        blocks.append((kind, earlier, rest[:length]))
        rest = rest[length:]
    return [*blocks, (payload[0], 0, rest)]


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=1300), st.integers(1, 20_000)), min_size=1, max_size=20))
def test_each_packet_brings_the_one_before_again(sent: list[tuple[bytes, int]]) -> None:
    packer, time = RedPacker(96), 0
    before: tuple[int, bytes] | None = None
    for data, step in sent:
        time += step
        (payload,), at = packer.pack(packet_of(data, time))
        assert at == time
        blocks = unpacked(payload)
        assert blocks[-1] == (96, 0, data)
        fits = before is not None and time - before[0] < 1 << 14 and len(before[1]) < 1 << 10
        assert len(blocks) == 1 + fits
        if before is not None and fits:
            assert blocks[0] == (96, time - before[0], before[1])
        before = (time, data)


def test_voice_is_24_kbit_a_second() -> None:
    opus, packets = OpusPackets("voip", 24_000), list[bytes]()
    noise = np.random.default_rng(2)
    for _ in range(100):
        frame = AudioFrame.from_ndarray(noise.integers(-9000, 9000, (1, 1920)).astype(np.int16), "s16", "stereo")
        frame.sample_rate = 48_000
        packets += opus.feed(frame)
    assert 98 <= len(packets) <= 100
    assert sum(map(len, packets)) * 8 / 2 <= 30_000
