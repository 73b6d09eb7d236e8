"""Sound packets as an audio track: they travel under the negotiated audio codec's payload type, never through a codec.

aiortc sends a ready `av.Packet` as it is. The receiving page takes the payload out before its decoder.
Nothing is sent while nobody listens: ICE consent keeps the path open, and silence is not made up.
"""

import asyncio
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet

_RTP_CLOCK = Fraction(1, 48_000)
_WAITING = 50
"""Packets that may wait for a slow transport (1 s); older ones are dropped, the repair channel brings them back."""


class SoundTrack(MediaStreamTrack):
    """One doctor's copy of the live sound; paced by the samples that arrive, not by a clock."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._queue: asyncio.Queue[Packet[Any] | None] = asyncio.Queue()
        self.dropped = 0

    def push(self, data: bytes, rtp_time: int) -> None:
        """Queue one packet.

        Args:
            data: a sound packet, at most 1200 bytes.
            rtp_time: its time on the 48 kHz RTP clock, rising over all streams of the connection.
        """
        if self._queue.qsize() >= _WAITING:
            self._queue.get_nowait()
            self.dropped += 1
        packet = Packet(data)
        packet.pts = rtp_time
        packet.time_base = _RTP_CLOCK
        self._queue.put_nowait(packet)

    async def recv(self) -> "Packet[Any]":
        packet = await self._queue.get() if self.readyState == "live" else None
        if packet is None:
            raise MediaStreamError
        return packet

    def stop(self) -> None:
        super().stop()
        self._queue.put_nowait(None)
