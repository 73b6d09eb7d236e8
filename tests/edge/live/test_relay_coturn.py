"""A real coturn: whom it lets in, and a kit's call that goes by way of it and no other, over UDP, TCP and TLS."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection, RTCSessionDescription
from av import VideoFrame

from carebag import coturn
from carebag.coturn import Coturn
from carebag_edge.live.camera import CameraFailed
from carebag_edge.live.media import AiortcLive
from carebag_edge.live.relay_race import RelayFailed, TurnAddress, allocate, race
from carebag_server.turn import TurnSettings, relay_for
from carebag_wire.calls import Relay, RelayState
from carebag_wire.messages import Signal

SECRET = "c2a1f09e8b7d6a5f4e3d2c1b0a998877"
KIT = "kit:00000000-0000-0000-0000-000000000001"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    try:
        with coturn.running(tmp_path_factory.mktemp("coturn"), SECRET) as running:
            yield running
    except coturn.NoCoturn as missing:
        pytest.skip(str(missing))


@pytest.fixture(autouse=True)
async def put_down() -> AsyncIterator[None]:
    """An allocation is given back, and TLS ended, in the background: before the test's loop ends."""
    yield
    loop: Any = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        while len(loop._selector.get_map()) > 1:  # noqa: ASYNC110 - no event tells; the one is the loop's own
            await asyncio.sleep(0.01)
    await asyncio.sleep(0)


@pytest.fixture
def trusted(server: Coturn, monkeypatch: pytest.MonkeyPatch) -> Coturn:
    """The server, with its certificate trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    return server


def given(*urls: str, secret: str = SECRET, ago: timedelta = timedelta(), only: bool = False) -> Relay:
    settings = TurnSettings(urls=urls, secret=secret, relay_only=only)
    relay = relay_for(settings, UUID(int=7), KIT, datetime.now(UTC) - ago)
    assert relay is not None
    return relay


async def tried(url: str, relay: Relay) -> str:
    """Empty, or why it failed."""
    try:
        await allocate(TurnAddress.of(url), relay.username, relay.credential)
    except RelayFailed as failed:
        return failed.code
    return ""


@pytest.mark.parametrize("path", ["udp", "tcp", "tls"])
async def test_the_hubs_credentials_are_accepted_expired_and_foreign_ones_are_not(trusted: Coturn, path: str) -> None:
    url = str(getattr(trusted, path))
    assert await tried(url, given(url)) == ""
    assert await tried(url, given(url, ago=timedelta(hours=2))) == "turn_refused"
    assert await tried(url, given(url, secret=SECRET[::-1])) == "turn_refused"
    mine, theirs = given(url), given(url).model_copy(update={"username": given(url).username[:-1] + "!"})
    assert await tried(url, theirs) == "turn_refused"
    assert await tried(url, mine.model_copy(update={"credential": ""})) == "turn_refused"


async def test_a_certificate_that_nobody_knows_is_said(server: Coturn) -> None:
    assert await tried(server.tls, given(server.tls)) == "turn_certificate"


async def test_a_port_where_nobody_listens_is_said(server: Coturn) -> None:
    with socket.socket() as nobody:
        nobody.bind((server.address, 0))
        url = f"turn:{server.address}:{nobody.getsockname()[1]}?transport=tcp"
        assert await tried(url, given(url)) == "turn_unreachable"


async def test_dead_udp_falls_to_tcp(trusted: Coturn) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((trusted.address, 0))
        dead = f"turn:{trusted.address}:{silent.getsockname()[1]}"
        chosen, problem = await race(given(dead, trusted.tls, trusted.tcp), allocate, asyncio.get_running_loop().time)
    assert problem is None
    assert chosen is not None
    assert chosen.path in ("tcp", "tls")  # tls only where this machine was too busy to answer tcp first


class Grey:
    def read(self) -> VideoFrame:
        raise CameraFailed("camera_off")

    def close(self) -> None: ...


class Visit:
    """A kit and a doctor's page that both go by way of the relay and no other."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.visit_id = uuid4()
        self.offers: asyncio.Queue[Signal] = asyncio.Queue()
        self.live = AiortcLive(self.offers.put_nowait, camera=Grey(), relay_only=True)
        self.page: RTCPeerConnection | None = None

    async def connect(self) -> list[str]:
        """Media flows; types of the kit's candidates."""
        self.live.relay(self.relay)
        await self.live.set_viewers(self.visit_id, ["doctor"])
        offer = await self.offers.get()
        assert offer.description is not None
        server = RTCIceServer(self.relay.urls, self.relay.username, self.relay.credential)
        policy = RTCIceTransportPolicy.RELAY
        page = self.page = RTCPeerConnection(RTCConfiguration(iceServers=[server], iceTransportPolicy=policy))
        heard = asyncio.Event()
        page.on("datachannel", lambda channel: channel.on("message", lambda message: heard.set()))
        await page.setRemoteDescription(RTCSessionDescription(sdp=offer.description["sdp"], type="offer"))
        await page.setLocalDescription(await page.createAnswer())
        answer = {"type": "answer", "sdp": page.localDescription.sdp}
        told = Signal(visit_id=self.visit_id, sender="doctor", to=KIT, epoch=offer.epoch, description=answer)
        await self.live.on_signal(told)
        async with asyncio.timeout(30):
            await heard.wait()
        lines = [line for line in offer.description["sdp"].splitlines() if line.startswith("a=candidate:")]
        return sorted({line.split(" typ ")[1].split()[0] for line in lines})

    async def close(self) -> None:
        await self.live.close()
        if self.page is not None:
            await self.page.close()


@pytest.fixture
async def visits() -> AsyncIterator[list[Visit]]:
    made: list[Visit] = []
    yield made
    for visit in made:
        await visit.close()


@pytest.mark.parametrize("path", ["udp", "tcp", "tls"])
async def test_a_call_by_way_of_the_relay_only(trusted: Coturn, visits: list[Visit], path: str) -> None:
    visits.append(Visit(given(getattr(trusted, path))))
    assert await visits[0].connect() == ["relay"]
    assert visits[0].live.relay_state == RelayState(path=path, only=True)  # type: ignore[arg-type]


async def test_a_wrong_password_is_said_and_nothing_goes_another_way(trusted: Coturn) -> None:
    sent: list[Any] = []
    live = AiortcLive(sent.append, camera=Grey(), relay_only=True)
    live.relay(given(trusted.udp, trusted.tcp, secret="x" * 32))
    await live.set_viewers(uuid4(), ["doctor"])
    await live._calls["doctor"].settled()
    assert live.relay_state == RelayState(problem="turn_refused", only=True)
    await live.close()
    assert sent == []
