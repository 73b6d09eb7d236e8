"""The sending side of the live sound, and what a page may ask of it."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.exact_sound import SoundRing, parse
from carebag_edge.live.sound_desk import MAX_ASKED, Ask, SoundDesk
from carebag_edge.live.sound_packet import MAX_STATE_BYTES
from carebag_edge.live.vitals_block import vitals_block
from carebag_wire.visit import LiveVitals

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


@given(st.text() | st.binary())
def test_anything_a_page_says_is_understood_or_not(message: str | bytes) -> None:
    assert SoundDesk().understand(message) is None or isinstance(message, str | bytes)


@given(JSON, JSON, JSON, JSON)
def test_asks_of_any_shape_are_understood_or_not(stream: object, chunks: object, end: object, carry: object) -> None:
    message = json.dumps({"type": "sound_ask", "stream": stream, "chunks": chunks, "end": end, "carry": carry})
    desk = SoundDesk()
    desk.begin(1, 4000)
    ask = desk.understand(message)
    assert ask is None or (all(type(number) is int for number in ask.chunks) and len(ask.chunks) <= MAX_ASKED)
    if ask is not None:
        assert list(desk.answer(ask)) is not None


def test_rtp_time_rises_over_streams() -> None:
    desk = SoundDesk()
    times = []
    for stream in (1, 2, 3):
        desk.begin(stream, 4000)
        times += [time for _, time in desk.take(stream, 0, np.ones(800, np.int16))]
    assert times == [960 * number for number in range(30)]


def test_samples_of_another_stream_are_not_taken() -> None:
    desk = SoundDesk()
    assert desk.take(1, 0, np.ones(80, np.int16)) == []
    desk.begin(1, 4000)
    assert desk.take(2, 0, np.ones(80, np.int16)) == []


def test_a_long_gap_makes_no_flood() -> None:
    desk = SoundDesk()
    desk.begin(1, 4000)
    packets = desk.take(1, 400_000, np.ones(160, np.int16))
    assert len(packets) == 2
    assert [chunk.pcm is None for chunk in parse(packets[0][0]).chunks] == [False, True, True, True]


def test_what_the_ring_lost_is_said() -> None:
    desk = SoundDesk()
    desk.begin(1, 4000)
    desk.take(1, 0, np.ones(80, np.int16))
    desk._ring = SoundRing(1, 4000, seconds=1)
    desk.take(1, 80, np.ones(4000 * 2 - 80, np.int16))
    where, packet = list(desk.answer(Ask(stream=1, chunks=(0, 99))))
    assert json.loads(where)["oldest_chunk"] == 50
    assert isinstance(packet, bytes)
    assert [chunk.number for chunk in parse(packet).chunks] == [99]


def test_nothing_of_a_frame_waits_for_the_next_one() -> None:
    desk = SoundDesk()
    desk.begin(1, 4000)
    for frame in range(10):
        packets = [parse(data) for data, _ in desk.take(1, 118 * frame, np.ones(118, np.int16))]
        assert [packet.chunks[0].number for packet in packets] == [2 * frame, 2 * frame + 1]
        assert {packet.chunk_samples for packet in packets} == {59}


def test_a_stream_is_told_of_when_its_chunks_are_known() -> None:
    desk = SoundDesk()
    desk.begin(1, 4000)
    assert list(desk.greeting()) == []
    desk.take(1, 0, np.ones(118, np.int16))
    assert json.loads(next(iter(desk.greeting())))["chunk_samples"] == 59


class Clock:
    """The kit's monotonic clock, µs."""

    def __init__(self) -> None:
        self.us = 1_000_000

    def __call__(self) -> int:
        return self.us


def vitals(seq: int, device_id: str = "ox") -> LiveVitals:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    return LiveVitals(seq=seq, state="live", since=now, spo2_percent="97", pulse_per_min="64", device_id=device_id)


