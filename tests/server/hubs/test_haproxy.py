"""The HAProxy configuration of docs/how-to/run-two-hubs.md, word for word but for addresses, before two real hubs."""

import asyncio
import contextlib
import datetime
import ipaddress
import json
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from carebag.processes import free_port
from carebag_server.database import Database
from carebag_server.demo_data import ensure_demo
from carebag_server.tables import AuditRow
from carebag_wire import PROTOCOL

PAGE = Path(__file__).parents[3] / "docs/how-to/run-two-hubs.md"
PROGRAM = shutil.which("haproxy")
PATIENCE_S = 60
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(PROGRAM is None, reason="no HAProxy: apt-get install haproxy"),
]


def certificate(folder: Path) -> Path:
    """Self-signed for localhost; certificate and key in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "hub.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + plain)
    return file


def configuration(folder: Path, front: int, ports: list[int]) -> Path:
    """The page's, with what it says to change changed."""
    text = PAGE.read_text(encoding="utf-8").split("```haproxy\n")[1].split("```")[0]
    changes = {
        "bind :443": f"bind 127.0.0.1:{front}",
        "/etc/haproxy/hub.pem": str(certificate(folder)),
        "hub.example.se": f"localhost:{front}",
        "10.0.0.11:8470": f"127.0.0.1:{ports[0]}",
        "10.0.0.12:8470": f"127.0.0.1:{ports[1]}",
    }
    for of_page, ours in changes.items():
        assert text.count(of_page) == 1, of_page
        text = text.replace(of_page, ours)
    file = folder / "haproxy.cfg"
    file.write_text(text, encoding="utf-8")
    return file


class Behind:
    """Two hubs, HAProxy before them, and a kit that comes through it."""

    def __init__(self, url: str, folder: Path, kit: Any) -> None:
        self.url, self.folder, self.kit = url, folder, kit
        self.front, self.ports = free_port(0), [free_port(0), free_port(0)]
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        for port in self.ports:
            options = ["--demo", "--database", self.url, "--media", str(self.folder / "media"), "--port", str(port)]
            options += ["--origin", f"https://localhost:{self.front}", "--bus", "postgresql"]
            self._run([sys.executable, "-m", "carebag.cli", "hub", *options], f"hub-{port}")
        config = configuration(self.folder, self.front, self.ports)
        assert PROGRAM is not None
        subprocess.run([PROGRAM, "-c", "-f", config], check=True, capture_output=True)
        self._run([PROGRAM, "-db", "-f", str(config)], "haproxy")

    def _run(self, command: list[str], name: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.started.append(subprocess.Popen(command, stdout=log, stderr=log))

    def logs(self) -> str:
        return "\n".join(f"{log.name}:\n{log.read_text()}" for log in self.folder.glob("*.log"))

    async def until_in(self, client: aiohttp.ClientSession) -> None:
        """Both hubs know each other, and HAProxy has noticed."""
        for url in [f"http://127.0.0.1:{port}" for port in self.ports] + [f"https://localhost:{self.front}"]:
            for _ in range(PATIENCE_S * 10):
                with contextlib.suppress(aiohttp.ClientError):
                    async with client.get(url + "/api/health", ssl=False) as answer:
                        if answer.status == 200:
                            break
                await asyncio.sleep(0.1)
            else:
                raise AssertionError(self.logs())


@pytest.fixture
async def behind(postgres_url: str, tmp_path: Path, make_kit: Any) -> AsyncIterator[Behind]:
    kit = make_kit(lambda: datetime.datetime.now(datetime.UTC))
    ensure_demo(postgres_url, kit.kit_id, kit.public_key)
    made = Behind(postgres_url, tmp_path, kit)
    try:
        made.start()
        yield made
    finally:
        for process in made.started:
            process.kill()
            process.wait()


async def line(behind: Behind, client: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    proof = behind.kit.proof("GET", "/api/ws/kit")
    socket = await client.ws_connect("/api/ws/kit", headers={"Authorization": proof})
    await socket.send_str(json.dumps({"type": "hello", "protocol": PROTOCOL, "client": "kit"}))
    assert json.loads((await socket.receive(PATIENCE_S)).data)["type"] == "welcome"
    return socket


async def test_tls_sockets_health_and_a_hub_that_is_killed(behind: Behind) -> None:
    trust = ssl.create_default_context(cafile=behind.folder / "hub.pem")
    connector = aiohttp.TCPConnector(ssl=trust, force_close=True)
    base = f"https://localhost:{behind.front}"
    async with aiohttp.ClientSession(base, connector=connector) as client:
        async with aiohttp.ClientSession() as plain:
            await behind.until_in(plain)

        async def visits() -> None:
            proof = behind.kit.proof("GET", "/api/kit/visits")
            headers = {"Authorization": proof, "X-Forwarded-For": "203.0.113.9"}
            async with client.get("/api/kit/visits", headers=headers) as answer:
                assert answer.status == 200
                assert await answer.json()

        for _ in range(6):  # at either
            await visits()
        sockets = [await line(behind, client)]
        sockets.append(await line(behind, client))  # at the other; the first one is told that it is superseded
        await sockets[0].receive(PATIENCE_S)
        kept = sockets[1]
        killed = time.monotonic()
        behind.started[0].send_signal(signal.SIGKILL)
        behind.started[0].wait()
        for _ in range(6):  # before HAProxy knows: the next hub is asked at once
            await visits()
        answered_s = time.monotonic() - killed
        if (await _state(kept)) == "cut":
            kept = await line(behind, client)
        await kept.send_str(json.dumps({"type": "ping", "id": 1}))
        async with asyncio.timeout(PATIENCE_S):
            while json.loads((await kept.receive()).data)["type"] != "pong":
                continue
        print(f"six requests after {answered_s:.2f} s, socket after {time.monotonic() - killed:.2f} s")
    database = Database(behind.url)
    with database.reading() as session:
        origins = set(session.scalars(select(AuditRow.origin)))
    database.dispose()
    assert not any("203.0.113.9" in origin for origin in origins)


async def _state(socket: aiohttp.ClientWebSocketResponse) -> str:
    """Whether the socket was at the killed hub: it is then cut within HAProxy's next looks."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(3):
            while True:
                frame = await socket.receive()
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    return "cut"
    return "open"
