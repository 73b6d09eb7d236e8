"""What goes wrong in kitchens and server rooms: the visit goes on, nothing is lost, and the page says what happened."""

import json
import re
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.e2e.conftest import SPEED, no_patient_in
from tests.e2e.watched_calls import WATCH_CALLS, WATCH_PEOPLE

from carebag.balancer import Balancer
from carebag.balancer import running as balancing
from carebag.demonstration import Demo, Options
from carebag.pages import DESK, SLOW_MS, Doctor, new_page
from carebag.processes import Parts, free_port
from carebag.walkthrough import PATIENT, Walk

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def way() -> Iterator[tuple[Balancer, int]]:
    """By which the kit comes to the hub: it leads nowhere while `ports` is empty. And its own port."""
    balancer = Balancer([])
    with balancing(balancer) as [port]:
        yield balancer, port


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, way: tuple[Balancer, int]) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with Parts(folder / "logs") as parts:
        made = Demo(parts, Options(folder, port=free_port(0), speed=SPEED))
        way[0].ports, made.hub_for_kit = [made.hub_port], f"http://127.0.0.1:{way[1]}"
        made.start()
        yield made
    no_patient_in(folder / "logs")


@pytest.fixture(scope="module")
def walk(demo: Demo, chromium: Browser) -> Walk:
    visit = Walk(demo, chromium)
    visit.nurse_opens_visit()
    visit.doctor_joins()
    return visit


def carried_away(walk: Walk, device: str) -> None:
    """At once: the hurried cuff measures for a second, a hand on the page takes half of it."""
    url, pressed = f"{walk.demo.control_url}/press", {"device": device, "action": "vanish"}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(pressed).encode(), headers)
    with urllib.request.urlopen(request, timeout=10):
        pass


def drafts(walk: Walk) -> int:
    return walk.doctor.page.locator('[data-testid="value-blood_pressure"][data-decision="draft"]').count()


def test_a_value_measured_while_the_hub_is_dead_arrives_when_it_is_back_once(
    walk: Walk, way: tuple[Balancer, int]
) -> None:
    """And the calls go on meanwhile and afterwards: neither page makes one anew, and the doctor sees nobody go, though
    the kit comes seconds after the page. Only that it is connected is not said before it is."""
    nurse, doctor = walk.nurse, walk.doctor
    doctor.wait_for_video()
    doctor.wait_for_talk()
    for page in (nurse.page, doctor.page):
        page.evaluate(WATCH_CALLS)
        page.evaluate(WATCH_PEOPLE)
    walk.demo.parts.stop("hub", kill=True)
    expect(doctor.part("hub-lost")).to_be_visible(timeout=SLOW_MS)
    expect(nurse.part("net")).to_have_attribute("data-hub", re.compile("offline|connecting"), timeout=SLOW_MS)
    nurse.simulate("cuff", "start")
    card = nurse.page.locator('[data-testid="value-blood_pressure"]').first
    expect(card).to_be_visible(timeout=SLOW_MS)
    expect(nurse.part("unsent")).to_contain_text("1")
    reading = card.get_attribute("data-reading-id")

    ports, way[0].ports = way[0].ports, []
    walk.demo.start_hub()
    expect(doctor.part("hub-lost")).to_have_count(0, timeout=SLOW_MS)
    expect(doctor.part("kit-expected")).to_be_visible(timeout=SLOW_MS)
    expect(doctor.part("kit-online")).to_have_attribute("data-online", "false")
    doctor.page.wait_for_timeout(2500)  # within which a call that is missed would be made anew
    way[0].ports = ports
    expect(doctor.part("kit-expected")).to_have_count(0, timeout=SLOW_MS)
    expect(doctor.part("kit-online")).to_have_attribute("data-online", "true")

    at_the_doctors = doctor.page.locator(f'[data-reading-id="{reading}"]')
    expect(at_the_doctors).to_have_count(1, timeout=SLOW_MS)
    expect(nurse.part("unsent")).not_to_contain_text("1", timeout=SLOW_MS)
    faces_move(walk)
    doctor.wait_for_video()
    assert [page.evaluate("window.__calls") for page in (doctor.page, nurse.page)] == [0, 0]
    assert doctor.page.evaluate("window.__people") == ["doctor,kit,nurse"]
    doctor.keep("blood_pressure")


def test_the_doctors_reload_brings_back_values_picture_and_sound(walk: Walk) -> None:
    doctor = walk.doctor
    shown = doctor.page.locator("[data-reading-id]").count()
    doctor.page.reload()
    if doctor.part("patient-name").count() == 0:
        doctor.join(PATIENT)
    expect(doctor.page.locator("[data-reading-id]")).to_have_count(shown, timeout=SLOW_MS)
    doctor.wait_for_video()
    doctor.wait_for_talk()


def test_the_nurses_reload_brings_back_the_open_visit(walk: Walk) -> None:
    nurse = walk.nurse
    nurse.page.reload()
    expect(nurse.part("patient-name")).to_contain_text(PATIENT, timeout=SLOW_MS)
    walk.doctor.wait_for_talk()


def faces_move(walk: Walk) -> None:
    """Both see the other now; what is called connected may still be the connection of a page that is gone."""
    for page, face in ((walk.doctor.page, "nurse-face"), (walk.nurse.page, "doctor-face")):
        page.wait_for_function(FACE_MOVES, arg=face, timeout=SLOW_MS)


