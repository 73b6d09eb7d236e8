"""The doctor's way to earlier visits in a real browser: consent, withdrawal, emergency with its banner, and its end."""

import hashlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect
from tests.server.conftest import KitSide

from carebag.pages import DESK, SLOW_MS, Doctor, new_page
from carebag.processes import free_port
from carebag_server.app import create_app
from carebag_server.audit import Actor
from carebag_server.demo_data import demo_id, ensure_demo
from carebag_server.protection import protect
from carebag_server.settings import Settings
from carebag_server.tables import VisitRow

pytestmark = [pytest.mark.e2e, pytest.mark.without_call]
SOUND = b"\x01\x00\x02\x00" * 4000
SHA = hashlib.sha256(SOUND).hexdigest()
REASON = "medvetslös, kan inte svara"
SHOTS = os.environ.get("CAREBAG_SHOTS")
"""Folder for pictures to look at."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Place:
    url: str
    before: str
    """The earlier visit."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A hub with an open visit of Tolvan, one of nine days ago with a sound, and a patient with protected identity."""
    folder, port = tmp_path_factory.mktemp("access"), free_port(0)
    url, kit = f"http://localhost:{port}", KitSide(now)  # type: ignore[arg-type]
    database = f"sqlite:///{folder / 'hub.db'}"
    ensure_demo(database, kit.kit_id, kit.public_key)
    app = create_app(Settings(database_url=database, media_folder=folder / "media", demo=True, origins=(url,)))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    with httpx2.Client(base_url=url) as client:
        kit.client = client  # type: ignore[assignment]
        heads = [one["visit"] for one in kit.request("GET", "/api/kit/visits").json()]
        kit.store("visit_opened", heads[0])
        before = _earlier(app.state.hub.database, kit, heads[0])
        with app.state.hub.database.transaction() as session:
            who = {"care_unit": "u", "organization": "o", "purpose": "p", "origin": "o", "request_ref": "r"}
            operator = Actor(practitioner="Maj", role="operator", **who)
            protect(session, operator, demo_id("195009072553"), "sekretessmarkering", now())
        yield Place(url, before)
    server.should_exit = True
    thread.join(timeout=10)


def _earlier(database: Any, kit: KitSide, of: Any) -> str:
    then = now() - timedelta(days=9)
    with database.transaction() as session:
        today = session.get_one(VisitRow, uuid.UUID(of["id"]))
        told = {name: getattr(today, name) for name in ("organization_id", "patient_id", "kit_id", "reason")}
        row = VisitRow(id=uuid.uuid4(), background="", colour=3, state="closed", scheduled_at=then, **told)
        session.add(row)
        before = {"id": str(row.id), "patient": {"id": str(row.patient_id)}}
    for visit in (before, of):
        kit.store("sound_recorded", visit, samples=len(SOUND) // 2, media_sha256=SHA)
    kit.request("PUT", f"/api/kit/media/{SHA}", SOUND)
    return before["id"]


def look(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=f"{SHOTS}/{name}-{scheme}.png")
        page.set_viewport_size({"width": 820, "height": 1180})
        page.screenshot(path=f"{SHOTS}/{name}-tablet.png")
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light")


def reads(page: Page, place: Place) -> int:
    """What the hub answers this page about the earlier visit."""
    asked = "path => fetch(path, {headers: {'X-Carebag-As': 'doctor'}}).then(answer => answer.status)"
    return int(page.evaluate(asked, f"/api/visits/{place.before}"))


@pytest.fixture(scope="module")
def doctor(place: Place, chromium: Browser) -> Doctor:
    seen = Doctor(new_page(chromium, DESK))
    seen.enter(place.url)
    seen.join("Tolvan")
    return seen


def ground(doctor: Doctor, expected: str) -> None:
    expect(doctor.part("earlier")).to_have_attribute("data-ground", expected, timeout=SLOW_MS)


def test_closed_until_the_patient_agrees(doctor: Doctor, place: Place, accessible: Callable[[Page], None]) -> None:
    ground(doctor, "none")
    expect(doctor.part("consent-ask")).to_be_visible()
    assert reads(doctor.page, place) == 404
    look(doctor.page, "closed")
    doctor.part("sound-open").first.click()
    expect(doctor.part("compare-consent")).to_be_visible(timeout=SLOW_MS)
    expect(doctor.part("compare")).to_have_count(0)
    doctor.part("compare-consent").scroll_into_view_if_needed()
    look(doctor.page, "compare")
    doctor.press("compare-consent")
    accessible(doctor.page)
    look(doctor.page, "consent")
    doctor.press("asked-by-nurse")
    doctor.press("how-spoken")
    doctor.press("days-30")
    doctor.press("consent-record")
    ground(doctor, "consent")
    assert reads(doctor.page, place) == 200
    expect(doctor.part("compare").locator("option")).to_have_count(2, timeout=SLOW_MS)
    look(doctor.page, "agreed")
    doctor.press("consent-withdraw")
    ground(doctor, "none")
    expect(doctor.part("compare")).to_have_count(0, timeout=SLOW_MS)
    assert reads(doctor.page, place) == 404


def test_an_emergency_is_red_until_it_is_ended(
    doctor: Doctor, place: Place, accessible: Callable[[Page], None]
) -> None:
    doctor.press("emergency-ask")
    expect(doctor.part("emergency-open")).to_be_disabled()
    look(doctor.page, "emergency-ask")
    doctor.part("emergency-reason").fill(REASON)
    accessible(doctor.page)
    doctor.press("emergency-open")
    expect(doctor.part("emergency")).to_be_visible(timeout=SLOW_MS)
    ground(doctor, "emergency")
    assert reads(doctor.page, place) == 200
    accessible(doctor.page)
    look(doctor.page, "emergency")
    doctor.page.reload()
    expect(doctor.part("emergency")).to_be_visible(timeout=SLOW_MS)
    doctor.press("emergency-end")
    expect(doctor.part("emergency")).to_have_count(0, timeout=SLOW_MS)
    ground(doctor, "none")
    assert reads(doctor.page, place) == 404


def test_a_list_does_not_name_a_protected_patient(doctor: Doctor, accessible: Callable[[Page], None]) -> None:
    names = doctor.part("queue-visit").all_inner_texts()
    assert not [name for name in names if "Sven" in name]
    doctor.part("queue-visit").nth(1).click()
    expect(doctor.part("protected")).to_be_visible(timeout=SLOW_MS)
    expect(doctor.part("patient-name")).to_have_text("Sven Testsson")
    accessible(doctor.page)
    look(doctor.page, "protected")
