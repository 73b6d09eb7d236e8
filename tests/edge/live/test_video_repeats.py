"""A picture's packets over a path that loses: what is sent once more, and when it is better not to."""

import asyncio
from typing import Any

import pytest
from aiortc import RTCRtpSender
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpRtpfbPacket, RtpPacket

from carebag_edge.live.video_repeats import APART_S, VideoRepeats, worth_repeating


class Network:
    """Where a sender's packets go."""

    state = "connected"

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.closed = False

    async def _send_rtp(self, data: bytes) -> None:
        if self.closed:
            raise ConnectionError
        self.numbers.append(RtpPacket.parse(data).sequence_number)


def sender_of(network: Network, *numbers: int) -> RTCRtpSender:
    """A sender that sent one picture in packets of these numbers."""
    made: Any = RTCRtpSender("video", network)  # type: ignore[arg-type]
    for number in numbers:
        packet = RtpPacket(sequence_number=number, timestamp=9, marker=int(number == numbers[-1]), payload=b"picture")
        made._RTCRtpSender__rtp_history[number % 128] = packet
    made._RTCRtpSender__rtp_timestamp = 9
    return made  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("loss", "kbps", "worth"),
    [
        (0.05, 300, True),
        (0.0, 300, False),
        (0.009, 300, False),
        (0.01, 150, True),
        (0.15, 1500, True),
        (0.16, 300, False),
        (0.05, 149, False),
    ],
)
def test_repeats_need_a_path_that_loses_some_and_has_room(loss: float, kbps: int, worth: bool) -> None:
    assert worth_repeating(loss, kbps) is worth


async def test_what_the_page_missed_goes_out_twice_apart_in_time() -> None:
    network = Network()
    sender = sender_of(network, 5, 6)
    VideoRepeats(sender, lambda: True)
    await sender._handle_rtcp_packet(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=sender._ssrc, lost=[5]))
    assert network.numbers == [5]
    await asyncio.sleep(APART_S * 3)
    assert network.numbers == [5, 5]


async def test_the_end_of_a_picture_goes_out_once_more() -> None:
    network = Network()
    repeats = VideoRepeats(sender_of(network, 65_535, 0, 1), lambda: True)
    await asyncio.to_thread(repeats.picture_made)
    await asyncio.sleep(APART_S * 3)
    assert network.numbers == [1]
    assert repeats.repeated == 1


async def test_nothing_is_repeated_when_it_is_not_worth_it() -> None:
    network = Network()
    sender = sender_of(network, 5, 6)
    repeats = VideoRepeats(sender, lambda: False)
    repeats.picture_made()
    await sender._handle_rtcp_packet(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=sender._ssrc, lost=[5]))
    await asyncio.sleep(APART_S * 3)
    assert network.numbers == [5]
    assert repeats.repeated == 0


async def test_a_call_that_ended_meanwhile_is_no_fault() -> None:
    network = Network()
    repeats = VideoRepeats(sender_of(network, 5), lambda: True)
    repeats.picture_made()
    network.closed = True
    await asyncio.sleep(APART_S * 3)
    assert network.numbers == []
