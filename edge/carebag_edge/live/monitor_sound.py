"""Body sound for extra listeners: Opus in audio mode, mono, 64 kbit/s, each packet repeated once (RED, RFC 2198).

Fed by the same exact samples as the doctor's packets. It is for listening along and labelled so: a page's decoder
conceals and stretches, so nothing is measured or decided from it.
"""

from fractions import Fraction
from typing import Any, Final

import numpy as np
from aiortc.codecs.base import Encoder
from aiortc.mediastreams import convert_timebase
from av import AudioFrame
from numpy.typing import NDArray

from carebag_edge.live.opus_packets import PACKET_SAMPLES, RATE_HZ, OpusPackets

BITS_PER_S: Final = 64_000
_MOST_BACK: Final = (1 << 14) - 1
_MOST_BYTES: Final = (1 << 10) - 1
_LATE_S: Final = 0.2
"""A jump of the numbers up to so much is filled with silence; a longer one moves the time on."""


class MonitorSound:
    """One encoder for all listeners; streams follow each other on one 48 kHz time line."""

    def __init__(self) -> None:
        self._opus: OpusPackets | None = None
        self._stream: int | None = None
        self._rate_hz = 0
        self._position = 0
        self._rtp_time = 0

    def begin(self, stream: int, rate_hz: int, t_us: int) -> None:
        """A stream begins at kit time `t_us`, microseconds."""
        self._opus, self._stream, self._rate_hz, self._position = OpusPackets("audio", BITS_PER_S), stream, rate_hz, 0
        self._rtp_time = max(self._rtp_time, t_us * RATE_HZ // 1_000_000)

    def take(self, stream: int, first_sample: int, samples: NDArray[np.int16]) -> list[tuple[bytes, int]]:
        """Packets to send now with their RTP times. What comes late, or of another stream, is not played."""
        if self._opus is None or stream != self._stream:
            return []
        late = max(0, self._position - first_sample)
        samples = samples[late:]
        if not len(samples):
            return []
        gap = first_sample + late - self._position
        self._position += gap + len(samples)
        if gap > _LATE_S * self._rate_hz:
            self._rtp_time += gap * RATE_HZ // self._rate_hz
            gap = 0
        return self._encode(np.concatenate([np.zeros(gap, np.int16), samples]))

    def _encode(self, samples: NDArray[np.int16]) -> list[tuple[bytes, int]]:
        assert self._opus is not None
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self._rate_hz
        packets = []
        for packet in self._opus.feed(frame):
            packets.append((packet, self._rtp_time))
            self._rtp_time += PACKET_SAMPLES
        return packets

    def end(self, stream: int) -> None:
        if stream == self._stream:
            self._opus = self._stream = None


class RedPacker(Encoder):
    """Puts the packet before into each packet, so that a single loss is healed without waiting."""

    def __init__(self, opus_payload_type: int) -> None:
        self._type = opus_payload_type
        self._before: tuple[int, bytes] | None = None

    def encode(self, frame: Any, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """Never called: what is sent here is packets already."""
        raise NotImplementedError

    def pack(self, packet: Any) -> tuple[list[bytes], int]:
        time, data = convert_timebase(packet.pts, packet.time_base, Fraction(1, RATE_HZ)), bytes(packet)
        before, self._before = self._before, (time, data)
        if before is None or not 0 < time - before[0] <= _MOST_BACK or len(before[1]) > _MOST_BYTES:
            return [bytes([self._type]) + data], time
        # F=1, block PT 7 bits, timestamp offset 14 bits, block length 10 bits
        block = (1 << 31) | (self._type << 24) | ((time - before[0]) << 10) | len(before[1])
        return [block.to_bytes(4, "big") + bytes([self._type]) + before[1] + data], time
