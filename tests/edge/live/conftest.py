"""A doctor's page in process: a second, real aiortc peer that answers the kit and keeps the raw sound packets."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from av import VideoFrame

from carebag_edge.live.camera import HEIGHT, WIDTH, CameraFailed
from carebag_edge.live.exact_sound import parse
from carebag_edge.live.media import AiortcLive
from carebag_wire.messages import Signal


class StillCamera:
    """One grey picture as often as asked, or none: the edge of the world for these tests."""

    def __init__(self) -> None:
        self.broken: str | None = None
        self.reads = 0
        self.closed = 0

    def read(self) -> VideoFrame:
        self.reads += 1
        if self.broken:
            raise CameraFailed(self.broken)
        return VideoFrame.from_ndarray(np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8), format="yuv420p")

    def close(self) -> None:
        self.closed += 1


class DoctorPage:
    """Answers offers with the newest epoch, keeps packets and messages; `drop` decides which RTP packets are lost."""

    def __init__(self, name: str, to_kit: Callable[[Signal], Any]) -> None:
        self.name = name
        self.to_kit = to_kit
        self.epoch = 0
        self.offers = 0
        self.drop: Callable[[int], bool] = lambda count: False
        self.packets = 0
        self.raw: Callable[[bytes], None] | None = None
        """Takes payloads that are not sound packets."""
        self.chunks: dict[int, Any] = {}
        self.messages: list[dict[str, Any]] = []
        self.repair: RTCDataChannel | None = None
        self.tracks: dict[str, Any] = {}
        self.labels: dict[str, str] = {}
        self.connection: RTCPeerConnection | None = None
        self._changed = asyncio.Condition()

    async def take(self, signal: Signal) -> None:
        if signal.description is None or signal.epoch <= self.epoch:
            return
        await self.close()
        self.epoch, self.repair = signal.epoch, None
        self.offers += 1
        connection = self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("datachannel", self._channel)
        connection.on("track", self._track)
        self.labels = signal.description["tracks"]
        await connection.setRemoteDescription(RTCSessionDescription(signal.description["sdp"], "offer"))
        for transceiver in connection.getTransceivers():
            if transceiver.kind == "audio":
                # before any decoder, as the browser's transform does
                transceiver.receiver._handle_rtp_packet = self._rtp
        await connection.setLocalDescription(await connection.createAnswer())
        answer = {"type": "answer", "sdp": connection.localDescription.sdp}
        await self.to_kit(
            Signal(visit_id=signal.visit_id, sender=self.name, to="kit", epoch=signal.epoch, description=answer)
        )
        await self._notify()

    def _track(self, track: Any) -> None:
        self.tracks[track.kind] = track

    async def _rtp(self, packet: Any, arrival_time_ms: int) -> None:
        self.packets += 1
        if self.raw is not None:
            self.raw(packet.payload)
        elif not self.drop(self.packets):
            self._store(packet.payload)
        await self._notify()

    def _store(self, data: bytes) -> None:
        for chunk in parse(data).chunks:
            self.chunks.setdefault(chunk.number, chunk)

    def _channel(self, channel: RTCDataChannel) -> None:
        if channel.label == "repair":
            self.repair = channel

        @channel.on("message")
        async def on_message(message: str | bytes) -> None:
            if isinstance(message, bytes):
                self._store(message)
            else:
                self.messages.append({"channel": channel.label, **json.loads(message)})
            await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to be true after a packet or message; a test that waits for ever fails after 20 s."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(condition)

    def heard(self, kind: str, channel: str | None = None) -> list[dict[str, Any]]:
        return [m for m in self.messages if m["type"] == kind and channel in (None, m["channel"])]

    async def next_ping(self) -> None:
        """Until the kit has spoken once more: what was sent to it before has been read."""
        before = len(self.heard("ping"))
        await self.until(lambda: len(self.heard("ping")) > before)

    def samples(self) -> bytes:
        pieces = [self.chunks[number] for number in sorted(self.chunks)]
        return b"".join(bytes(2 * piece.samples) if piece.pcm is None else piece.pcm for piece in pieces)

    async def close(self) -> None:
        if self.connection is not None:
            await self.connection.close()


class Room:
    """The kit's live media and the pages that it calls; the hub's relay between them is a queue."""

    def __init__(self) -> None:
        self.visit_id: UUID = uuid4()
        self.camera = StillCamera()
        self.sent: list[Signal] = []
        self.pages: dict[str, DoctorPage] = {}
        self._relay: asyncio.Queue[Signal] = asyncio.Queue()
        self.live = AiortcLive(self._from_kit, camera=self.camera, ice_servers=[])
        self._task = asyncio.create_task(self._run())

    def _from_kit(self, signal: Signal) -> None:
        self.sent.append(signal)
        self._relay.put_nowait(signal)

    async def _run(self) -> None:
        while True:
            signal = await self._relay.get()
            if signal.to in self.pages:
                await self.pages[signal.to].take(signal)

    def page(self, name: str) -> DoctorPage:
        """A page that will answer when it is called."""
        return self.pages.setdefault(name, DoctorPage(name, self.live.on_signal))

    async def enter(self, *names: str) -> list[DoctorPage]:
        """These doctors are in the room now, connected with both channels open."""
        new = [name for name in names if name not in self.pages]
        for name in new:
            self.page(name)
        await self.live.set_viewers(self.visit_id, list(names))
        for name in new:
            page = self.pages[name]
            await page.until(lambda page=page: page.repair is not None and len(page.heard("ping")) > 0)
        return [self.pages[name] for name in names]

    async def close(self) -> None:
        await self.live.close()
        self._task.cancel()
        await asyncio.wait([self._task])
        for page in self.pages.values():
            await page.close()


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    room = Room()
    yield room
    await room.close()
