"""The real server in its own process: the hub is killed in the middle of a visit, and the visit goes on."""

import asyncio
import gc
import json
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from carebag_server import serve
from carebag_server.demo_data import ensure_demo
from carebag_wire.messages import MAX_MESSAGE_BYTES
from carebag_wire.socket_ticket import PREFIX, SUBPROTOCOL

PROGRAM = """
import sys
from pathlib import Path
from carebag_server.serve import run
from carebag_server.settings import Settings
url, media, port = sys.argv[1:]
run(Settings(database_url=url, media_folder=Path(media), port=int(port), demo=True,
             origins=(f"http://localhost:{port}",)))
"""
HELLO = {"type": "hello", "protocol": 2}


class RealHub:
    """A hub in its own process, that can be killed and started again on the same port."""

    def __init__(self, url: str, folder: Path, kit: Any) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url, self.folder, self.kit = url, folder, kit
        self.home = f"http://localhost:{self.port}"
        self.client = httpx2.Client(base_url=self.home)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "hub.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-c", PROGRAM, self.url, str(self.folder / "media"), str(self.port)]
            self.process = subprocess.Popen(command, stderr=log)
        while self.process.poll() is None:
            try:
                if self.client.get("/api/health").status_code == 200:
                    return
            except httpx2.TransportError:
                continue
        raise AssertionError(self.log.read_text())

    def stop(self, how: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(timeout=30)

    def sign_in(self, role: str) -> dict[str, str]:
        door = next(door for door in self.client.get("/api/demo/doors").json() if door["role"] == role)
        headers = {"Origin": self.home, "X-Carebag-As": role}
        self.client.post("/api/session/link", headers=headers, json={"token": door["url"].split("=")[1]})
        return headers

    @contextmanager
    def console(self) -> Iterator[Any]:
        cookie = f"carebag_doctor={self.client.cookies['carebag_doctor']}"
        address = f"ws://localhost:{self.port}/api/ws/console?as=doctor"
        asked = self.client.post("/api/ws/console/ticket", headers={"Origin": self.home, "X-Carebag-As": "doctor"})
        offered = [Subprotocol(SUBPROTOCOL), Subprotocol(PREFIX + asked.json()["ticket"])]
        options: dict[str, Any] = {
            "origin": self.home,
            "additional_headers": {"Cookie": cookie},
            "subprotocols": offered,
        }
        with connect(address, **options) as line:
            line.send(json.dumps({**HELLO, "client": "console"}))
            assert until(line, "welcome")
            yield line

    @contextmanager
    def kit_line(self) -> Iterator[Any]:
        headers = {"Authorization": self.kit.proof("GET", "/api/ws/kit")}
        with connect(f"ws://localhost:{self.port}/api/ws/kit", additional_headers=headers) as line:
            line.send(json.dumps({**HELLO, "client": "kit"}))
            until(line, "kit_visits")
            yield line


def until(line: Any, kind: str) -> Any:
    while True:
        message = json.loads(line.recv(timeout=30))
        if message["type"] == kind:
            return message


def join(line: Any, visit: Any) -> Any:
    line.send(json.dumps({"type": "join", "visit_id": visit["id"]}))
    return until(line, "snapshot")["snapshot"]


@pytest.fixture
def real_hub(sqlite_url: str, tmp_path: Path, hub_kit: Any) -> Iterator[RealHub]:
    made = RealHub(sqlite_url, tmp_path, hub_kit)
    hub_kit.client = made.client
    ensure_demo(sqlite_url, hub_kit.kit_id, hub_kit.public_key)
    made.start()
    try:
        yield made
    finally:
        made.client.close()
        if made.process is not None:
            made.process.kill()
            made.process.wait()


@pytest.fixture
def hub_kit(make_kit: Any) -> Any:
    return make_kit(lambda: datetime.now(UTC))


def test_killed_in_the_middle_of_a_visit(real_hub: RealHub) -> None:
    kit, doctor = real_hub.kit, real_hub.sign_in("doctor")
    visit = kit.request("GET", "/api/kit/visits").json()[0]["visit"]
    kit.store("visit_opened", visit)
    with real_hub.console() as console, real_hub.kit_line() as kit_line:
        join(console, visit)
        base = f"/api/visits/{visit['id']}"
        request = real_hub.client.post(f"{base}/requests", headers=doctor, json={"kind": "blood_pressure"}).json()
        reading = kit.store("reading", visit, request["id"])
        envelope = kit.envelope(reading)
        real_hub.stop(signal.SIGKILL)
        for line in (console, kit_line):
            with pytest.raises(ConnectionClosed):
                until(line, "nothing")
    real_hub.start()
    with real_hub.console() as console, real_hub.kit_line():
        after = join(console, visit)  # the doctor is still signed in
        assert [one["reading"]["id"] for one in after["readings"]] == [reading["id"]]
        assert [one["state"] for one in after["requests"]] == ["answered"]
        assert kit.send_envelopes(envelope)["stored"] == [reading["id"]]  # the kit was not sure and sends again
        reviewer = real_hub.sign_in("reviewer")
        check = real_hub.client.get("/api/audit/verify", headers=reviewer).json()
        assert check["intact"]


def test_stopping_tells_everyone_and_leaves_nothing_open(real_hub: RealHub) -> None:
    real_hub.sign_in("doctor")
    with real_hub.console() as console:
        until(console, "queue")
        assert real_hub.stop(signal.SIGTERM) in {0, -signal.SIGTERM}
        problem = until(console, "problem")
        assert (problem["code"], problem["fatal"]) == ("hub_stopping", True)
        with pytest.raises(ConnectionClosed):
            until(console, "nothing")
    assert "Traceback" not in real_hub.log.read_text()


def test_oversize_is_answered_and_the_line_stays(real_hub: RealHub) -> None:
    real_hub.sign_in("doctor")
    with real_hub.console() as console:
        console.send(" " * (MAX_MESSAGE_BYTES + 1))
        assert until(console, "problem")["code"] == "too_large"
        console.send(json.dumps({"type": "ping", "id": 5}))
        assert until(console, "pong")["id"] == 5


def test_refusals_before_the_socket_opens(real_hub: RealHub) -> None:
    address = f"ws://localhost:{real_hub.port}/api/ws/console?as=doctor"
    real_hub.sign_in("doctor")
    cookie = {"Cookie": f"carebag_doctor={real_hub.client.cookies['carebag_doctor']}"}
    cases: list[tuple[Any, dict[str, str], int]] = [
        ("http://evil.example", cookie, 403),
        (None, cookie, 403),
        (real_hub.home, {}, 401),
        (real_hub.home, cookie, 403),  # without a ticket
    ]
    for origin, headers, status in cases:
        with pytest.raises(InvalidStatus) as refused, connect(address, origin=origin, additional_headers=headers):
            pass
        assert refused.value.response.status_code == status


def test_no_patient_data_in_the_processs_log(real_hub: RealHub) -> None:
    doctor, kit = real_hub.sign_in("doctor"), real_hub.kit
    visit = kit.request("GET", "/api/kit/visits").json()[0]["visit"]
    kit.store("visit_opened", visit)
    real_hub.client.get(f"/api/visits/{visit['id']}", headers=doctor)
    with real_hub.console() as console:
        join(console, visit)
    real_hub.stop(signal.SIGTERM)
    log = real_hub.log.read_text()
    assert "/api/visits/{visit_id}" in log
    for canary in ("Tolvan", "191212121212", visit["id"], visit["patient"]["id"], "token"):
        assert canary not in log


def test_a_kit_that_is_not_registered_has_one_line_in_the_log(real_hub: RealHub, make_kit: Any) -> None:
    stranger = make_kit(lambda: datetime.now(UTC))
    stranger.client = real_hub.client
    for _ in range(3):
        headers = {"Authorization": stranger.proof("GET", "/api/ws/kit")}
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(f"ws://localhost:{real_hub.port}/api/ws/kit", additional_headers=headers),
        ):
            pass
        answer = refused.value.response
        assert (answer.status_code, answer.headers["x-carebag-refusal"]) == (401, "kit_unknown")
        assert stranger.request("GET", "/api/kit/visits").json() == {"code": "kit_unknown"}
    real_hub.stop(signal.SIGTERM)
    lines = [line for line in real_hub.log.read_text().splitlines() if "kit" in line and "health" not in line]
    assert len(lines) == 1
    assert f"kit {stranger.kit_id} is refused, kit_unknown" in lines[0]
    assert not {"ERROR", "Traceback", "rejected"} & set(real_hub.log.read_text().split())


class Ring:
    """Refers to itself: only a search for garbage finds it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def own_garbage() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_is_there_at_the_start_is_not_looked_at_again(own_garbage: None) -> None:
    kept = Ring()
    serve.settle_memory()
    assert gc.get_freeze_count() > 1000
    assert not any(found is kept for found in gc.get_objects())
    assert gc.isenabled()
    assert gc.get_threshold()[2] > 10**9


async def test_garbage_that_grew_old_goes_in_the_end(own_garbage: None, monkeypatch: pytest.MonkeyPatch) -> None:
    serve.settle_memory()
    ring = Ring()
    gone = weakref.ref(ring)
    gc.collect(1)  # it survives its youth
    del ring
    gc.collect(1)
    assert gone() is not None
    monkeypatch.setattr(serve, "TIDY_SECONDS", 0.001)
    tidying = asyncio.create_task(serve._tidy())
    await asyncio.sleep(0.05)
    tidying.cancel()
    assert gone() is None
