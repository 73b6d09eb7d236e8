"""Voice between the kit's own microphone and loudspeaker and a page, where the nurse has no tablet of her own."""

import asyncio
import contextlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet

from carebag_edge.live.opus_packets import PACKET_SAMPLES, RATE_HZ, OpusPackets

BITS_PER_S: Final = 24_000
WAITING: Final = 10
"""Frames of received voice that may wait for the loudspeaker (200 ms)."""


class VoiceTrack(MediaStreamTrack):
    """The microphone as Opus packets of 24 kbit/s mono."""

    kind = "audio"

    def __init__(self, microphone: Any) -> None:
        """`microphone` is a track of `av.AudioFrame`s; it is stopped with this one."""
        super().__init__()
        self._microphone = microphone
        self._opus = OpusPackets("voip", BITS_PER_S)
        self._ready: list[bytes] = []
        self._time = 0

    async def recv(self) -> "Packet[Any]":
        while not self._ready:
            if self.readyState != "live":
                raise MediaStreamError
            self._ready = self._opus.feed(await self._microphone.recv())
        packet: Packet[Any] = Packet(self._ready.pop(0))
        packet.pts, packet.time_base = self._time, Fraction(1, RATE_HZ)
        self._time += PACKET_SAMPLES
        return packet

    def stop(self) -> None:
        super().stop()
        self._microphone.stop()


async def pass_on(voice: MediaStreamTrack, hear: Callable[[Any], None]) -> None:
    """Give each frame of a received track to `hear` until the track ends."""
    with contextlib.suppress(MediaStreamError, asyncio.CancelledError):
        while True:
            hear(await voice.recv())
