"""Guests in a real browser: invited, at the door, in the room, shown the camera, gone and back; and the stills."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from carebag.pages import SLOW_MS, come_to_the_door, invite, new_page
from carebag.walkthrough import PATIENT, Walk
from carebag_server.audit import verify_database

pytestmark = pytest.mark.e2e
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
Accessible = Callable[[Page], None]
PLAYS = """
name => {
  const video = document.querySelector(`[data-testid="${name}"] video`)
  return Boolean(video && video.videoWidth > 0 && video.currentTime > 0)
}
"""


KEEP_PEERS = """
window.peers = []
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) {
    super(...given)
    window.peers.push(this)
  }
}
"""
FROM_KIT = """
async ({ frames = 0, energy = 0 }) => {
  const open = window.peers.filter((one) => one.connectionState === 'connected')
  const kit = open.find((one) => one.getTransceivers().every((two) => two.currentDirection === 'recvonly'))
  if (kit === undefined) return false
  const inbound = [...(await kit.getStats()).values()].filter((one) => one.type === 'inbound-rtp')
  const most = (kind, name) => Math.max(0, ...inbound.filter((one) => one.kind === kind).map((one) => one[name] ?? 0))
  return most('video', 'framesDecoded') >= frames && most('audio', 'totalAudioEnergy') >= energy
}
"""
"""Whether the kit's connection, which only receives, has brought so many pictures and so much sound."""


@pytest.fixture(scope="module")
def phone(chromium: Browser) -> Iterator[Page]:
    page = new_page(chromium, PHONE)
    page.add_init_script(KEEP_PEERS)
    yield page
    page.context.close()


def face(page: Page, state: str = "connected") -> None:
    for one in page.get_by_test_id("face").all():
        expect(one).to_have_attribute("data-state", state, timeout=SLOW_MS)


def test_a_relative_on_a_phone_is_invited_waits_and_is_let_in(walk: Walk, phone: Page, accessible: Accessible) -> None:
    doctor = walk.doctor.page
    link = invite(doctor, "Karin", "relative")
    assert "#token=" in link
    phone.goto(link)
    expect(phone.get_by_test_id("guest-name")).to_have_value("Karin")
    assert "token" not in phone.url
    accessible(phone)
    come_to_the_door(phone, link, "Karin Tolvansson")
    accessible(phone)
    knock = doctor.get_by_test_id("guest-knocks")
    expect(knock).to_contain_text("Karin Tolvansson", timeout=SLOW_MS)
    expect(walk.nurse.page.get_by_test_id("guest-knocks")).to_contain_text("Karin Tolvansson", timeout=SLOW_MS)
    accessible(doctor)
    doctor.get_by_test_id("guest-admit").click()
    expect(phone.get_by_test_id("face")).to_have_count(2, timeout=SLOW_MS)
    face(phone)
    phone.wait_for_function(PLAYS, arg="face", timeout=SLOW_MS)
    face(doctor)
    face(walk.nurse.page)
    accessible(phone)


def test_the_guest_sees_people_and_nothing_else(walk: Walk, phone: Page) -> None:
    text = phone.locator("body").inner_text()
    assert "Elena Ruiz" in text
    assert "Anna Lind" in text
    for hidden in (PATIENT, "19121212", "mmHg", "SpO"):
        assert hidden not in text
    expect(phone.get_by_test_id("guest-camera")).to_have_count(0)


def test_the_examination_is_seen_and_heard_while_the_doctor_allows_it(
    walk: Walk, phone: Page, accessible: Accessible
) -> None:
    doctor = walk.doctor.page
    doctor.get_by_test_id("guest-examination").check()
    expect(phone.get_by_test_id("guest-camera")).to_have_attribute("data-state", "live", timeout=SLOW_MS)
    expect(phone.get_by_test_id("guest-sound")).to_have_attribute("data-sounding", "false")
    phone.wait_for_function(FROM_KIT, arg={"frames": 20}, timeout=SLOW_MS)
    walk.doctor.ask_to_listen("mitral")
    walk.nurse.start_task("listen")
    expect(phone.get_by_test_id("guest-sound")).to_have_attribute("data-sounding", "true", timeout=SLOW_MS)
    expect(phone.get_by_test_id("guest-sound-label")).to_contain_text("inte för att bedöma")
    phone.wait_for_function(FROM_KIT, arg={"energy": 1e-9}, timeout=SLOW_MS)
    accessible(phone)
    accessible(doctor)
    phone.get_by_test_id("guest-sound-mute").click()
    expect(phone.get_by_test_id("guest-sound-volume")).to_be_disabled()
    assert walk.doctor.part("guest-no-place").count() == 0
    doctor.get_by_test_id("guest-examination").uncheck()
    expect(phone.get_by_test_id("guest-camera")).to_have_count(0, timeout=SLOW_MS)
    expect(phone.get_by_test_id("guest-sound")).to_have_count(0)
    phone.wait_for_function(f"async wanted => !(await ({FROM_KIT})(wanted))", arg={}, timeout=SLOW_MS)
    face(phone)  # the talk goes on
    walk.nurse.press("listen-stop")


