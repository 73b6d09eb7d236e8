"""The cures still reach the parts of aiortc that they change. When one of these fails after an upgrade, look at the
part first: `edge/carebag_edge/live/cures.py` says what each is for."""

import asyncio
import importlib.metadata
import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.codecs import CODECS, get_encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpreceiver import RemoteStreamTrack
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpReceiverInfo, RtcpRrPacket, RtcpRtpfbPacket, RtpPacket
from av import VideoFrame

from carebag_edge.live import cures
from carebag_edge.live.rate_controller import PathReport, VideoStep
from carebag_edge.live.video_encoder import SteppedVp8Encoder


def test_the_version_that_was_looked_at() -> None:
    assert importlib.metadata.version("aiortc").startswith("1.16.")


class Transport:
    state = "connected"


def sender() -> RTCRtpSender:
    return RTCRtpSender("video", Transport())  # type: ignore[arg-type]


async def test_a_sender_has_room_for_our_encoder() -> None:
    made = sender()
    assert made._RTCRtpSender__encoder is None
    encoder = SteppedVp8Encoder(lambda: None, lambda stamp: None)
    cures.place_encoder(made, encoder)
    assert made._RTCRtpSender__encoder is encoder


async def test_a_sender_tells_the_time_it_sent_last() -> None:
    made = sender()
    assert cures.last_rtp_time(made) == 0
    made._RTCRtpSender__rtp_timestamp = 77
    assert cures.last_rtp_time(made) == 77


def report_of(made: RTCRtpSender, ssrc: int, lsr: int) -> RtcpRrPacket:
    info = RtcpReceiverInfo(
        ssrc=ssrc, fraction_lost=64, packets_lost=3, highest_sequence=9, jitter=0, lsr=lsr, dlsr=6554
    )
    return RtcpRrPacket(ssrc=1, reports=[info])


async def test_each_receiver_report_is_told_with_its_own_round_trip() -> None:
    made, told = sender(), list[PathReport]()
    cures.watch_reports(made, told.append)
    assert made._RTCRtpSender__lsr is None
    made._RTCRtpSender__lsr, made._RTCRtpSender__lsr_time = 5, time.time() - 0.2
    made.transport._stats_id = "x"  # type: ignore[attr-defined]
    await made._handle_rtcp_packet(report_of(made, made._ssrc, 5))
    await made._handle_rtcp_packet(report_of(made, made._ssrc, 4))
    await made._handle_rtcp_packet(report_of(made, made._ssrc + 1, 5))
    assert [report.loss for report in told] == [0.25, 0.25]
    assert told[0].rtt_ms is not None
    # 200 ms ago, of which the page held it for 100
    assert told[0].rtt_ms >= 99.0
    assert told[1].rtt_ms is None
    # aiortc's own book-keeping goes on
    assert made._RTCRtpSender__rtt is not None


class Sent(Transport):
    """What a sender gives to the network."""

    def __init__(self) -> None:
        self.packets: list[RtpPacket] = []

    async def _send_rtp(self, data: bytes) -> None:
        self.packets.append(RtpPacket.parse(data))


def history_of(made: RTCRtpSender) -> dict[int, RtpPacket]:
    kept: dict[int, RtpPacket] = made._RTCRtpSender__rtp_history
    return kept


async def test_a_sender_tells_the_end_of_its_last_picture_once_it_is_sent() -> None:
    made = sender()
    assert cures.end_of_picture(made) is None
    for number, marker in ((65_534, 0), (65_535, 1), (0, 0), (1, 1)):
        packet = RtpPacket(sequence_number=number, timestamp=9 if number < 2 else 5, marker=marker)
        history_of(made)[number % 128] = packet
    made._RTCRtpSender__rtp_timestamp = 9
    assert cures.end_of_picture(made) == 1
    made._RTCRtpSender__rtp_timestamp = 11
    assert cures.end_of_picture(made) is None


async def test_what_a_page_missed_is_sent_again_as_we_say() -> None:
    network = Sent()
    made = RTCRtpSender("video", network)  # type: ignore[arg-type]
    history_of(made)[7] = RtpPacket(sequence_number=7, timestamp=9, payload=b"picture")
    asked: list[int] = []

    async def answer(number: int, send: Any) -> None:
        asked.append(number)
        await send(number)
        await send(number)

    cures.answer_losses(made, answer)
    await made._handle_rtcp_packet(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=made._ssrc, lost=[7]))
    assert asked == [7]
    assert [packet.payload for packet in network.packets] == [b"picture", b"picture"]


async def test_a_receiver_has_room_for_our_buffer() -> None:
    receiver = RTCRtpReceiver("audio", Transport())  # type: ignore[arg-type]
    assert isinstance(receiver._RTCRtpReceiver__jitter_buffer, JitterBuffer)
    buffer = object()
    cures.place_buffer(receiver, buffer)
    assert receiver._RTCRtpReceiver__jitter_buffer is buffer


