"""The adapter against a real Janus, and against a server that speaks garbage in its place."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import VideoStreamTrack
from websockets.asyncio.server import ServerConnection, serve

from carebag import janus
from carebag.janus import Janus
from carebag_server.sfu import janus as adapter
from carebag_server.sfu.janus import JanusSfu
from carebag_server.sfu.port import SfuEvents, SfuFailed

SECRET = "7e1d5a94c0b24f3f8a6d90b1c2e3f405"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Janus]:
    try:
        with janus.running(tmp_path_factory.mktemp("janus"), SECRET) as running:
            yield running
    except janus.NoJanus as missing:
        pytest.skip(str(missing))


@dataclass
class Events:
    """What the SFU reported; `changed` after each."""

    available: list[bool] = field(default_factory=list)
    up: list[int] = field(default_factory=list)
    over: list[int] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def _note(self, what: list[Any]) -> Callable[[Any], None]:
        def note(value: Any) -> None:
            what.append(value)
            self.changed.set()

        return note

    @property
    def port(self) -> SfuEvents:
        return SfuEvents(self._note(self.available), self._note(self.up), self._note(self.over))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def running(sfu: JanusSfu) -> AsyncIterator[Events]:
    events = Events()
    task = asyncio.create_task(sfu.run(events.port))
    try:
        yield events
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.05)  # the loop lets go of a closed socket in its next turns


def connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


async def publish(sfu: JanusSfu, events: Events) -> tuple[int, RTCPeerConnection]:
    kit = connection()
    kit.addTransceiver(VideoStreamTrack(), direction="sendonly")
    await kit.setLocalDescription(await kit.createOffer())
    leg, answer = await sfu.publish(kit.localDescription.sdp)
    await kit.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await events.until(lambda: leg in events.up)
    return leg, kit


async def test_one_sender_two_pages_and_endings_from_either_side(server: Janus) -> None:
    sfu = JanusSfu(server.url, SECRET)
    async with running(sfu) as events:
        await events.until(lambda: events.available == [True])
        publication, kit = await publish(sfu, events)
        legs, pages = [], []
        for _ in range(2):
            leg, offer = await sfu.subscribe(publication)
            page = connection()
            await page.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            await page.setLocalDescription(await page.createAnswer())
            await sfu.candidate(leg, {"candidate": "candidate:0 1 UDP 1 192.0.2.1 9 typ host", "sdpMid": "0"})
            await sfu.candidate(leg, {})
            await sfu.answer(leg, page.localDescription.sdp)
            await events.until(lambda leg=leg: leg in events.up)
            legs.append(leg)
            pages.append(page)
        for page in pages:
            (video,) = [one.receiver.track for one in page.getTransceivers()]
            async with asyncio.timeout(30):
                assert (await video.recv()).width == 640
        await pages[0].close()
        await events.until(lambda: legs[0] in events.over)
        sfu.hang_up(legs[1])
        await kit.close()
        await events.until(lambda: publication in events.over)
        sfu.hang_up(publication)
        with pytest.raises(SfuFailed):
            await sfu.subscribe(publication)
        await pages[1].close()
        assert legs[1] not in events.over
    assert events.available[-1] is False


async def test_garbage_from_a_kit_or_page_is_refused_and_leaves_no_room(server: Janus) -> None:
    sfu = JanusSfu(server.url, SECRET)
    async with running(sfu) as events:
        await events.until(lambda: events.available == [True])
        for offer in ("x", "v=0\r\n", "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"):
            with pytest.raises(SfuFailed):
                await sfu.publish(offer)
        assert sfu._handles == {}
        assert sfu._rooms == {}
        publication, kit = await publish(sfu, events)
        leg, _ = await sfu.subscribe(publication)
        with pytest.raises(SfuFailed):
            await sfu.answer(leg, "nonsense")
        await kit.close()


async def test_a_wrong_secret_is_refused_and_said_once(server: Janus, caplog: pytest.LogCaptureFixture) -> None:
    async with running(JanusSfu(server.url, SECRET[::-1])) as events:
        await events.until(lambda: events.available[:2] == [False, False])
    assert caplog.text.count("sfu: not reached: sfu_refused") == 1
    assert SECRET[::-1] not in caplog.text


async def test_while_it_is_dead_everything_fails_in_words_and_it_comes_back(server: Janus) -> None:
    sfu = JanusSfu(server.url, SECRET)
    async with running(sfu) as events:
        await events.until(lambda: events.available == [True])
        publication, kit = await publish(sfu, events)
        server.kill()
        await events.until(lambda: events.available[-1] is False)
        for asked in (sfu.publish("v=0"), sfu.subscribe(publication), sfu.answer(publication, "v=0")):
            with pytest.raises(SfuFailed, match="sfu_away"):
                await asked
        sfu.hang_up(publication)
        await kit.close()
        server.start()
        await events.until(lambda: events.available[-1] is True)
        _, kit = await publish(sfu, events)
        await kit.close()


class PaperSocket:
    """What is asked goes nowhere; the test answers."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send(self, text: str) -> None:
        self.asked.put_nowait(json.loads(text))


