"""What each viewer's path is like, what guests get, voice both ways, floods; between real peers in this process."""

import asyncio
import json
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from carebag_edge.live.aiortc_peer import AiortcPeer
from carebag_edge.live.fixed_delay_audio_buffer import FixedDelayAudioBuffer
from carebag_edge.live.port import Outgoing, PeerEvents, Talk
from carebag_edge.live.talk import WAITING
from carebag_wire.visit import LiveVitals, SoundEnd

RATE = 4000


async def test_the_path_to_a_viewer_is_told(room: Any) -> None:
    (page,) = await room.enter("doctor")
    async with asyncio.timeout(20):
        while not room.live.quality() or room.live.quality()["doctor"].rtt_ms is None:
            await page.next_ping()
    quality = room.live.quality()["doctor"]
    assert quality.rtt_ms >= 0
    assert 0.0 <= quality.loss <= 1.0
    assert 0 <= quality.video_step <= 8
    assert quality.silent_s < 20


async def test_no_picture_means_none_and_sound_goes_on(room: Any) -> None:
    room.live.limit_video("none")
    (page,) = await room.enter("doctor")
    await page.until(lambda: len(page.heard("ping")) > 2)
    quality = room.live.quality()["doctor"]
    assert (quality.video_step, quality.video_fps) == (-1, 0.0)
    room.live.sound_begin(1, RATE)
    room.live.sound(1, 0, np.arange(400, dtype=np.int16))
    await page.until(lambda: len(page.chunks) >= 5)
    room.live.limit_video("less")
    await asyncio.wait_for(page.tracks["video"].recv(), 20)


async def test_the_kit_tells_which_rtp_time_is_which_time_of_its_own(room: Any) -> None:
    (page,) = await room.enter("doctor")
    seen: list[tuple[int, int]] = []
    receiver = next(one.receiver for one in page.connection.getTransceivers() if one.kind == "video")
    inner = receiver._handle_rtp_packet

    async def look(packet: Any, arrival_time_ms: int) -> None:
        if packet.payload:
            seen.append((packet.timestamp, room.live._monotonic_us()))
        await inner(packet, arrival_time_ms)

    receiver._handle_rtp_packet = look
    await page.until(lambda: len(page.heard("clock")) >= 2 and len(seen) > 20)
    clock = page.heard("clock", "live")[-1]
    assert page.labels[clock["mid"]] == clock["track"] == "camera"
    ages = []
    for timestamp, now_us in seen[-20:]:
        ahead = (timestamp - clock["rtp"] + 2**31) % 2**32 - 2**31
        ages.append(now_us - (clock["t_us"] + ahead * 1_000_000 / clock["rate_hz"]))
    # a picture is stamped before it is encoded and sent, and the quickest is quick
    assert min(ages) >= 0
    assert min(ages) < 2_000_000


async def test_a_guest_gets_monitor_sound_and_no_exact_samples(room: Any) -> None:
    page = room.page("guest")
    await room.live.set_viewers(room.visit_id, ["guest"], guests={"guest"})
    payloads: list[bytes] = []
    page.raw = payloads.append
    await page.until(lambda: page.repair is not None and len(page.heard("ping")) > 0)
    assert sorted(page.labels.values()) == ["camera", "monitor"]
    room.live.sound_begin(1, RATE)
    for first in range(0, 2 * RATE, 118):
        room.live.sound(1, first, np.zeros(118, np.int16))
    await page.until(lambda: len(payloads) >= 30)
    # RED: a block header with the Opus payload type, then the Opus one
    assert payloads[-1][0] == 0x80 | 96
    assert payloads[-1][4] == 96
    page.repair.send(json.dumps({"type": "sound_ask", "stream": 1, "chunks": [0, 1], "carry": True, "end": True}))
    room.live.state(LiveVitals(seq=1, state="live", since=datetime(2026, 11, 23, tzinfo=UTC), spo2_percent="97"))
    room.live.sound_end(SoundEnd(stream=1, samples=2 * RATE, gaps=[], sha256="0" * 64))
    await page.next_ping()
    await page.next_ping()
    assert page.chunks == {}
    assert {message["type"] for message in page.messages} <= {"ping", "clock"}
    assert room.live.quality() == {}


