"""What every engine for live media must do, between it and a second peer in this process.

The optional `wrtc` engine is tested where it is installed: `pip install carebag[wrtc]`.
"""

import asyncio
import gc
import importlib.util
import weakref
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from carebag_edge.live.aiortc_peer import AiortcPeer
from carebag_edge.live.camera import CameraFeed
from carebag_edge.live.exact_sound import Chunker, SoundRing
from carebag_edge.live.port import MediaPeer, NoNetworkPath, Outgoing, PeerEvents

ENGINES = ["aiortc", "wrtc"]


def engine(name: str) -> Any:
    if name == "aiortc":
        return AiortcPeer
    if importlib.util.find_spec("webrtc") is None:
        pytest.skip("wrtc is not installed: pip install carebag[wrtc]")
    from carebag_edge.live.wrtc_peer import WrtcPeer

    return WrtcPeer


class Pair:
    """A peer of the engine, and a page (aiortc) that answers it."""

    def __init__(self, make: Any, camera: Any) -> None:
        self.states: list[str] = []
        self.opened: set[str] = set()
        self.heard: list[tuple[str, str | bytes]] = []
        self.page_heard: list[tuple[str, str | bytes]] = []
        self.page_rtp: list[bytes] = []
        self.changed = asyncio.Condition()
        self.feed = CameraFeed(camera)
        events = PeerEvents(self._state, self._opened, self._message)
        self.peer: MediaPeer = make([], Outgoing(self.feed.track()), events)
        # aiortc's answer to an offer of video and data only has no candidates when it is told to bundle
        self.page = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channels: dict[str, Any] = {}
        self.page.on("datachannel", self._channel)
        self.picture: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.page.on("track", self._track)
        self._jobs: set[asyncio.Task[None]] = set()

    def _track(self, track: Any) -> None:
        if track.kind == "video":
            self._spawn(self._look(track))

    async def _look(self, track: Any) -> None:
        frame = await track.recv()
        if not self.picture.done():
            self.picture.set_result(frame)

    def _channel(self, channel: Any) -> None:
        self.channels[channel.label] = channel
        channel.on("message", lambda data: self._note(self.page_heard, (channel.label, data)))
        self._note(self.page_heard, ("", "opened"))

    def _state(self, state: str) -> None:
        self._note(self.states, state)

    def _opened(self, label: str) -> None:
        self.opened.add(label)
        self._note([], None)

    def _message(self, label: str, data: str | bytes) -> None:
        self._note(self.heard, (label, data))

    def _note(self, into: list[Any], what: Any) -> None:
        into.append(what)
        self._spawn(self._notify())

    def _spawn(self, work: Any) -> None:
        job = asyncio.ensure_future(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(condition)

    async def connect(self) -> dict[str, Any]:
        offer = await self.peer.offer()
        await self.page.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
        for transceiver in self.page.getTransceivers():
            if transceiver.kind == "audio":
                transceiver.receiver._handle_rtp_packet = self._rtp
        await self.page.setLocalDescription(await self.page.createAnswer())
        await self.peer.answer({"type": "answer", "sdp": self.page.localDescription.sdp})
        await self.peer.candidate({})
        await self.until(lambda: self.opened == {"live", "repair"} == self.channels.keys())
        return offer

    async def _rtp(self, packet: Any, arrival_time_ms: int) -> None:
        self._note(self.page_rtp, packet.payload)

    async def close(self) -> None:
        await self.peer.close()
        await self.page.close()
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        await self.feed.close()


@pytest.fixture(params=ENGINES)
async def pair(request: pytest.FixtureRequest, room: Any) -> AsyncIterator[Pair]:
    made = Pair(engine(request.param), room.camera)
    yield made
    await made.close()


async def test_it_connects_and_says_so_and_carries_words_both_ways(pair: Pair) -> None:
    offer = await pair.connect()
    assert offer["type"] == "offer"
    assert "a=candidate:" in offer["sdp"]
    assert "camera" in offer["tracks"].values()
    assert pair.states[-1] == "connected"
    for label in ("live", "repair"):
        assert pair.peer.send(label, f"to the page on {label}")
        pair.channels[label].send(b"to the kit")
    await pair.until(lambda: len(pair.heard) == 2 and len(pair.page_heard) == 4)
    assert sorted(pair.heard) == [("live", b"to the kit"), ("repair", b"to the kit")]
    assert ("live", "to the page on live") in pair.page_heard


@pytest.mark.parametrize(
    "first", [b"\x80\x60", b"\x80\xc8", b"\x90\xff", b"\x80", b"\x16\xfe\xfd", b"\x00\x01", b"\xff\xff"]
)
async def test_packets_that_are_not_of_this_call_change_nothing(pair: Pair, first: bytes) -> None:
    """As RTP, RTCP, DTLS and STUN would begin, without the call's keys: forged, damaged, cut off."""
    await pair.connect()
    wire = pair.page.sctp.transport.transport._connection  # type: ignore[union-attr]
    for length in (0, 1, 10, 40, 1200):
        await wire.send(first + bytes(range(256)) * 5 if length == 1200 else first + b"\xaa" * length)
    pair.channels["live"].send(b"still here")
    await pair.until(lambda: ("live", b"still here") in pair.heard)
    assert pair.states[-1] == "connected"
    assert (await asyncio.wait_for(pair.picture, 30)).width


async def test_it_shows_pictures(pair: Pair) -> None:
    await pair.connect()
    frame = await asyncio.wait_for(pair.picture, 30)
    assert frame.width / frame.height == pytest.approx(640 / 360, abs=0.1)


async def test_it_carries_exact_sound_one_way_or_the_other(pair: Pair) -> None:
    await pair.connect()
    chunker, ring, sent = Chunker(1, 4000), SoundRing(1, 4000), list[bytes]()
    for chunk in chunker.feed(0, np.random.default_rng(1).integers(-9000, 9000, 4000).astype(np.int16)):
        ring.put(chunk)
        sent.append(ring.packet(chunk.number))
        if pair.peer.exact_in_rtp:
            pair.peer.send_sound(sent[-1], chunk.number * 960)
        else:
            assert pair.peer.send("repair", sent[-1])
    if pair.peer.exact_in_rtp:
        await pair.until(lambda: len(pair.page_rtp) >= 50)
        assert set(pair.page_rtp) == set(sent)
    else:
        await pair.until(lambda: sum(label == "repair" for label, _ in pair.page_heard) >= 50)
        assert {data for label, data in pair.page_heard if label == "repair"} == set(sent)


async def test_nothing_can_pile_up(pair: Pair) -> None:
    await pair.connect()
    # the loop never runs meanwhile, so nothing can leave
    taken = sum(pair.peer.send("repair", bytes(1000)) for _ in range(1000))
    assert taken < 1000
    for number in range(1000):
        pair.peer.send_sound(bytes(300), number * 960)
        pair.peer.send_monitor(bytes(100), number * 960)


async def test_it_says_how_the_path_is(pair: Pair) -> None:
    assert pair.peer.quality() is None
    await pair.connect()
    await asyncio.wait_for(pair.picture, 30)
    await pair.peer.watch()
    await pair.peer.watch()
    quality = pair.peer.quality()
    assert quality is not None
    assert quality.send_kbps >= 0
    assert 0.0 <= quality.loss <= 1.0
    pair.peer.limit_video("none")
    await pair.peer.watch()
    await pair.peer.watch()
    assert pair.peer.quality().video_step == -1


@pytest.mark.parametrize(
    "description", [{}, {"type": "offer", "sdp": "v=0"}, {"type": "answer"}, {"type": "answer", "sdp": "nonsense"}]
)
async def test_an_answer_that_is_none_is_refused_and_a_good_one_taken_after(
    pair: Pair, description: dict[str, Any]
) -> None:
    offer = await pair.peer.offer()
    with pytest.raises(ValueError, match=r"^(not_an_answer|answer_does_not_fit)$"):
        await pair.peer.answer(description)
    await pair.page.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
    await pair.page.setLocalDescription(await pair.page.createAnswer())
    await pair.peer.answer({"type": "answer", "sdp": pair.page.localDescription.sdp})
    await pair.until(lambda: pair.opened == {"live", "repair"})


async def test_candidates_that_are_none_are_refused(pair: Pair) -> None:
    await pair.connect()
    for text in ("x", "candidate:x", "candidate:1 1 udp x 1.2.3.4 5 typ host", 5, "candidate:" + "9" * 10_000):
        with pytest.raises(ValueError, match=r"^not_a_candidate$"):
            await pair.peer.candidate({"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0})
    good = "candidate:1 1 udp 2122260223 192.0.2.77 40000 typ host"
    await pair.peer.candidate({"candidate": good, "sdpMid": "0", "sdpMLineIndex": 0})


async def test_what_is_closed_is_gone(pair: Pair) -> None:
    await pair.connect()
    gone = weakref.ref(pair.peer)
    await pair.peer.close()
    await pair.peer.close()
    assert pair.peer.send("live", "x") is False
    pair.peer.send_sound(b"x", 0)
    assert pair.feed._tracks == set()
    pair.peer = type("Nobody", (), {"close": staticmethod(lambda: asyncio.sleep(0))})()
    for _ in range(20):
        await asyncio.sleep(0.05)
        gc.collect()
        if gone() is None:
            return
    assert gone() is None


async def test_closed_before_anything_was_answered(pair: Pair) -> None:
    try:
        await pair.peer.offer()
    except NoNetworkPath:
        pytest.fail("this machine has no address but loopback")
    await pair.peer.close()
    assert pair.feed._tracks == set()
