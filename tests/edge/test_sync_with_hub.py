"""A kit and the true hub, over real sockets: nurse's page, kit, hub, doctor. Only patient and sensors are played."""

import asyncio
import contextlib
import hashlib
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import uvicorn

from carebag_edge.agent import Agent
from carebag_edge.clock import Clock
from carebag_edge.kit import run_kit
from carebag_edge.settings import KitSettings
from carebag_server.demo_data import ensure_demo
from carebag_server.serve import server_config
from carebag_server.settings import Settings
from carebag_wire.socket_ticket import PREFIX, SUBPROTOCOL

WITHIN_S = 30


class RunningHub:
    """The hub under uvicorn in this process; stops and comes back at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = f"sqlite:///{folder / 'hub.sqlite'}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server: uvicorn.Server | None = None
        self.serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        settings = Settings(
            database_url=self.database,
            media_folder=self.folder / "hub-media",
            port=self.port,
            origins=(f"http://localhost:{self.port}", self.url),
            kit_page_origin="http://localhost:1",
            demo=True,
        )
        self.server = uvicorn.Server(server_config(settings))
        self.server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        self.serving = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self.server is not None and self.serving is not None:
            self.server.should_exit = True
            await self.serving
        self.server = None


class Line:
    """One end of a WebSocket that keeps all it heard."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []

    async def send(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def until(self, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The first message from now on (or the last one heard) of which `wanted` is true."""
        if self.heard and wanted(self.heard[-1]):
            return self.heard[-1]
        async with asyncio.timeout(WITHIN_S):
            while True:
                frame = await self.socket.receive()
                assert frame.type is aiohttp.WSMsgType.TEXT, frame
                self.heard.append(json.loads(frame.data))
                if wanted(self.heard[-1]):
                    return self.heard[-1]

    async def ever(self, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The first message of all, heard already or still to come, of which `wanted` is true."""
        found = next((message for message in self.heard if wanted(message)), None)
        return found or await self.until(wanted)

    async def state(self, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        return await self.until(lambda m: m["type"] == "kit_state" and wanted(m))


class Scene:
    """Everybody of one visit."""

    def __init__(self, tmp_path: Path, instruments: Any) -> None:
        self.clock: Clock | None = None
        self.hub = RunningHub(tmp_path)
        self.settings = KitSettings(
            data=tmp_path / "kit",
            hub_url=self.hub.url,
            port=0,
            page_origin="http://localhost:1",
            simulated=True,
            pin_required=False,
        )
        self.make_instruments = instruments
        self.web = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.doctor_web = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.kit: asyncio.Task[None] | None = None
        self.agent: Agent
        self.port = 0

    @property
    def instruments(self) -> Any:
        return self.agent.instruments

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start_kit(self) -> None:
        ready: asyncio.Future[tuple[Agent, int]] = asyncio.get_running_loop().create_future()
        running = run_kit(
            self.settings,
            self.make_instruments,
            clock=self.clock,
            ready=lambda agent, port: ready.set_result((agent, port)),
        )
        self.kit = asyncio.create_task(running)
        done, _ = await asyncio.wait({self.kit, ready}, return_when=asyncio.FIRST_COMPLETED)
        if self.kit in done:
            self.kit.result()
        self.agent, self.port = ready.result()

    async def stop_kit(self) -> None:
        if self.kit is not None:
            self.kit.cancel()
            await asyncio.gather(self.kit, return_exceptions=True)
        self.kit = None

    async def enrol(self) -> None:
        """Give the kit a key and the hub its public half and the demo's people and visits."""
        from carebag_edge.keys import load_or_create

        key = load_or_create(self.settings.data, None, 1_764_000_000_000)
        await asyncio.to_thread(ensure_demo, self.hub.database, key.kit_id, key.public)

    async def link(self, role: str) -> str:
        async with self.web.get(f"{self.hub.url}/api/demo/doors") as answer:
            doors = await answer.json()
        return str(next(door["url"] for door in doors if door["role"] == role).split("#token=")[1])

    async def sign_in(self, session: aiohttp.ClientSession, role: str) -> str:
        headers = {"Origin": self.hub.url}
        body = {"token": await self.link(role)}
        async with session.post(f"{self.hub.url}/api/session/link", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["next"])

    async def enter(self) -> int:
        """The nurse signs in on the hub and arrives at the kit's page."""
        code = (await self.sign_in(self.web, "nurse")).split("#code=")[1]
        headers = {"Origin": self.page}
        async with self.web.post(f"{self.page}/api/enter", json={"code": code}, headers=headers) as answer:
            return answer.status

    async def nurse(self) -> Line:
        line = Line(await self.open(self.web, self.page, "/api/ws"))
        await line.send(type="hello", protocol=2, client="nurse")
        await line.until(lambda m: m["type"] == "welcome")
        return line

    async def open(self, web: aiohttp.ClientSession, origin: str, path: str, slot: str = "") -> Any:
        """A socket, as the pages open it."""
        headers = {"Origin": origin}
        async with web.post(f"{origin}{path}/ticket", headers=headers | {"X-Carebag-As": slot}) as answer:
            protocols = (SUBPROTOCOL, PREFIX + (await answer.json())["ticket"])
        return await web.ws_connect(f"{origin}{path}?as={slot}", headers=headers, protocols=protocols)

    async def doctor(self) -> Line:
        await self.sign_in(self.doctor_web, "doctor")
        line = Line(await self.open(self.doctor_web, self.hub.url, "/api/ws/console", "doctor"))
        await line.send(type="hello", protocol=2, client="console")
        await line.until(lambda m: m["type"] == "queue")
        return line

    async def ask(self, visit_id: str, kind: str, **circumstances: str) -> str:
        headers = {"Origin": self.hub.url, "X-Carebag-As": "doctor"}
        body = {"kind": kind, "circumstances": circumstances}
        url = f"{self.hub.url}/api/visits/{visit_id}/requests"
        async with self.doctor_web.post(url, json=body, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["id"])

    async def close(self) -> None:
        await self.stop_kit()
        await self.web.close()
        await self.doctor_web.close()
        await self.hub.stop()


@pytest.fixture
async def scene(tmp_path: Path, instruments: Any) -> AsyncIterator[Scene]:
    made = Scene(tmp_path, instruments)
    await made.enrol()
    await made.hub.start()
    yield made
    await made.close()


async def opened(scene: Scene) -> tuple[Line, Line, str]:
    """Nurse and doctor in the room of an open visit."""
    await scene.start_kit()
    assert await scene.enter() == 200
    nurse = await scene.nurse()
    state = await nurse.state(lambda m: m["visits"] and m["hub"] == "online")
    visit_id = state["visits"][0]["id"]
    doctor = await scene.doctor()
    await doctor.send(type="join", visit_id=visit_id)
    await doctor.until(lambda m: m["type"] == "snapshot")
    await nurse.send(type="open_visit", visit_id=visit_id, identifiers=["name", "personal_id"])
    await doctor.until(lambda m: m["type"] == "changed" and m["visit"] and m["visit"]["state"] == "open")
    await nurse.state(lambda m: m["open"] and m["unsent"] == 0)
    return nurse, doctor, visit_id


async def asked(scene: Scene, nurse: Line, visit_id: str, kind: str, **circumstances: str) -> str:
    """A request of the doctor, begun by the nurse."""
    request_id = await scene.ask(visit_id, kind, **circumstances)
    await nurse.state(lambda m: any(r["id"] == request_id for r in m["open"]["requests"]))
    await nurse.send(type="start_request", request_id=request_id)
    await nurse.state(lambda m: any(r["id"] == request_id and r["state"] == "started" for r in m["open"]["requests"]))
    return request_id


def reading_in(message: dict[str, Any]) -> Any:
    return message["type"] == "changed" and message["reading"]


async def test_a_blood_pressure_from_the_cuff_to_the_doctor(scene: Scene, world) -> None:
    nurse, doctor, visit_id = await opened(scene)
    request_id = await asked(scene, nurse, visit_id, "blood_pressure", site="left_arm", posture="sitting")
    scene.agent.intake(world.pressure("128"))
    told = await doctor.until(reading_in)
    reading = told["reading"]["reading"]
    assert [(q["value"], q["unit"]) for q in reading["quantities"]] == [("128", "mm[Hg]"), ("82", "mm[Hg]")]
    assert (reading["binding"]["visit_id"], reading["binding"]["request_id"]) == (visit_id, request_id)
    assert reading["circumstances"] == {"site": "left_arm", "posture": "sitting", "point": None}
    assert told["reading"]["decision"] == "draft"
    state = await nurse.state(lambda m: m["unsent"] == 0 and m["open"]["readings"])
    (view,) = state["open"]["readings"]
    assert view["received_at"] is not None
    assert next(r for r in state["open"]["requests"] if r["id"] == request_id)["state"] == "answered"


async def test_a_photo_taken_unasked_by_her_page_answers_what_the_doctor_waits_for(scene: Scene, photo: bytes) -> None:
    nurse, doctor, visit_id = await opened(scene)
    first, second = [await scene.ask(visit_id, "photo") for _ in range(2)]
    await nurse.state(lambda m: {first, second} <= {one["id"] for one in m["open"]["requests"]})
    path = f"{scene.page}/api/visits/{visit_id}/photo"
    async with scene.web.post(path, data=photo, headers={"Origin": scene.page}) as answer:
        assert answer.status == 201
    told = await doctor.until(lambda m: m["type"] == "changed" and m["request"] and m["request"]["state"] == "answered")
    assert told["request"]["id"] == first
    state = await nurse.state(lambda m: m["unsent"] == 0 and m["open"]["photos"])
    states = {one["id"]: one["state"] for one in state["open"]["requests"]}
    assert (states[first], states[second]) == ("answered", "asked")


async def test_a_cuff_error_is_words_and_the_next_value_still_answers(scene: Scene, world) -> None:
    nurse, doctor, visit_id = await opened(scene)
    request_id = await asked(scene, nurse, visit_id, "blood_pressure", site="left_arm")
    scene.agent.intake(world.pressure(problem="cuff_too_loose", device_time=None))
    told = await doctor.until(reading_in)
    assert (told["reading"]["reading"]["problem"], told["reading"]["reading"]["quantities"]) == ("cuff_too_loose", [])
    await nurse.state(lambda m: m["message"] == "cuff_too_loose")
    scene.agent.intake(world.pressure("131"))
    told = await doctor.until(lambda m: reading_in(m) and m["reading"]["reading"]["quantities"])
    assert told["reading"]["reading"]["binding"]["request_id"] == request_id


async def test_hub_away_nothing_is_lost_and_the_page_says_so(scene: Scene, world) -> None:
    nurse, _doctor, visit_id = await opened(scene)
    request_id = await asked(scene, nurse, visit_id, "crp")
    await nurse.state(lambda m: m["unsent"] == 0)
    await scene.hub.stop()
    await nurse.state(lambda m: m["hub"] == "offline")
    scene.agent.intake(world.crp("5", "<"))
    state = await nurse.state(lambda m: m["open"]["readings"])
    (view,) = state["open"]["readings"]
    assert (view["received_at"], state["unsent"]) == (None, 1)
    assert view["reading"]["quantities"][0]["comparator"] == "<"
    assert next(r for r in state["open"]["requests"] if r["id"] == request_id)["state"] == "answered"
    await scene.hub.start()
    state = await nurse.state(lambda m: m["hub"] == "online" and m["unsent"] == 0)
    assert state["open"]["readings"][0]["received_at"] is not None


async def test_kit_restarts_in_the_middle_and_hub_away_at_its_start(scene: Scene, world) -> None:
    nurse, _doctor, visit_id = await opened(scene)
    request_id = await asked(scene, nurse, visit_id, "blood_pressure", site="right_arm")
    await nurse.state(lambda m: m["unsent"] == 0)
    await scene.hub.stop()
    await scene.stop_kit()
    scene.web.cookie_jar.update_cookies({})
    await scene.start_kit()
    nurse = await scene.nurse()
    state = await nurse.state(lambda m: m["open"])
    assert (state["open"]["visit"]["id"], state["nurse"]["name"]) == (visit_id, "Anna Lind")
    scene.agent.intake(world.pressure("140"))
    state = await nurse.state(lambda m: m["open"]["readings"])
    assert state["open"]["readings"][0]["reading"]["binding"]["request_id"] == request_id
    await scene.hub.start()
    await nurse.state(lambda m: m["unsent"] == 0 and m["hub"] == "online")


async def test_heart_sound_to_the_hub_bit_by_bit(scene: Scene, world) -> None:
    nurse, doctor, visit_id = await opened(scene)
    await asked(scene, nurse, visit_id, "listen", point="mitral")
    await scene.instruments.asked.wait()
    live = await nurse.ever(lambda m: m["type"] == "listening" and m["state"] == "live")
    assert live["circumstances"]["point"] == "mitral"
    samples = (np.sin(np.arange(8000) / 9) * 9000).astype(np.int16)
    for start in range(0, 8000, 118):
        scene.instruments.sound(samples[start : start + 118], skip=118 if start == 2360 else 0)
    await nurse.send(type="stop_listening")
    told = await doctor.until(lambda m: m["type"] == "changed" and m["sound"] and m["sound"]["media_stored"])
    sound = told["sound"]["sound"]
    expected = np.concatenate([samples[:2360], np.zeros(118, np.int16), samples[2360:]]).astype("<i2").tobytes()
    assert sound["gaps"] == [{"first_sample": 2360, "samples": 118}]
    assert (sound["samples"], sound["media_sha256"]) == (8118, hashlib.sha256(expected).hexdigest())
    headers = {"X-Carebag-As": "doctor"}
    async with scene.doctor_web.get(
        f"{scene.hub.url}/api/media/{visit_id}/{sound['media_sha256']}", headers=headers
    ) as answer:
        assert (answer.status, await answer.read() == expected) == (200, True)
    state = await nurse.state(lambda m: m["unsent"] == 0 and m["open"]["sounds"])
    assert state["open"]["sounds"][0]["sound"]["id"] == sound["id"]


async def test_a_kit_stopped_while_it_listens_keeps_what_was_heard(scene: Scene, world) -> None:
    nurse, doctor, visit_id = await opened(scene)
    await asked(scene, nurse, visit_id, "listen", point="mitral")
    await scene.instruments.asked.wait()
    scene.instruments.sound(np.arange(1, 4001, dtype=np.int16))
    await scene.stop_kit()
    await scene.start_kit()
    told = await doctor.until(lambda m: m["type"] == "changed" and m["sound"])
    assert told["sound"]["sound"]["samples"] == 4000
    assert "interrupted" in told["sound"]["sound"]["quality"]["reasons"]


async def test_oximeter_live_and_spot(scene: Scene, world) -> None:
    nurse, doctor, visit_id = await opened(scene)
    request_id = await asked(scene, nurse, visit_id, "oximetry")
    await nurse.send(type="take_spot", request_id=request_id)
    assert (await nurse.until(lambda m: m["type"] == "problem"))["code"] == "oximeter_not_live"
    for spo2 in ("96", "97", "98"):
        scene.agent.intake(world.oximeter(spo2))
    live = await nurse.until(lambda m: m["type"] == "live_vitals" and m["spo2_percent"] == "98")
    assert (live["state"], live["pulse_per_min"]) == ("live", "72")
    through_hub = await doctor.until(lambda m: m["type"] == "live" and m["vitals"])
    assert through_hub["vitals"]["spo2_percent"] == "98"
    await nurse.send(type="take_spot", request_id=request_id)
    told = await doctor.until(reading_in)
    reading = told["reading"]["reading"]
    assert [q["value"] for q in reading["quantities"]] == ["97", "72"]
    assert reading["binding"]["request_id"] == request_id


async def test_a_stethoscope_that_does_not_answer(scene: Scene, world) -> None:
    nurse, _doctor, visit_id = await opened(scene)
    scene.instruments.silent = True
    request_id = await asked(scene, nurse, visit_id, "listen", point="mitral")
    state = await nurse.state(lambda m: m["message"] == "device_silent")
    assert state["listening"]["state"] == "lost"
    assert next(r for r in state["open"]["requests"] if r["id"] == request_id)["state"] == "started"


async def test_call_set_up_finds_the_nurses_page(scene: Scene, world) -> None:
    nurse, doctor, visit_id = await opened(scene)
    present = await doctor.ever(lambda m: m["type"] == "present" and len(m["participants"]) == 3)
    ids = {one["role"]: one["id"] for one in present["participants"]}
    second_tab = await scene.nurse()
    call = {"type": "signal", "visit_id": visit_id, "epoch": 1}
    await doctor.send(**call, to=ids["nurse"], description={"type": "offer", "sdp": ""})
    offer = await second_tab.until(lambda m: m["type"] == "signal")
    assert (offer["sender"], offer["to"]) == (ids["doctor"], ids["nurse"])
    answer = {"type": "answer", "sdp": ""}
    await second_tab.send(**call, to=offer["sender"], description=answer)
    back = await doctor.until(lambda m: m["type"] == "signal")
    assert (back["sender"], back["description"]) == (ids["nurse"], answer)
    assert not [m for m in nurse.heard if m["type"] == "signal"]


async def test_plan_read_and_visit_closed(scene: Scene, world) -> None:
    nurse, doctor, visit_id = await opened(scene)
    headers = {"Origin": scene.hub.url, "X-Carebag-As": "doctor"}
    url = f"{scene.hub.url}/api/visits/{visit_id}/note"
    body = {"assessment": "Ingen akut fara.", "plan": "Kontroll imorgon.", "base_version": 0}
    async with scene.doctor_web.put(url, json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        version = (await answer.json())["version"]
    async with scene.doctor_web.post(f"{url}/sign", json={"version": version}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    state = await nurse.state(lambda m: m["open"]["notes"])
    assert state["open"]["notes"][0]["plan"] == "Kontroll imorgon."
    await nurse.send(type="close_visit", plan_read=True)
    await doctor.until(lambda m: m["type"] == "changed" and m["visit"] and m["visit"]["state"] == "closed")
    state = await nurse.state(lambda m: m["open"] is None)
    assert next(v for v in state["visits"] if v["id"] == visit_id)["state"] == "closed"
    scene.agent.intake(world.pressure("120"))
    await nurse.state(lambda m: m["message"] == "saved_unassigned" and m["unsent"] == 0)


async def test_a_kit_whose_clock_is_wrong_is_let_in_and_keeps_its_own_time(scene: Scene, world) -> None:
    """The proof follows the hub's clock; the times in records stay what the kit's clock said."""
    slow = Clock(utc=lambda: datetime.now(UTC) - timedelta(minutes=7), monotonic_ns=time.monotonic_ns)
    scene.clock = slow
    nurse, doctor, _ = await opened(scene)
    scene.agent.intake(world.pressure())
    told = await doctor.until(reading_in)
    taken = datetime.fromisoformat(told["reading"]["reading"]["times"]["kit_utc"])
    assert timedelta(minutes=6) < datetime.fromisoformat(told["reading"]["received_at"]) - taken < timedelta(minutes=8)
    await nurse.state(lambda m: m["unsent"] == 0)


async def test_a_value_of_the_tray_filed_taken_back_and_filed_before_the_doctors_eyes(scene: Scene, world) -> None:
    nurse, doctor, _visit_id = await opened(scene)
    scene.agent.intake(world.pressure(provenance="stored", measurement_id="a"))
    state = await nurse.state(lambda m: m["tray_count"] == 1 and m["unsent"] == 0)
    reading_id = state["tray"][0]["reading"]["id"]

    async def decided(decision: str, wanted: str) -> Any:
        await nurse.send(type="file_reading", reading_id=reading_id, decision=decision)
        told = await doctor.until(lambda m: reading_in(m) and m["reading"]["decision"] == wanted)
        return told["reading"]

    view = await decided("this_patient", "draft")
    assert (view["reading"]["id"], view["filed_by"], view["taken_back"]) == (reading_id, "Anna Lind", False)
    view = await decided("set_aside", "rejected")
    assert (view["decided_by"], view["taken_back"]) == ("Anna Lind", True)
    await nurse.state(lambda m: m["unsent"] == 0 and m["set_aside"] and m["open"]["readings"][0]["taken_back"])
    await decided("this_patient", "draft")
    state = await nurse.state(lambda m: m["unsent"] == 0 and not m["set_aside"])
    assert [one["decision"] for one in state["open"]["readings"]] == ["draft"]


async def test_measured_before_the_link_came_back_it_is_still_this_visits(scene: Scene, world) -> None:
    nurse, doctor, visit_id = await opened(scene)
    request_id = await asked(scene, nurse, visit_id, "blood_pressure", site="left_arm")
    scene.agent.intake(world.pressure(provenance="stored", measurement_id="a", age_s=0.0, age_uncertainty_s=0.0))
    told = await doctor.until(reading_in)
    assert told["reading"]["reading"]["binding"]["request_id"] == request_id
    assert told["reading"]["reading"]["provenance"] == "live"
