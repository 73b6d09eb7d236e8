"""Jitter buffers for what the kit receives, on made-up packet lists."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.fixed_delay_audio_buffer import DELAY_PACKETS, FixedDelayAudioBuffer
from carebag_edge.live.sequence_numbers import ahead
from carebag_edge.live.timed_video_buffer import MOST_PACKETS, WAIT_S, TimedVideoBuffer

KEY, DELTA = b"\x00\x00\x00\x9d\x01\x2a", b"\x01"


@dataclass
class Packet:
    sequence_number: int
    timestamp: int
    _data: bytes = b""
    marker: int = 1


def voice(number: int) -> Packet:
    return Packet(number & 0xFFFF, number * 960 & 0xFFFFFFFF, b"%d" % number)


def hear(numbers: list[int]) -> list[int]:
    buffer, out = FixedDelayAudioBuffer(), []
    for number in numbers:
        key, frame = buffer.add(voice(number))
        assert not key
        if frame is not None:
            out.append(int(frame.data))
    return out


def test_numbers_wrap() -> None:
    assert ahead(3, 65_534) == 5
    assert ahead(65_534, 3) == -5


def test_voice_comes_in_order_80_ms_later() -> None:
    assert hear(list(range(65_530, 65_550))) == list(range(65_530, 65_546))


def test_a_lost_packet_costs_no_other() -> None:
    lost = [number for number in range(200) if number % 10]
    assert hear(lost) == lost[: len(hear(lost))]
    assert len(hear(lost)) >= len(lost) - DELAY_PACKETS


def test_packets_that_change_places_are_put_right() -> None:
    swapped = [number ^ 1 for number in range(100)]
    assert hear(swapped) == list(range(len(hear(swapped))))


def test_too_late_or_twice_is_passed_over() -> None:
    out = hear([*range(20), 3, 19, 20, 20, *range(21, 40)])
    assert out == sorted(set(out))


def test_a_sender_that_begins_anew_is_followed() -> None:
    out = hear([*range(20), *range(20_000, 20_020), *range(500, 520)])
    assert out[-1] >= 515


@given(st.lists(st.integers(0, 65_535), max_size=300))
def test_any_numbers_are_taken_and_little_is_held(numbers: list[int]) -> None:
    buffer = FixedDelayAudioBuffer()
    for number in numbers:
        buffer.add(Packet(number, 0))
        assert len(buffer._waiting) <= DELAY_PACKETS + 1


class Watcher:
    """A receiver of pictures with a clock in the test's hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.buffer = TimedVideoBuffer(lambda: self.now)
        self.pictures: list[bytes] = []
        self.key_asks = 0

    def take(self, *packets: Packet) -> None:
        for packet in packets:
            key, frame = self.buffer.add(packet)
            self.key_asks += key
            if frame is not None:
                self.pictures.append(frame.data)


def picture(first: int, time: int, head: bytes = DELTA, packets: int = 3) -> list[Packet]:
    bodies = [head + b"a%d" % time, *[b"%d" % at for at in range(1, packets)]]
    return [Packet((first + at) & 0xFFFF, time, body, int(at == packets - 1)) for at, body in enumerate(bodies)]


def whole(time: int, head: bytes = DELTA) -> bytes:
    return head + b"a%d12" % time


def test_a_picture_is_given_with_its_own_last_packet() -> None:
    watcher = Watcher()
    watcher.take(*picture(65_534, 1, KEY))
    assert watcher.pictures == [whole(1, KEY)]
    watcher.take(*picture(1, 2))
    assert watcher.pictures == [whole(1, KEY), whole(2)]


def test_a_resent_packet_is_waited_for() -> None:
    watcher = Watcher()
    first, late, third = picture(3, 2)
    watcher.take(*picture(0, 1, KEY), first, third, *picture(6, 3))
    watcher.now += WAIT_S / 2
    watcher.take(late, *picture(9, 4), *picture(12, 5))
    assert watcher.pictures == [whole(1, KEY), whole(2), whole(3), whole(4), whole(5)][: len(watcher.pictures)]
    assert len(watcher.pictures) >= 4
    assert watcher.key_asks == 0


def test_what_never_comes_is_given_up_and_a_key_frame_asked_for() -> None:
    watcher = Watcher()
    watcher.take(*picture(0, 1, KEY), *picture(3, 2)[:1], *picture(3, 2)[2:])
    for number in range(2, 12):
        watcher.now += 1 / 15
        watcher.take(*picture(3 * number, number + 1))
    assert watcher.key_asks >= 1
    # pictures that build on the lost one are not shown
    assert watcher.pictures == [whole(1, KEY)]
    watcher.take(*picture(36, 13, KEY), *picture(39, 14))
    assert watcher.pictures[1:] == [whole(13, KEY), whole(14)]


def test_an_outage_ends_with_the_next_key_frame() -> None:
    watcher = Watcher()
    watcher.take(*picture(0, 1, KEY))
    watcher.now += 5.0
    watcher.take(*picture(153, 52)[1:], *picture(156, 53))
    watcher.now += WAIT_S
    watcher.take(*picture(159, 54), *picture(162, 55, KEY), *picture(165, 56))
    assert watcher.pictures == [whole(1, KEY), whole(55, KEY), whole(56)]


PACKETS = st.lists(
    st.tuples(st.integers(0, 65_535), st.integers(0, 5), st.binary(max_size=8), st.integers(0, 1), st.floats(0, 1)),
    max_size=200,
)


@given(PACKETS)
def test_any_packets_are_taken(packets: list[tuple]) -> None:
    watcher = Watcher()
    for number, time, data, marker, wait in packets:
        watcher.now += wait
        watcher.take(Packet(number, time, data, marker))
        assert len(watcher.buffer._packets) <= MOST_PACKETS


def test_a_picture_without_end_is_given_up() -> None:
    watcher = Watcher()
    watcher.take(*[Packet(number, 1, DELTA, 0) for number in range(3 * MOST_PACKETS)])
    assert len(watcher.buffer._packets) <= MOST_PACKETS
    assert watcher.pictures == []


@given(st.lists(st.integers(0, 2), min_size=30, max_size=120))
def test_pictures_come_whole_and_in_order_whatever_is_lost(fates: list[int]) -> None:
    """Fate of each packet: 0 and 1 it comes, 2 it is lost."""
    watcher, sent = Watcher(), []
    for number, fate in enumerate(fates):
        time, part = divmod(number, 3)
        head = KEY if time % 4 == 0 else DELTA
        sent.append(picture(3 * time, time, head)[part])
        watcher.now += 0.02
        if fate < 2:
            watcher.take(sent[-1])
    full = [whole(time, KEY if time % 4 == 0 else DELTA) for time in range(len(fates) // 3 + 1)]
    at = -1
    for shown in watcher.pictures:
        assert shown in full[at + 1 :]
        at = full.index(shown)