@pytest.mark.parametrize("turns", range(4))
async def test_a_hub_that_stops_when_an_answer_comes(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session is not kept alive beyond that: a stop would wait for it."""
    monkeypatch.setattr(adapter, "KEEPALIVE_S", 0.0)
    sfu, socket, events = JanusSfu("ws://127.0.0.1:9", SECRET), PaperSocket(), Events()
    sfu._socket = socket  # type: ignore[assignment]
    living = asyncio.create_task(sfu._live(events.port))
    first = await socket.asked.get()
    sfu._heard(adapter._Said(janus="success", transaction=first["transaction"], data={"id": 1}), events.port)
    second = await socket.asked.get()
    await asyncio.sleep(0)
    monkeypatch.setattr(adapter, "KEEPALIVE_S", 60.0)
    sfu._heard(adapter._Said(janus="ack", transaction=second["transaction"]), events.port)
    for _ in range(turns):
        await asyncio.sleep(0)
    living.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    went_on = not living.done()
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)
    assert not went_on


GARBAGE = [
    "",
    "{",
    "[]",
    '"janus"',
    "{}",
    '{"janus": 7}',
    '{"janus": "success"}',
    '{"janus": "success", "data": {"id": "7"}}',
    '{"janus": "success", "data": {"id": -1}}',
    '{"janus": "error"}',
    '{"janus": "event", "plugindata": []}',
    '{"janus": "event", "plugindata": {"data": {"error_code": "x"}}}',
    '{"janus": "event", "jsep": {"type": "answer", "sdp": 9}}',
    '{"janus": "webrtcup", "sender": 1}',
    '{"janus": "hangup", "sender": 99999}',
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_a_janus_that_speaks_garbage_is_a_named_failure(garbage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens a session, and answers everything after that with this, whatever was asked."""
    monkeypatch.setattr(adapter, "ANSWER_S", 0.05)

    async def answer(socket: ServerConnection) -> None:
        async for text in socket:
            asked = json.loads(text)
            if asked["janus"] == "create":
                said = {"janus": "success", "transaction": asked["transaction"], "data": {"id": 1}}
                await socket.send(json.dumps(said))
            else:
                await socket.send(garbage[:-1] + f', "transaction": "{asked["transaction"]}"' + "}")
                await socket.send(garbage)

    async with serve(answer, "127.0.0.1", 0, subprotocols=["janus-protocol"]) as world:  # type: ignore[list-item]
        port = next(iter(world.sockets)).getsockname()[1]
        sfu = JanusSfu(f"ws://127.0.0.1:{port}", SECRET)
        async with running(sfu) as events:
            await events.until(lambda: events.available == [True])
            with pytest.raises(SfuFailed) as failed:
                await sfu.publish("v=0")
            assert failed.value.code in ("sfu_refused", "sfu_not_understood", "sfu_no_answer")
            assert events.available == [True]
