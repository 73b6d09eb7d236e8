"""Two doctors in one visit: one picture of the kit goes to both by way of a real Janus, exact sound to each as ever."""

import re
import statistics
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from carebag import janus
from carebag.demonstration import Demo, Options, running
from carebag.janus import Janus
from carebag.pages import DESK, MOVES, SLOW_MS, Doctor, come_to_the_door, invite, new_page
from carebag.processes import free_port
from carebag.walkthrough import PATIENT, Walk
from carebag_server import sessions
from carebag_server.database import Database
from carebag_server.demo_data import PREMICARE, demo_id
from carebag_server.tables import Commission, Practitioner

pytestmark = pytest.mark.e2e
PHONE = {"width": 390, "height": 844}


@dataclass
class Visit:
    server: Janus
    demo: Demo
    walk: Walk
    second: Doctor


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Visit]:
    folder = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        try:
            with janus.running(folder / "janus", "of a demo") as server:
                patch.setenv("CAREBAG_SFU", server.setting)
                patch.setenv("CAREBAG_SFU_SECRET", "of a demo")
                with running(Options(folder / "demo", port=free_port(0), mode="in_process")) as demo:
                    walk = Walk(demo, chromium)
                    walk.nurse_opens_visit()
                    walk.doctor_joins()
                    yield Visit(server, demo, walk, another_doctor(demo, chromium))
        except janus.NoJanus as missing:
            pytest.skip(str(missing))


def another_doctor(demo: Demo, chromium: Browser) -> Doctor:
    database = Database(demo.database)
    who, commission = uuid.uuid4(), uuid.uuid4()
    with database.transaction() as session:
        session.add(Practitioner(id=who, name="Olle Nord", title="kardiolog"))
        session.flush()
        organization = demo_id(PREMICARE)
        session.add(
            Commission(id=commission, practitioner_id=who, organization_id=organization, unit="Hjärta", role="doctor")
        )
        session.flush()
        token = sessions.issue_link(session, commission, datetime.now(UTC))
    database.dispose()
    page = new_page(chromium, DESK)
    page.goto(f"{demo.hub_url}/enter/#token={token}")
    doctor = Doctor(page)
    doctor.join(PATIENT)
    doctor.wait_for_video()
    return doctor


def way(doctor: Doctor, wanted: str) -> None:
    expect(doctor.part("stage")).to_have_attribute("data-way", wanted, timeout=2 * SLOW_MS)


def moves(page: Page) -> None:
    """Pictures come from now on; another stream in the element counts them from nothing."""
    page.evaluate("delete window.__firstFrames")
    page.wait_for_function(MOVES, arg="room-video", timeout=SLOW_MS)


def heard_by(doctor: Doctor) -> None:
    expect(doctor.part("sound-verified").first).to_be_visible(timeout=SLOW_MS)


def test_from_the_second_doctor_on_the_picture_comes_from_the_server_and_the_page_says_so(visit: Visit) -> None:
    for doctor in (visit.walk.doctor, visit.second):
        way(doctor, "sfu")
        moves(doctor.page)
        expect(doctor.part("by-sfu")).to_have_text(re.compile("sjukhusets server"))
        expect(doctor.part("call-code")).to_have_text(re.compile(r"\d{3} \d{3}"))


PICTURES = """async () => {
  const video = document.querySelector('[data-testid="room-video"]')
  const strip = new OffscreenCanvas(384, 8).getContext('2d', { willReadFrequently: true })
  const drawn = () => {
    const scale = video.videoWidth / 640
    strip.drawImage(video, 128 * scale, 352 * scale, 384 * scale, 8 * scale, 0, 0, 384, 8)
    const row = strip.getImageData(0, 4, 384, 1).data
    let ms = 0
    for (let block = 0; block < 48; block += 1) {
      const light = row[(block * 8 + 4) * 4]
      if (light > 80 && light < 170) return null
      ms = ms * 2 + (light > 127 ? 1 : 0)
    }
    return ms
  }
  const found = []
  await new Promise((done) => {
    const look = ({ detail }) => {
      const ms = drawn()
      if (ms !== null) found.push([detail.kitUs, ms])
      if (found.length === 20) done(document.removeEventListener('carebag:picture', look))
    }
    document.addEventListener('carebag:picture', look)
  })
  return found
}"""


def test_pictures_of_the_server_have_their_time_by_the_kits_clock(visit: Visit) -> None:
    """The demo camera writes the time into the picture; the kit runs on this machine, so its clock is ours."""
    way(visit.second, "sfu")
    ahead_ms = time.time() * 1000 - time.monotonic() * 1000
    found = visit.second.page.evaluate(PICTURES)
    late_ms = [kit_us / 1000 + ahead_ms - drawn_ms for kit_us, drawn_ms in found]
    assert abs(statistics.median(late_ms)) < 20, late_ms


def test_exact_sound_of_both_is_verified_meanwhile(visit: Visit) -> None:
    walk = visit.walk
    walk.nurse.simulate("stethoscope", "place")
    walk.doctor.ask_to_listen("mitral")
    walk.nurse.start_task("listen")
    for doctor in (walk.doctor, visit.second):
        expect(doctor.part("listening")).to_have_attribute("data-state", "live", timeout=SLOW_MS)
    moves(walk.doctor.page)
    walk.nurse.press("listen-stop")
    heard_by(walk.doctor)
    heard_by(visit.second)
    # nor does the ladder take a doctor without a direct picture for one who is gone
    expect(walk.doctor.page.locator('[data-rung="store_and_forward"], [data-rung="telephone"]')).to_have_count(0)


def test_when_the_server_dies_the_picture_comes_from_the_kit_and_goes_back(visit: Visit) -> None:
    both = (visit.walk.doctor, visit.second)
    visit.server.kill()
    for doctor in both:
        way(doctor, "kit")
        moves(doctor.page)
        expect(doctor.part("by-sfu")).to_have_count(0)
    visit.server.start()
    for doctor in both:
        way(doctor, "sfu")
        moves(doctor.page)


def test_to_one_doctor_it_comes_from_the_kit_again(visit: Visit) -> None:
    visit.second.page.context.close()
    way(visit.walk.doctor, "kit")
    moves(visit.walk.doctor.page)


def test_a_guest_who_is_shown_the_examination_gets_it_from_the_server_with_exact_sound_for_the_doctor(
    visit: Visit, chromium: Browser
) -> None:
    walk, phone = visit.walk, new_page(chromium, PHONE)
    come_to_the_door(phone, invite(walk.doctor.page, "Karin", "relative"), "Karin")
    walk.doctor.press("guest-admit")
    walk.doctor.part("guest-examination").check()
    expect(phone.get_by_test_id("guest-by-sfu")).to_have_text(re.compile("sjukhusets server"), timeout=2 * SLOW_MS)
    expect(phone.get_by_test_id("guest-camera")).to_have_attribute("data-state", "live", timeout=SLOW_MS)
    way(walk.doctor, "sfu")
    moves(walk.doctor.page)
    walk.doctor.part("guest-examination").uncheck()
    expect(phone.get_by_test_id("guest-camera")).to_have_count(0, timeout=SLOW_MS)
    way(walk.doctor, "kit")
    phone.context.close()


def test_no_log_tells_of_descriptions_or_rooms(visit: Visit) -> None:
    for log in visit.demo.parts.logs.glob("*.log"):
        text = log.read_text(errors="replace")
        for word in ("a=candidate", "a=fingerprint", "apisecret", "of a demo", "Tolvansson"):
            assert word not in text, (log.name, word)