async def test_a_page_that_floods_the_repair_channel_is_answered_within_bounds(room: Any) -> None:
    (page,) = await room.enter("doctor")
    room.live.sound_begin(1, RATE)
    room.live.sound(1, 0, np.random.default_rng(1).integers(-9000, 9000, 4 * RATE).astype(np.int16))
    asked = json.dumps({"type": "sound_ask", "stream": 1, "chunks": list(range(128))})
    call = room.live._calls["doctor"]
    understood = []
    inner = room.live._sound.answer
    room.live._sound.answer = lambda ask: (understood.append(ask), inner(ask))[1]
    for _ in range(400):
        room.live._message(call, "repair", asked)
    assert 1 <= len(understood) <= 60
    await page.next_ping()


class Microphone(MediaStreamTrack):
    """A tone of 440 Hz, 20 ms at a time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._at = 0

    async def recv(self) -> AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(0.02)
        times = (self._at + np.arange(960)) / 48_000
        wave = np.round(9000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
        frame = AudioFrame.from_ndarray(wave.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._at, Fraction(1, 48_000)
        self._at += 960
        return frame


async def connected_talk(room: Any, heard: list[Any], enough: asyncio.Event) -> tuple[AiortcPeer, RTCPeerConnection]:
    def hear(frame: Any) -> None:
        heard.append(frame)
        if len(heard) >= 10:
            enough.set()

    talk = Talk(Microphone(), hear)
    events = PeerEvents(lambda state: None, lambda label: None, lambda label, data: None)
    peer = AiortcPeer([], Outgoing(room.live._feed.track(), talk=talk), events)
    page = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    description = await peer.offer()
    assert sorted(description["tracks"].values()) == ["camera", "exact", "talk"]
    await page.setRemoteDescription(RTCSessionDescription(description["sdp"], "offer"))
    for transceiver in page.getTransceivers():
        if description["tracks"][transceiver.mid] == "talk":
            transceiver.sender.replaceTrack(Microphone())
            transceiver.direction = "sendrecv"
    await page.setLocalDescription(await page.createAnswer())
    await peer.answer({"type": "answer", "sdp": page.localDescription.sdp})
    return peer, page


async def test_voice_goes_both_ways_without_a_tablet(room: Any) -> None:
    heard: list[AudioFrame] = []
    enough = asyncio.Event()
    peer, page = await connected_talk(room, heard, enough)
    voice = next(one.receiver.track for one in page.getTransceivers() if one.currentDirection == "sendrecv")
    async with asyncio.timeout(20):
        there = [await voice.recv() for _ in range(10)]
        await enough.wait()
    await peer.close()
    await page.close()
    for frame in (there[-1], heard[-1]):
        samples = frame.to_ndarray().astype(float).reshape(-1, 2)[:, 0]
        assert np.abs(samples).max() > 3000
    assert isinstance(peer._tracks["talk"].receiver._RTCRtpReceiver__jitter_buffer, FixedDelayAudioBuffer)


async def test_a_page_that_sends_what_was_not_asked_is_bounded(room: Any) -> None:
    """A sendonly offer may be answered with anything; what nobody reads must not pile up."""
    await room.enter("doctor")
    peer = room.live._calls["doctor"]._peer
    for transceiver in peer._connection.getTransceivers():
        assert not transceiver.receiver._enabled
    track = type("Track", (), {"kind": "audio", "_queue": None})()
    peer._received(track)
    for number in range(100):
        await track._queue.put(number)
    assert track._queue.qsize() <= WAITING


NO_ANSWERS = ["", "v=0", "v=0\r\nm=audio", "\x00" * 100, "v=0\r\n" * 10_000, "m=video 9 UDP/TLS/RTP/SAVPF x\r\n"]


@pytest.mark.parametrize("sdp", NO_ANSWERS)
async def test_an_answer_that_is_none_is_refused(room: Any, sdp: str) -> None:
    events = PeerEvents(lambda state: None, lambda label: None, lambda label, data: None)
    peer = AiortcPeer([], Outgoing(room.live._feed.track()), events)
    await peer.offer()
    with pytest.raises(ValueError, match=r"^(not_an_answer|answer_does_not_fit)$"):
        await peer.answer({"type": "answer", "sdp": sdp})
    await peer.close()
