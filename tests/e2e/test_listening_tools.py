"""What a doctor does with a heart sound: views, replay, a mark that the nurse sees, an earlier recording beside it."""

import contextlib
import re
import sqlite3
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from scipy.io import wavfile

from carebag.demonstration import Demo, Options, running
from carebag.pages import SLOW_MS
from carebag.processes import free_port
from carebag.walkthrough import Walk
from carebag_signal.synthetic import Body, heart_sound

pytestmark = pytest.mark.e2e

PLACE = "() => parseFloat(document.querySelector('[data-testid=piece-piece] [data-testid=place]').style.left)"
INK = """name => {
  const canvas = document.querySelector(`[data-testid=${name}] canvas`)
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  return new Set(new Uint32Array(data.buffer)).size
}"""
"""How many colours a canvas shows."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Whose stethoscope hears a heart with sound between S1 and S2."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "hearts").mkdir()
    heard = heart_sound(Body(seed=31, murmur="systolic", murmur_level=0.2), 60.0)
    wavfile.write(folder / "hearts" / "one.wav", heard.rate_hz, heard.samples)
    with running(Options(folder, port=free_port(0), recordings=str(folder / "hearts"))) as started:
        yield started


@pytest.fixture(scope="module")
def walk(demo: Demo, chromium: Browser) -> Walk:
    visit = Walk(demo, chromium)
    visit.nurse_opens_visit()
    visit.doctor_joins()
    visit.nurse.simulate("stethoscope", "place")
    visit.doctor.press("listen-audio-on")
    return visit


def listen(walk: Walk) -> None:
    """At the apex, until there is some sound."""
    walk.doctor.ask_to_listen("mitral")
    walk.nurse.start_task("listen")
    expect(walk.doctor.part("listening")).to_have_attribute("data-state", "live", timeout=SLOW_MS)
    walk.doctor.page.wait_for_function(f"name => ({INK})(name) > 8", arg="spectrogram", timeout=SLOW_MS)


def stop(walk: Walk) -> None:
    walk.nurse.press("listen-stop")
    expect(walk.doctor.part("listening")).to_have_attribute("data-state", "ended", timeout=SLOW_MS)


def moved(page: Page) -> None:
    """The place in the piece is another than a moment ago."""
    before = page.evaluate(PLACE)
    page.wait_for_function(f"before => ({PLACE})() !== before", arg=before, timeout=SLOW_MS)


def test_the_view_is_switched_by_hand_and_by_key_and_the_nurse_sees_it(walk: Walk) -> None:
    listen(walk)
    doctor, hears = walk.doctor, walk.nurse.part("doctor-hears")
    for view in ("bell", "lung"):
        doctor.press(f"view-{view}")
        expect(doctor.part("filtered")).to_be_visible()
        expect(hears).to_have_attribute("data-view", view, timeout=SLOW_MS)
    doctor.page.keyboard.press("2")
    expect(doctor.part("view-diaphragm")).to_have_attribute("aria-pressed", "true")
    doctor.page.keyboard.press("0")
    expect(doctor.part("view-raw")).to_have_attribute("aria-pressed", "true")
    expect(doctor.part("unfiltered")).to_be_visible()
    expect(hears).to_have_attribute("data-view", "raw", timeout=SLOW_MS)
    expect(hears).to_have_attribute("data-source", "live")


def test_noise_is_taken_down_for_the_ear_until_unfiltered_is_pressed(walk: Walk) -> None:
    doctor, hears = walk.doctor, walk.nurse.part("doctor-hears")
    quieter = doctor.part("quieter")
    expect(quieter).to_have_attribute("aria-pressed", "false")
    doctor.press("view-bell")
    doctor.page.keyboard.press("n")
    expect(quieter).to_have_attribute("aria-pressed", "true")
    expect(doctor.part("quietened")).to_be_visible()
    expect(doctor.part("view-bell")).to_have_attribute("aria-pressed", "true")
    expect(hears).to_have_attribute("data-quieter", "true", timeout=SLOW_MS)
    doctor.press("view-raw")
    expect(quieter).to_have_attribute("aria-pressed", "false")
    expect(doctor.part("quietened")).to_have_count(0)
    # and by hand, where no filter is on: then it is not called unfiltered
    quieter.click()
    expect(doctor.part("view-raw")).to_have_attribute("aria-pressed", "false")
    doctor.page.keyboard.press("0")
    expect(quieter).to_have_attribute("aria-pressed", "false")
    expect(hears).to_have_attribute("data-quieter", "false", timeout=SLOW_MS)


def test_a_mark_is_seen_by_the_nurse_and_taken_back_by_its_author(walk: Walk) -> None:
    doctor, nurse = walk.doctor, walk.nurse
    doctor.part("mark-kind").select_option("murmur")
    doctor.part("mark-text").fill("systole")
    doctor.press("mark-make")
    expect(nurse.part("mark")).to_contain_text("systole", timeout=SLOW_MS)
    expect(doctor.part("timeline")).to_contain_text("systole")
    # the first one is whole: until then a second is not begun
    expect(doctor.part("mark-text")).to_have_value("")
    doctor.part("view-raw").focus()
    doctor.page.keyboard.press("m")
    expect(nurse.part("mark")).to_have_count(2, timeout=SLOW_MS)
    doctor.part("mark").filter(has_text="systole").get_by_test_id("mark-undo").click()
    expect(nurse.part("mark")).to_have_count(1, timeout=SLOW_MS)
    expect(doctor.part("timeline")).not_to_contain_text("systole")


def test_the_seconds_it_points_at_are_played_in_a_loop_until_the_doctor_hides_it(walk: Walk) -> None:
    doctor = walk.doctor
    expect(doctor.part("listen-here")).to_contain_text("mer ljud än väntat mellan S1 och S2", timeout=SLOW_MS)
    expect(walk.nurse.part("listen-here")).to_have_count(0)
    doctor.press("listen-here-play")
    expect(doctor.part("replay")).to_have_attribute("data-playing", "true")
    expect(doctor.part("replay-loop")).to_have_attribute("aria-pressed", "true")
    chosen = doctor.part("overview").get_attribute("aria-valuetext") or ""
    low, high = map(float, chosen.replace(",", ".").split(" ")[0].split("–"))
    assert 1.0 < high - low < 6.0
    doctor.press("replay-live")
    doctor.press("listen-here-hide")
    expect(doctor.part("listen-here")).to_have_count(0)


def test_replay_is_called_so_and_the_live_sound_goes_on_being_received(walk: Walk) -> None:
    doctor = walk.doctor
    doctor.press("replay-start")
    expect(doctor.part("not-live")).to_be_visible()
    expect(doctor.part("replay")).to_have_attribute("data-playing", "true")
    moved(doctor.page)
    doctor.press("speed-quarter")
    doctor.press("pitch-lower")
    expect(walk.nurse.part("doctor-hears")).to_have_attribute("data-source", "replay", timeout=SLOW_MS)
    moved(doctor.page)
    doctor.part("overview").focus()
    doctor.page.keyboard.press("Home")
    doctor.page.keyboard.press("p")
    expect(doctor.part("replay")).to_have_attribute("data-playing", "false")
    assert doctor.page.evaluate(INK, "detail") > 2
    doctor.page.keyboard.press("Escape")
    expect(doctor.part("replay")).to_have_count(0)
    expect(doctor.part("phonocardiogram")).to_be_visible()
    stop(walk)
    # nothing was missed meanwhile: the copy here is the recording
    expect(doctor.part("sound-verified")).to_have_count(1, timeout=SLOW_MS)


def into_an_earlier_visit(walk: Walk) -> None:
    """As if the first recording had been made at an earlier visit of this patient."""
    with (
        contextlib.closing(sqlite3.connect(walk.demo.database.removeprefix("sqlite:///"), timeout=20)) as database,
        database,
    ):
        columns = [row[1] for row in database.execute("PRAGMA table_info(visit)")]
        (row,) = database.execute("SELECT * FROM visit WHERE id = (SELECT visit_id FROM finding WHERE kind = 'sound')")
        earlier = {**dict(zip(columns, row, strict=True)), "id": uuid.uuid4().hex, "state": "closed"}
        earlier["scheduled_at"] = earlier["opened_at"] = "2026-01-07 09:30:00.000000"
        marks = ", ".join("?" for _ in columns)
        database.execute(f"INSERT INTO visit VALUES ({marks})", [earlier[name] for name in columns])
        database.execute("UPDATE finding SET visit_id = ? WHERE kind = 'sound'", [earlier["id"]])
        database.execute("UPDATE listening_mark SET visit_id = ?", [earlier["id"]])


def test_an_earlier_visits_recording_stands_beside_this_ones(walk: Walk) -> None:
    doctor = walk.doctor
    # beside a call a recording leaves the kit slowly
    expect(doctor.part("sound-open")).to_be_enabled(timeout=3 * SLOW_MS)
    into_an_earlier_visit(walk)
    doctor.page.reload()
    expect(doctor.part("sound")).to_have_count(0, timeout=SLOW_MS)
    doctor.wait_for_video()
    doctor.press("consent-ask")
    for choice in ("asked-by-doctor", "how-spoken", "days-1"):
        doctor.press(choice)
    doctor.press("consent-record")
    listen(walk)
    doctor.press("replay-start")
    choice = doctor.part("compare")
    expect(choice).to_be_visible(timeout=SLOW_MS)
    earlier = choice.locator("optgroup").last.locator("option").first
    choice.select_option(earlier.get_attribute("value"))
    expect(doctor.part("piece-other")).to_be_visible(timeout=SLOW_MS)
    expect(doctor.part("piece-name")).to_have_count(2)
    doctor.press("play-other")
    expect(doctor.part("piece-other")).to_have_class(re.compile("active"))
    expect(walk.nurse.part("doctor-hears")).to_have_attribute("data-source", "recording", timeout=SLOW_MS)
    doctor.press("replay-live")
    stop(walk)
