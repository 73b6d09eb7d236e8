"""The sending side of the live sound, and what a page may ask of it."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.exact_sound import parse
from carebag_edge.live.sound_desk import MAX_ASKED, Ask, SoundDesk

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
    desk.take(1, 0, np.ones(4000 * 200, np.int16))
    where, packet = list(desk.answer(Ask(stream=1, chunks=(0, 9999))))
    assert json.loads(where)["oldest_chunk"] == 1000
    assert isinstance(packet, bytes)
    assert [chunk.number for chunk in parse(packet).chunks] == [9999]