@pytest.mark.parametrize("first", ["doctor", "nurse"])
def test_the_call_comes_back_however_often_and_in_whatever_order_pages_are_loaded(walk: Walk, first: str) -> None:
    pages = [walk.doctor.page, walk.nurse.page]
    if first == "nurse":
        pages.reverse()
    for again in range(6):
        # the second page goes in the middle of what the first one begins
        pages[0].reload()
        pages[1].wait_for_timeout(150 * again)
        pages[1].reload()
        walk.doctor.wait_for_talk()
        faces_move(walk)
        walk.doctor.wait_for_video()


def test_a_second_tab_takes_the_seat_and_the_first_may_take_it_back(walk: Walk) -> None:
    first = walk.doctor
    second = Doctor(first.page.context.new_page())
    second.page.goto(first.page.url)
    if second.part("queue-visit").count() or second.part("patient-name").count() == 0:
        second.part("queue-visit").filter(has_text=PATIENT).click()
    second.press("seat-take-back")
    expect(second.part("patient-name")).to_contain_text(PATIENT, timeout=SLOW_MS)
    expect(first.part("superseded")).to_be_visible(timeout=SLOW_MS)
    second.wait_for_video()
    first.press("seat-take-back")
    expect(second.part("superseded")).to_be_visible(timeout=SLOW_MS)
    first.wait_for_video()
    second.page.close()


def test_a_cuff_lost_while_measuring_leaves_the_task_and_measures_when_it_is_back(walk: Walk) -> None:
    nurse, doctor = walk.nurse, walk.doctor
    before = drafts(walk)
    doctor.ask("blood_pressure")
    nurse.start_task("blood_pressure")
    nurse.simulate("cuff", "start")
    nurse.wait_for_device("cuff", "measuring")
    carried_away(walk, "cuff")
    nurse.wait_for_device("cuff", "lost")
    expect(nurse.part("task")).to_have_attribute("data-kind", "blood_pressure")
    nurse.wait_for_device("cuff")
    if drafts(walk) == before:
        nurse.simulate("cuff", "start")
    doctor.keep("blood_pressure")
    expect(nurse.part("task-none")).to_be_visible(timeout=SLOW_MS)


def test_taking_back_a_listening_stops_it_and_tells_the_nurse(walk: Walk) -> None:
    nurse, doctor = walk.nurse, walk.doctor
    doctor.ask_to_listen("aortic")
    nurse.start_task("listen")
    listening = doctor.part("listening")
    expect(listening).to_have_attribute("data-state", "live", timeout=SLOW_MS)
    doctor.press("request-break-off")  # the nurse is in the midst of it: said twice
    expect(listening).to_have_attribute("data-state", "live")
    doctor.press("request-cancel")
    expect(listening).to_have_attribute("data-state", "ended", timeout=SLOW_MS)
    expect(nurse.part("listening")).to_have_count(0, timeout=SLOW_MS)


def test_the_kit_killed_while_listening_keeps_what_was_heard(walk: Walk) -> None:
    nurse, doctor = walk.nurse, walk.doctor
    doctor.press("listen-audio-on")
    doctor.ask_to_listen("mitral")
    nurse.start_task("listen")
    expect(doctor.part("listening-rate")).to_contain_text(re.compile(r"\d{2}"), timeout=SLOW_MS)
    walk.demo.parts.stop("kit", kill=True)
    expect(doctor.part("kit-offline")).to_be_visible(timeout=SLOW_MS)
    expect(nurse.part("kit-lost")).to_be_visible(timeout=SLOW_MS)
    expect(doctor.part("ladder")).to_have_attribute(
        "data-rung", re.compile("store_and_forward|telephone"), timeout=SLOW_MS
    )
    expect(doctor.part("telephone")).to_have_attribute("href", "tel:0701740620")
    walk.demo.start_kit()
    expect(doctor.part("kit-online")).to_be_visible(timeout=SLOW_MS)
    expect(nurse.part("patient-name")).to_contain_text(PATIENT, timeout=SLOW_MS)
    expect(doctor.part("sound").first).to_be_visible(timeout=SLOW_MS)
    doctor.wait_for_video()
    expect(doctor.part("rung")).to_have_attribute("data-rung", re.compile("live|less_video"), timeout=SLOW_MS)


def test_a_link_works_once(walk: Walk, chromium: Browser) -> None:
    page = new_page(chromium, DESK)
    page.goto(f"{walk.demo.hub_url}/")
    link = page.get_by_test_id("door-doctor").get_attribute("href")
    assert link
    page.goto(link)
    expect(page.get_by_test_id("queue-visit").first).to_be_visible(timeout=SLOW_MS)
    again = new_page(chromium, DESK)
    again.goto(link)
    expect(again.get_by_test_id("enter-failed")).to_be_visible(timeout=SLOW_MS)


FACE_MOVES = """
name => {
  const face = document.querySelector(`[data-testid="${name}"][data-state="connected"]`)
  const frames = face?.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0
  const seen = (window.__faceFrames ??= {})
  seen[name] ??= frames
  return frames > seen[name] + 5
}
"""
