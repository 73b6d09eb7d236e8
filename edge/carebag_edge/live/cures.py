"""What aiortc 1.16 lacks on a rural link, each cure in a function of its own so that it can be offered upstream.

They reach into aiortc's objects of one connection, never into its modules, except `offer_red`.
`tests/edge/live/test_cures.py` fails when something here no longer reaches its part.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiortc import MediaStreamTrack, RTCRtpReceiver, RTCRtpSender
from aiortc.codecs import CODECS
from aiortc.codecs.base import Encoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtcpRrPacket, RtcpSrPacket

from carebag_edge.live.rate_controller import PathReport

RED_PAYLOAD_TYPE: Final = 120
RED: Final = "audio/red"


def place_encoder(sender: RTCRtpSender, encoder: Encoder) -> None:
    """Let a sender use this encoder; aiortc makes its own at the first picture unless there is one."""
    sender._RTCRtpSender__encoder = encoder  # type: ignore[attr-defined]


def last_rtp_time(sender: RTCRtpSender) -> int:
    """RTP time of the packet sent last (aiortc adds a random offset that it tells nobody)."""
    return int(sender._RTCRtpSender__rtp_timestamp)  # type: ignore[attr-defined]


def watch_reports(sender: RTCRtpSender, told: Callable[[PathReport], None]) -> None:
    """Call `told` for each receiver report; aiortc keeps only a mean round trip that is ten seconds slow."""
    inner: Callable[[Any], Awaitable[None]] = sender._handle_rtcp_packet

    async def handle(packet: Any) -> None:
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == sender._ssrc:
                    told(PathReport(report.fraction_lost / 256, _round_trip_ms(sender, report)))
        await inner(packet)

    sender._handle_rtcp_packet = handle  # type: ignore[method-assign]


def _round_trip_ms(sender: RTCRtpSender, report: Any) -> float | None:
    sent: float | None = sender._RTCRtpSender__lsr_time  # type: ignore[attr-defined]
    held_s: float = report.dlsr / 65_536
    if sent is None or not report.dlsr or report.lsr != sender._RTCRtpSender__lsr:  # type: ignore[attr-defined]
        return None
    return max(0.0, (time.time() - sent - held_s) * 1000)


def end_of_picture(sender: RTCRtpSender) -> int | None:
    """Sequence number of the last packet of the picture that was sent last; None while it is on its way out."""
    stamp = last_rtp_time(sender)
    history: dict[int, Any] = sender._RTCRtpSender__rtp_history  # type: ignore[attr-defined]
    for packet in history.values():
        if packet.timestamp == stamp and packet.marker:
            return int(packet.sequence_number)
    return None


def answer_losses(
    sender: RTCRtpSender, answer: Callable[[int, Callable[[int], Awaitable[None]]], Awaitable[None]]
) -> None:
    """Let `answer(number, send)` decide how a packet that the page missed is sent again; aiortc sends it once."""
    inner: Callable[[int], Awaitable[None]] = sender._retransmit

    async def retransmit(sequence_number: int) -> None:
        await answer(sequence_number, inner)

    sender._retransmit = retransmit  # type: ignore[method-assign]


def place_buffer(receiver: RTCRtpReceiver, buffer: Any) -> None:
    """Let a receiver use this jitter buffer (`add(packet) -> (ask for a key frame?, frame or None)`)."""
    receiver._RTCRtpReceiver__jitter_buffer = buffer  # type: ignore[attr-defined]


class NewestFrames(asyncio.Queue[Any]):
    """A queue that drops its oldest when it is full; None, the end, always fits."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self.dropped = 0

    async def put(self, item: Any) -> None:
        while self.qsize() >= self._most:
            self.get_nowait()
            self.dropped += 1
        self.put_nowait(item)


def bound_frames(track: MediaStreamTrack, most: int) -> NewestFrames:
    """Bound what a received track keeps for a reader who is slow or away; call it before media comes.

    As shipped it grows by a picture each time, 150 MB in twenty seconds.
    """
    queue = NewestFrames(most)
    track._queue = queue  # type: ignore[attr-defined]
    return queue


def offer_red() -> None:
    """Let audio be sent with redundancy (RFC 2198) where a page takes it; may be called again."""
    if any(codec.mimeType == RED for codec in CODECS["audio"]):
        return
    opus = next(codec for codec in CODECS["audio"] if codec.mimeType == "audio/opus")
    CODECS["audio"].append(
        RTCRtpCodecParameters(
            mimeType=RED,
            clockRate=48_000,
            channels=2,
            payloadType=RED_PAYLOAD_TYPE,
            parameters={f"{opus.payloadType}/{opus.payloadType}": None},
        )
    )