def test_links_are_told_in_words_for_everyone(walk: Walk) -> None:
    for page in (walk.doctor.page, walk.nurse.page):
        person = page.get_by_test_id("person")
        for role in ("doctor", "nurse", "kit"):
            word = person.and_(page.locator(f'[data-role="{role}"]')).get_by_test_id("link")
            expect(word).to_have_attribute("data-word", re.compile("good|weak|bad"), timeout=SLOW_MS)
        guest = page.locator('[data-testid="guest"][data-here="true"]').get_by_test_id("link")
        expect(guest).to_have_attribute("data-word", re.compile("good|weak|bad"), timeout=SLOW_MS)


def test_leaving_and_coming_back_without_a_new_link(phone: Page) -> None:
    phone.get_by_test_id("guest-leave").click()
    phone.get_by_test_id("guest-back").click()
    phone.get_by_test_id("guest-knock").click()
    expect(phone.get_by_test_id("face")).to_have_count(2, timeout=SLOW_MS)
    phone.reload()
    phone.get_by_test_id("guest-knock").click()
    expect(phone.get_by_test_id("face")).to_have_count(2, timeout=SLOW_MS)
    face(phone)


def test_used_and_forged_links_are_refused_in_words(walk: Walk, chromium: Browser) -> None:
    link = invite(walk.doctor.page, "Tolken", "interpreter")
    desk = new_page(chromium, DESK)
    come_to_the_door(desk, link, "Leyla")
    stranger = new_page(chromium, PHONE)
    stranger.goto(link)
    expect(stranger.get_by_test_id("guest-over")).to_have_attribute("data-code", "guest_link_used", timeout=SLOW_MS)
    expect(stranger.get_by_test_id("guest-over")).to_contain_text("annan webbläsare")
    stranger.goto("about:blank")
    stranger.goto(link[:-6] + "AAAAAA")
    expect(stranger.get_by_test_id("guest-over")).to_have_attribute("data-code", "guest_link_unknown", timeout=SLOW_MS)
    stranger.context.close()
    walk.nurse.page.get_by_test_id("guest-admit").click()
    expect(desk.get_by_test_id("face")).to_have_count(3, timeout=SLOW_MS)
    face(desk)
    desk.context.close()


def test_shown_out_for_good(walk: Walk, phone: Page) -> None:
    doctor = walk.doctor.page
    karin = doctor.get_by_test_id("guest").filter(has_text="Karin")
    karin.get_by_test_id("guest-end").click()
    doctor.get_by_test_id("guest-end-sure").click()
    expect(phone.get_by_test_id("guest-over")).to_have_attribute("data-code", "guest_revoked", timeout=SLOW_MS)
    phone.reload()
    expect(phone.get_by_test_id("guest-over")).to_have_attribute("data-code", "guest_revoked", timeout=SLOW_MS)
    timeline = doctor.get_by_test_id("timeline")
    expect(timeline).to_contain_text("Elena Ruiz bjöd in Karin, anhörig, patienten samtyckte")
    expect(timeline).to_contain_text("Elena Ruiz släppte in Karin, anhörig, säger sig heta Karin Tolvansson")
    expect(timeline).to_contain_text("Elena Ruiz visade ut Karin, anhörig")


def test_the_doctor_takes_a_still_and_the_nurse_sees_that(walk: Walk) -> None:
    doctor, nurse = walk.doctor.page, walk.nurse.page
    doctor.get_by_test_id("camera-choose").select_option("1")
    expect(nurse.get_by_test_id("camera-controls")).to_have_attribute("data-chosen", "1", timeout=SLOW_MS)
    doctor.get_by_test_id("camera-freeze").click()
    expect(nurse.get_by_test_id("camera-said")).to_contain_text("Elena Ruiz", timeout=SLOW_MS)
    expect(doctor.get_by_test_id("camera-controls")).to_have_attribute("data-frozen", "true", timeout=SLOW_MS)
    doctor.get_by_test_id("camera-still").click()
    expect(doctor.get_by_test_id("timeline")).to_contain_text("Foto", timeout=SLOW_MS)
    nurse.get_by_test_id("camera-freeze").click()
    expect(doctor.get_by_test_id("camera-controls")).to_have_attribute("data-frozen", "false", timeout=SLOW_MS)
    nurse.get_by_test_id("camera-still").click()
    expect(nurse.get_by_test_id("camera-said")).to_contain_text("Anna Lind", timeout=SLOW_MS)


def test_the_log_tells_it_and_no_log_file_has_a_link(walk: Walk) -> None:
    assert verify_database(walk.demo.database).intact
    for log in walk.demo.parts.logs.glob("*.log"):
        text = Path(log).read_text(errors="replace")
        assert "token" not in text
        assert "Karin" not in text
