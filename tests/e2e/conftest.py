"""A running demo and a real browser; each module has its own, each with its own folder and ports."""

import asyncio
import json
import re
import runpy
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Self
from uuid import uuid4

import pytest
from aiohttp import WSMsgType, web
from playwright.async_api import Browser as AsyncBrowser
from playwright.async_api import async_playwright
from playwright.sync_api import Browser, Page

from carebag.browser import FLAGS, find_or_install
from carebag.demonstration import Demo, Options, running
from carebag.pages import browser
from carebag.processes import free_port
from carebag.walkthrough import PATIENT, Walk
from carebag_edge.live.camera import CameraSource
from carebag_edge.live.media import AiortcLive
from carebag_server.demo_data import PATIENTS
from carebag_wire.messages import Signal

WEB = Path(__file__).parents[2] / "web"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SPEED = 4.0
"""The simulated cuff and analyser take seconds, not tens of them."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with running(Options(folder, port=free_port(0), speed=SPEED)) as started:
        yield started
    no_patient_in(folder / "logs")


OF_PATIENTS = re.compile(
    "|".join(part for ill in PATIENTS for part in (ill.name, ill.name.split()[1], ill.personal_id[2:8], ill.place))
)
"""What no line of a log may hold; of a number six digits are enough to know it by, however it is written."""


def no_patient_in(logs: Path) -> None:
    """Hub, kit and simulators have written about everything but the patients (HSLF-FS 2016:40; ASVS 5.0 V16.2.5)."""
    files = sorted(logs.iterdir())
    assert {"hub", "kit"} <= {file.name.split(".")[0].split("-")[0] for file in files}
    for file in files:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [number for number, line in enumerate(lines, 1) if OF_PATIENTS.search(line)]
        assert not told, f"{file.name} tells of a patient in lines {told[:5]}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def walk(demo: Demo, chromium: Browser) -> Walk:
    """Nurse and doctor have met in the visit."""
    visit = Walk(demo, chromium)
    visit.nurse.enter(demo.hub_url)
    visit.nurse.open_visit(PATIENT)
    visit.doctor.enter(demo.hub_url)
    visit.doctor.join(PATIENT)
    visit.doctor.wait_for_video()
    return visit


@pytest.fixture(scope="session")
def accessible() -> Callable[[Page], None]:
    """Asserts that axe finds nothing on a page as it is now (WCAG 2.2 A and AA)."""
    script = (WEB / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

    def check(page: Page) -> None:
        page.evaluate(script)
        found = page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", WCAG)
        faults = [(fault["id"], [node["html"][:160] for node in fault["nodes"]]) for fault in found["violations"]]
        assert faults == []

    return check


@pytest.fixture(scope="session")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Builds a bare page of `web/tests` once, by its folder's name."""

    @cache
    def build(name: str) -> Path:
        out = tmp_path_factory.mktemp(name)
        npm, environment = runpy.run_path(str(WEB / "npm.py"))["find_npm"]()
        if not (WEB / "node_modules" / "vite").exists():
            subprocess.run([*npm, "ci", "--no-audit", "--no-fund"], cwd=WEB, env=environment, check=True)
        vite = [*npm, "exec", "--", "vite", "build", f"tests/{name}", "-c", f"tests/{name}/vite.config.ts"]
        subprocess.run([*vite, "--outDir", str(out)], cwd=WEB, env=environment, check=True, capture_output=True)
        return out

    return build


class PageServer:
    """Serves a bare page and relays call set-up, between a kit's live media and the page, or between two pages."""

    def __init__(self, folder: Path, camera: CameraSource) -> None:
        self.folder = folder
        self.visit_id = uuid4()
        self.live = AiortcLive(self._from_kit, camera=camera, ice_servers=[])
        self.page: web.WebSocketResponse | None = None
        self.talkers: list[web.WebSocketResponse] = []
        self.url = ""
        self._sending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/signal", self._signal)
        app.router.add_get("/talk", self._talk)
        app.router.add_static("/", self.folder)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.live.close()
        await self._runner.cleanup()

    def _from_kit(self, signal: Signal) -> None:
        if self.page is not None:
            task = asyncio.create_task(self.page.send_str(signal.model_dump_json()))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _signal(self, request: web.Request) -> web.WebSocketResponse:
        self.page = socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self.live.set_viewers(self.visit_id, ["doctor"])
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                body = json.loads(message.data)
                await self.live.on_signal(Signal(visit_id=self.visit_id, sender="doctor", to="kit", **body))
        return socket

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.talkers.append(socket)
        async for message in socket:
            for other in self.talkers:
                if other is not socket and not other.closed:
                    await other.send_str(message.data)
        return socket


@pytest.fixture
def page_server() -> type[PageServer]:
    return PageServer


@pytest.fixture
async def own_chromium() -> AsyncIterator[AsyncBrowser]:
    """For tests in which kit and page share the test's event loop."""
    async with async_playwright() as playwright:
        executable = await asyncio.to_thread(find_or_install)
        browser = await playwright.chromium.launch(executable_path=executable, headless=True, args=list(FLAGS))
        yield browser
        await browser.close()
