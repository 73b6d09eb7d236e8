"""A real Janus between kit and pages: one picture for many, exact sound as ever, and back when the SFU is gone."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from carebag import janus
from carebag.janus import Janus
from carebag_edge.live import shared_picture
from carebag_server.sfu.desk import SfuDesk
from carebag_server.sfu.janus import JanusSfu
from carebag_server.sfu.watching import Watching
from carebag_wire.calls import SFU, SfuServes
from carebag_wire.messages import Signal
from carebag_wire.visit import SoundEnd

SECRET = "7e1d5a94c0b24f3f8a6d90b1c2e3f405"
RATE = 4000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Janus]:
    try:
        with janus.running(tmp_path_factory.mktemp("janus"), SECRET) as running:
            yield running
    except janus.NoJanus as missing:
        pytest.skip(str(missing))


class SfuPage:
    """A viewer's end: answers what the SFU offers and looks at every picture."""

    def __init__(self, name: str, to_hub: Callable[[Signal], None]) -> None:
        self.name, self.to_hub = name, to_hub
        self.epoch = 0
        self.offers = 0
        self.overs = 0
        self.pictures = 0
        self.connection: RTCPeerConnection | None = None
        self._looking: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()

    async def take(self, signal: Signal) -> None:
        if signal.description is None:
            self.overs += 1
            await self.close()
        else:
            await self._answer(signal, signal.description)
        await self._notify()

    async def _answer(self, signal: Signal, description: dict[str, Any]) -> None:
        await self.close()
        self.epoch, self.pictures = signal.epoch, 0
        self.offers += 1
        assert description["tracks"] == {"0": "camera"}
        assert [line[:7] for line in description["sdp"].splitlines() if line.startswith("m=")] == ["m=video"]
        connection = self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        await connection.setRemoteDescription(RTCSessionDescription(description["sdp"], "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        answer = {"type": "answer", "sdp": connection.localDescription.sdp}
        self.to_hub(Signal(visit_id=signal.visit_id, sender=self.name, to=SFU, epoch=self.epoch, description=answer))
        (video,) = [one.receiver.track for one in connection.getTransceivers() if one.kind == "video"]
        self._looking = asyncio.create_task(self._look(video))

    async def _look(self, video: Any) -> None:
        while True:
            await video.recv()
            self.pictures += 1
            await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(40), self._changed:
            await self._changed.wait_for(condition)

    async def sees(self, more: int = 5) -> None:
        before = self.pictures
        await self.until(lambda: self.pictures >= before + more)

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self.connection is not None:
            await self.connection.close()


class Hub:
    """The hub's part between the kit of a `Room` and its viewers; stands in the room as the page `sfu`."""

    def __init__(self, room: Any, server: Janus) -> None:
        self.room = room
        self.desk = SfuDesk(JanusSfu(server.url, server.secret), self._say)
        self.desk.start()
        self.viewers: dict[str, SfuPage] = {}
        self.serves: list[SfuServes] = []
        self._inbox: asyncio.Queue[Signal | SfuServes | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())
        self._changed = asyncio.Condition()

    async def take(self, signal: Signal) -> None:
        self.desk.take(signal.model_copy(update={"sender": "kit"}))

    def _say(self, said: Signal | SfuServes) -> None:
        if isinstance(said, SfuServes):
            self.serves.append(said)
            self.room.live.sfu_serves(said)
        self._inbox.put_nowait(said)

    async def _run(self) -> None:
        while (said := await self._inbox.get()) is not None:
            if isinstance(said, Signal) and said.to == "kit":
                await self.room.live.on_signal(said)
            elif isinstance(said, Signal):
                await self.viewers[said.to].take(said)
            async with self._changed:
                self._changed.notify_all()

    async def enter(self, *names: str) -> list[SfuPage]:
        await self.room.enter(*names)
        for name in names:
            self.viewers.setdefault(name, SfuPage(name, self.desk.take))
        self.desk.take(Watching(visit_id=self.room.visit_id, kit="kit", viewers=names))
        return [self.viewers[name] for name in names]

    async def until_served(self, *names: str) -> None:
        async with asyncio.timeout(40), self._changed:
            await self._changed.wait_for(lambda: bool(self.serves) and set(self.serves[-1].viewers) == set(names))

    def pictures_sent(self) -> dict[str, int]:
        """So far, by whom the kit sends to."""
        return {to: call._peer._video.pictures for to, call in self.room.live._calls.items()}

    async def until_sent_only_to(self, *names: str) -> None:
        """The kit sends pictures to these and, in a second, to nobody else."""
        async with asyncio.timeout(40):
            while True:
                before = self.pictures_sent()
                await asyncio.sleep(1)
                now = self.pictures_sent()
                if {to for to, count in now.items() if count > before.get(to, 0)} == set(names):
                    return

    async def close(self) -> None:
        await self.desk.stop()
        self._inbox.put_nowait(None)
        await self._task
        for page in self.viewers.values():
            await page.close()


@pytest.fixture
async def hub(room: Any, server: Janus, monkeypatch: pytest.MonkeyPatch) -> Hub:
    # what the pure tests hold to, quicker
    monkeypatch.setattr(shared_picture, "DIRECT_AFTER_S", 1.0)
    monkeypatch.setattr(shared_picture, "END_AFTER_S", 2.0)
    monkeypatch.setattr(shared_picture, "STEADY_S", 1.0)
    hub = Hub(room, server)
    room.pages[SFU] = hub
    return hub


async def play(room: Any, stream: int, samples: np.ndarray) -> SoundEnd:
    room.live.sound_begin(stream, RATE)
    for first in range(0, len(samples), 118):
        room.live.sound(stream, first, samples[first : first + 118])
        await asyncio.sleep(0.005)  # a burst would only be dropped and asked for again
    digest = hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()
    end = SoundEnd(stream=stream, samples=len(samples), gaps=[], sha256=digest)
    room.live.sound_end(end)
    return end


async def repaired(page: Any, stream: int, samples: int) -> bytes:
    """What the page has after it asked for what is missing, as the real one does."""
    async with asyncio.timeout(20):
        while len(page.samples()) < 2 * samples:
            missing = [number for number in range(400) if number not in page.chunks]
            page.repair.send(json.dumps({"type": "sound_ask", "stream": stream, "chunks": missing[:64]}))
            await page.next_ping()
    return bytes(page.samples())


async def test_two_doctors_have_one_picture_and_each_the_exact_sound(room: Any, hub: Hub) -> None:
    one, two = await hub.enter("north", "south")
    await one.sees()
    await two.sees()
    await hub.until_sent_only_to(SFU)
    await one.sees()
    await two.sees()
    samples = np.random.default_rng(3).integers(-32768, 32768, 2 * RATE).astype(np.int16)
    end = await play(room, 1, samples)
    for name in ("north", "south"):
        exact = await repaired(room.pages[name], 1, len(samples))
        assert hashlib.sha256(exact).hexdigest() == end.sha256
    # to one viewer it goes directly, and the SFU's copy ends after that
    await hub.enter("north")
    await hub.until_sent_only_to("north")
    assert SFU not in room.live._calls


async def test_when_the_sfu_dies_the_picture_comes_directly_and_goes_back(room: Any, hub: Hub, server: Janus) -> None:
    one, two = await hub.enter("north", "south")
    await one.sees()
    await two.sees()
    await hub.until_sent_only_to(SFU)
    server.kill()
    await hub.until_served()
    assert not hub.serves[-1].available
    assert not any(room.live._shared.holds(name) for name in ("north", "south"))
    await hub.until_sent_only_to("north", "south")
    server.start()
    await hub.until_served("north", "south")
    await one.sees()
    await two.sees()
    await hub.until_sent_only_to(SFU)
    assert (one.overs, one.offers) == (1, 2)