def test_packets_tell_the_kits_time_of_their_newest_chunk() -> None:
    """Frames of 118 samples come up to 40 ms late: each time told is that of the line through the earliest."""
    clock = Clock()
    desk = SoundDesk(clock)
    desk.begin(1, 4000)
    late = [0, 9, 40, 1, 0, 22, 5, 0, 31, 3] * 20
    told = []
    for frame, late_ms in enumerate(late):
        clock.us = 5_000_000 + (frame + 1) * 29_500 + late_ms * 1000
        for data, _ in desk.take(1, 118 * frame, np.ones(118, np.int16)):
            packet = parse(data)
            told.append(packet.time_us - 5_000_000 - packet.chunks[0].number * 14_750)
    assert min(told) >= 0
    assert max(told) < 1000


def test_the_time_of_a_chunk_sent_again_is_its_own() -> None:
    clock = Clock()
    desk = SoundDesk(clock)
    desk.begin(1, 4000)
    for second in range(3):
        clock.us = 1_000_000 * (second + 2)
        desk.take(1, 4000 * second, np.ones(4000, np.int16))
    (packet,) = desk.answer(Ask(stream=1, chunks=(10, 60)))
    assert isinstance(packet, bytes)
    assert parse(packet).time_us == 1_000_000 + 60 * 20_000


def test_the_vital_signs_of_now_ride_in_sound_packets_spread_out() -> None:
    desk = SoundDesk(Clock())
    desk.begin(1, 4000)
    desk.take(1, 0, np.ones(400, np.int16))
    assert desk.vitals(vitals(1)) == []
    desk.vitals(vitals(2))
    packets = [parse(data) for data, _ in desk.take(1, 400, np.ones(80 * 30, np.int16))]
    assert [place for place, packet in enumerate(packets) if packet.state] == [0, 1, 4, 9, 25]
    assert {packet.state for packet in packets if packet.state} == {vitals_block(vitals(2))}


def test_without_sound_they_have_a_packet_of_their_own() -> None:
    clock = Clock()
    desk = SoundDesk(clock)
    ((data, first),) = desk.vitals(vitals(1))
    alone = parse(data)
    assert (alone.chunks, alone.state, alone.time_us) == ((), vitals_block(vitals(1)), clock.us)
    desk.begin(1, 4000)
    desk.take(1, 0, np.ones(400, np.int16))
    clock.us += 5_000_000
    ((_, second),) = desk.vitals(vitals(2))
    assert first < second


def test_a_device_with_a_long_name_keeps_its_vital_signs_out_of_the_packets() -> None:
    assert len(vitals_block(vitals(1, "x" * 60))) < MAX_STATE_BYTES
    assert vitals_block(vitals(1, "x" * 400)) == b""
    assert SoundDesk(Clock()).vitals(vitals(1, "x" * 400)) == []


# what the message itself refuses is no case for the block
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf")), max_size=20)


@given(
    st.integers(0, 2**40),
    st.none() | PLAIN,
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
)
def test_any_vital_signs_fit_or_are_left_out(
    seq: int, text: str | None, measured: datetime | None, since: datetime
) -> None:
    message = LiveVitals(seq=seq, state="stale", since=since, spo2_percent=text, measured_at=measured, problem=text)
    assert len(vitals_block(message)) <= MAX_STATE_BYTES


async def test_vital_signs_reach_the_page_in_sound_packets(room: Any) -> None:
    """With sound and without: the block on the RTP way is the message on the data channel."""
    (page,) = await room.enter("doctor")
    states: list[bytes] = []
    store = page._store

    def keep(data: bytes) -> None:
        states.append(parse(data).state)
        store(data)

    page._store = keep  # type: ignore[method-assign]
    room.live.state(vitals(1))
    await page.until(lambda: vitals_block(vitals(1)) in states)
    room.live.sound_begin(1, 4000)
    room.live.sound(1, 0, np.ones(800, np.int16))
    room.live.state(vitals(2))
    room.live.sound(1, 800, np.ones(800, np.int16))
    await page.until(lambda: vitals_block(vitals(2)) in states)
