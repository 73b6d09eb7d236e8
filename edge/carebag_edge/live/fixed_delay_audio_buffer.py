"""A jitter buffer for received voice: each packet waits for a fixed number of later ones, and what is missing by then
is passed over. aiortc's own waits at a hole until it is full and then throws the good packets behind it away too (four
good ones for each lost one)."""

from typing import Any, Final

from aiortc.jitterbuffer import JitterFrame

from carebag_edge.live.sequence_numbers import ahead

DELAY_PACKETS: Final = 4
"""80 ms of packets of 20 ms."""
FAR: Final = 1000
"""A jump of so many packets either way is a new beginning of the sender."""


class FixedDelayAudioBuffer:
    """Takes the place of aiortc's `JitterBuffer`: at most one frame comes out for each packet that goes in.

    Holds at most `delay` + 1 packets; gives frames with rising sequence numbers.
    """

    def __init__(self, delay: int = DELAY_PACKETS) -> None:
        self._delay = delay
        self._waiting: dict[int, Any] = {}
        self._given: int | None = None
        """Sequence number of the frame given last."""

    def add(self, packet: Any) -> tuple[bool, JitterFrame | None]:
        """Take an RTP packet with `sequence_number`, `timestamp` and `_data`; never asks for a key frame."""
        number = packet.sequence_number
        if self._given is not None:
            step = ahead(number, self._given)
            if abs(step) > FAR:
                self._waiting.clear()
                self._given = None
            elif step <= 0:
                return False, None  # too late, or twice
        if any(abs(ahead(number, held)) > FAR for held in self._waiting):
            self._waiting.clear()
        self._waiting.setdefault(number, packet)
        return False, self._due()

    def _due(self) -> JitterFrame | None:
        anchor = next(iter(self._waiting))
        in_order = sorted(self._waiting, key=lambda number: ahead(number, anchor))
        if ahead(in_order[-1], in_order[0]) < self._delay:
            return None
        packet = self._waiting.pop(in_order[0])
        self._given = packet.sequence_number
        return JitterFrame(data=packet._data, timestamp=packet.timestamp)