async def test_a_received_track_keeps_its_newest_frames_only() -> None:
    track = RemoteStreamTrack("audio")
    assert isinstance(track._queue, asyncio.Queue)
    queue = cures.bound_frames(track, 3)
    for number in range(10):
        await track._queue.put(number)
    assert queue.dropped == 7
    assert [await track.recv() for _ in range(3)] == [7, 8, 9]  # type: ignore[comparison-overlap]
    await track._queue.put(None)
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_red_is_offered_for_the_track_that_wants_it_and_no_other() -> None:
    cures.offer_red()
    cures.offer_red()
    assert sum(codec.mimeType == cures.RED for codec in CODECS["audio"]) == 1
    from carebag_edge.live.aiortc_peer import _codecs

    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio", direction="sendonly").setCodecPreferences(_codecs(["audio/opus"]))
    connection.addTransceiver("audio", direction="sendonly").setCodecPreferences(_codecs([cures.RED, "audio/opus"]))
    first, second = (await connection.createOffer()).sdp.split("m=audio")[1:]
    await connection.close()
    assert "red/48000" not in first
    assert "a=rtpmap:120 red/48000/2" in second
    assert "a=fmtp:120 96/96" in second
    assert second.split()[2:4] == ["120", "96"]


def frame(number: int, width: int = 640, height: int = 360) -> VideoFrame:
    noise = np.random.default_rng(number).integers(16, 235, (height * 3 // 2, width)).astype(np.uint8)
    made = VideoFrame.from_ndarray(noise, format="yuv420p")
    made.pts, made.time_base = number * 6000, Fraction(1, 90_000)
    return made


class Encoded:
    """The encoder with the step in the test's hand."""

    def __init__(self, step: VideoStep | None) -> None:
        self.step = step
        self.befores: list[int | None] = []
        self.encoder = SteppedVp8Encoder(lambda: self.step, self.befores.append)

    def give(self, *numbers: int, key: bool = False) -> list[list[bytes]]:
        return [self.encoder.encode(frame(number), key)[0] for number in numbers]


def is_key(payloads: list[bytes]) -> bool:
    # behind the four bytes of the payload descriptor: RFC 7741
    return not payloads[0][4] & 1


def test_the_encoder_starts_where_the_controller_says_not_at_500() -> None:
    encoded = Encoded(VideoStep(150, 15.0))
    assert isinstance(encoded.encoder, Vp8Encoder)
    encoded.give(0)
    assert encoded.encoder.codec.bit_rate == 150_000


def test_the_pages_own_estimate_builds_no_encoder_and_no_key_frame() -> None:
    encoded = Encoded(VideoStep(150, 15.0))
    encoded.give(0)
    codec = encoded.encoder.codec
    for number in range(1, 12):
        encoded.encoder.target_bitrate = 10_000 * number
        encoded.give(number)
    assert encoded.encoder.codec is codec
    assert encoded.encoder.keys == 1


def test_a_step_builds_an_encoder_and_begins_with_a_key_frame() -> None:
    encoded = Encoded(VideoStep(150, 15.0))
    encoded.give(0, 1)
    encoded.step = VideoStep(225, 15.0)
    (payloads,) = encoded.give(2)
    assert is_key(payloads)
    assert encoded.encoder.codec.bit_rate == 225_000


def test_asked_key_frames_come_but_no_more_than_two_a_second() -> None:
    encoded = Encoded(VideoStep(150, 15.0))
    keys = [is_key(payloads) for payloads in encoded.give(*range(31), key=True)]
    assert [number for number, key in enumerate(keys) if key] == [0, 8, 16, 24]


def test_fewer_pictures_when_the_step_says_so_and_none_for_none() -> None:
    encoded = Encoded(VideoStep(60, 5.0))
    given = [bool(payloads) for payloads in encoded.give(*range(30))]
    assert 9 <= sum(given) <= 11
    encoded.step = None
    assert encoded.give(30, 31, 32) == [[], [], []]
    # wanted while nothing was sent: not forgotten
    encoded.give(33, key=True)
    encoded.step = VideoStep(60, 15.0)
    assert is_key(next(payloads for payloads in encoded.give(*range(34, 38)) if payloads))


def test_the_encoder_says_before_each_picture_which_one_was_sent_last() -> None:
    encoded = Encoded(VideoStep(60, 7.5))
    encoded.give(0, 1, 2, 3)
    assert encoded.befores == [None, 0, 0, 12_000]


def test_another_size_builds_another_encoder() -> None:
    encoded = Encoded(VideoStep(150, 15.0))
    encoded.give(0)
    payloads, _ = encoded.encoder.encode(frame(1, 320, 240))
    assert is_key(payloads)


def test_aiortc_asks_this_class_of_encoder_for_vp8() -> None:
    vp8: Any = next(codec for codec in CODECS["video"] if codec.mimeType == "video/VP8")
    assert isinstance(get_encoder(vp8), Vp8Encoder)
