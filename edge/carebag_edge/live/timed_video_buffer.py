"""A jitter buffer for received pictures: a hole is waited for so long and no longer, then a key frame is asked for.
aiortc's own waits until 512 packets came, half a minute at a low rate."""

from collections.abc import Callable
from typing import Any, Final

from aiortc.jitterbuffer import JitterFrame
from aiortc.utils import uint16_add

from carebag_edge.live.sequence_numbers import ahead

WAIT_S: Final = 0.4
"""For a packet that is missing: a resend takes a round trip and a little."""
KEY_AGAIN_S: Final = 0.5
MOST_PACKETS: Final = 512
FAR: Final = 1000


class TimedVideoBuffer:
    """Takes the place of aiortc's `JitterBuffer` for VP8; at most one picture comes out for each packet that goes in.

    After a hole that stayed, nothing is shown until the next key frame: pictures built on a lost one are smeared. Its
    last packet tells the end of a picture (RTP marker), so the next one need not be waited for.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._packets: dict[int, Any] = {}
        self._next: int | None = None
        """Sequence number that the next picture begins with."""
        self._hole_s: float | None = None
        # what is seen first may be the middle of something
        self._key_only = True
        self._asked_s = monotonic()

    def add(self, packet: Any) -> tuple[bool, JitterFrame | None]:
        """Take an RTP packet with `sequence_number`, `timestamp`, `marker` and `_data` (VP8 without its descriptor).

        Returns: whether to ask for a key frame, and the next whole picture if there is one.
        """
        now = self._monotonic()
        number = packet.sequence_number
        if self._next is None or abs(ahead(number, self._next)) > FAR:
            self._packets.clear()
            self._next, self._hole_s = number, None
        if ahead(number, self._next) < 0:
            return False, None
        self._packets[number] = packet
        frame = self._picture()
        if frame is None and self._overdue(now):
            self._skip()
            frame = self._picture()
        return self._ask(now), frame

    def _picture(self) -> JitterFrame | None:
        """The next whole picture; those that build on a lost one are passed over."""
        while (packets := self._whole()) is not None:
            assert self._next is not None
            self._next = uint16_add(self._next, len(packets))
            self._hole_s = None
            data = b"".join(packet._data for packet in packets)
            if self._key_only and not _is_key(data):
                continue
            self._key_only = False
            return JitterFrame(data=data, timestamp=packets[0].timestamp)
        return None

    def _whole(self) -> list[Any] | None:
        """Take out the packets of the picture at `_next` if all are there."""
        assert self._next is not None
        packets, number = [], self._next
        while (packet := self._packets.get(number)) is not None:
            packets.append(packet)
            number = uint16_add(number, 1)
            if packet.marker:
                for one in packets:
                    del self._packets[one.sequence_number]
                return packets
        return None

    def _overdue(self, now: float) -> bool:
        """Whether what is missing was waited for long enough; a picture that is only still coming is no hole."""
        assert self._next is not None
        if len(self._packets) >= MOST_PACKETS:
            return True
        number = self._next
        while number in self._packets:
            number = uint16_add(number, 1)
        if not any(ahead(held, number) > 0 for held in self._packets):
            self._hole_s = None
            return False
        if self._hole_s is None:
            self._hole_s = now
        return now - self._hole_s >= WAIT_S

    def _skip(self) -> None:
        """Leave the broken picture and go on with the first later one."""
        assert self._next is not None
        first = self._next
        in_order = sorted(self._packets, key=lambda held: ahead(held, first))
        # the first packet behind the hole may be the middle of a picture that lost its beginning
        behind = [held for at, held in enumerate(in_order) if held != uint16_add(first, at)]
        times = {self._packets[held].timestamp for held in (in_order[0], *behind[:1])}
        for held in in_order:
            if self._packets[held].timestamp in times:
                del self._packets[held]
        left = [held for held in in_order if held in self._packets]
        self._next = left[0] if left else uint16_add(in_order[-1], 1)
        self._hole_s = None
        self._key_only = True

    def _ask(self, now: float) -> bool:
        if not self._key_only or now - self._asked_s < KEY_AGAIN_S:
            return False
        self._asked_s = now
        return True


def _is_key(data: bytes) -> bool:
    """RFC 6386, 9.1: the first bit of a key frame is 0, and behind its tag comes a start code."""
    return len(data) >= 6 and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a"
