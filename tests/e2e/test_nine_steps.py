"""The nine steps of a visit, over the real stacks, in a real browser, judged by what a person sees."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from carebag.demonstration import Demo
from carebag.pages import SLOW_MS
from carebag.walkthrough import PATIENT, PLAN, Walk
from carebag_edge.data_key import key_place, load_or_create_data_key
from carebag_edge.keys import load_or_create
from carebag_edge.sealed_journal import open_sealed
from carebag_server.audit import verify_database

pytestmark = pytest.mark.e2e

Accessible = Callable[[Page], None]
PERSONAL_ID = "191212121212"


@pytest.fixture(scope="module")
def walk(demo: Demo, chromium: Browser) -> Walk:
    visit = Walk(demo, chromium)
    for person in (visit.nurse, visit.doctor, visit.reviewer):
        person.page.context.on("page", listen_for_errors)
    return visit


PAGE_ERRORS: list[str] = []


def listen_for_errors(page: Page) -> None:
    page.on("pageerror", lambda error: PAGE_ERRORS.append(str(error)))


@pytest.fixture(autouse=True)
def no_page_errors() -> Iterator[None]:
    """No script of ours may fail unseen, and the content security policy may not be broken."""
    PAGE_ERRORS.clear()
    yield
    assert not PAGE_ERRORS


def test_1_the_nurse_opens_the_visit_after_two_identifiers(walk: Walk, accessible: Accessible) -> None:
    nurse = walk.nurse
    nurse.enter(walk.demo.hub_url)
    card = nurse.part("visit").filter(has_text=PATIENT)
    expect(card).to_be_visible()
    accessible(nurse.page)
    card.get_by_test_id("visit-choose").dblclick()
    expect(nurse.part("identifier-name")).to_be_enabled()
    for one in ("name", "personal_id", "birth_date", "address"):
        expect(nurse.part(f"identifier-{one}")).not_to_be_checked()
    nurse.part("identifier-name").check(force=True)
    expect(nurse.part("visit-open")).to_be_disabled()
    nurse.part("identifier-personal_id").check(force=True)
    accessible(nurse.page)
    nurse.press("visit-open")
    expect(nurse.part("patient-id")).to_have_text("19121212-1212")
    for kind in ("cuff", "oximeter", "stethoscope", "crp_analyser"):
        nurse.wait_for_device(kind)
        expect(nurse.part(f"device-{kind}")).to_contain_text("%")
    accessible(nurse.page)


def test_2_the_doctor_sees_the_visit_wait_and_sees_and_hears(walk: Walk, accessible: Accessible) -> None:
    doctor = walk.doctor
    doctor.enter(walk.demo.hub_url)
    expect(doctor.part("queue-visit").filter(has_text=PATIENT)).to_have_attribute("data-state", "open")
    accessible(doctor.page)
    doctor.join(PATIENT)
    doctor.wait_for_video()
    doctor.wait_for_talk()
    walk.nurse.page.wait_for_function(FACE_PLAYS)
    accessible(doctor.page)


def test_3_blood_pressure_is_asked_for_measured_and_kept_and_an_error_is_words(walk: Walk) -> None:
    nurse, doctor = walk.nurse, walk.doctor
    doctor.ask("blood_pressure")
    expect(nurse.part("task")).to_contain_text("vänster arm")
    nurse.start_task("blood_pressure")
    nurse.simulate("cuff", "start_error")
    failed = doctor.draft("blood_pressure")
    expect(failed).to_contain_text("Manschetten")
    expect(failed.get_by_test_id("number")).to_have_count(0)
    doctor.ask_again("blood_pressure", "Manschetten satt löst")
    expect(nurse.part("task")).to_contain_text("Manschetten satt löst")
    nurse.start_task("blood_pressure")
    nurse.simulate("cuff", "start")
    draft = doctor.draft("blood_pressure")
    expect(draft.get_by_test_id("number")).to_have_text(re.compile(r"^\d{2,3}/\d{2,3}$"))
    expect(draft).to_contain_text("mmHg")
    expect(draft).to_contain_text("simulerad")
    expect(nurse.page.locator('[data-testid="value-blood_pressure"][data-decision="draft"]')).to_have_count(1)
    doctor.keep("blood_pressure")
    kept = nurse.page.locator('[data-testid="value-blood_pressure"][data-decision="kept"]')
    expect(kept.first).to_contain_text("Elena Ruiz")


def test_4_the_oximeter_is_live_then_says_so_when_it_is_not(walk: Walk) -> None:
    nurse, doctor = walk.nurse, walk.doctor
    nurse.simulate("oximeter", "finger_on")
    live = doctor.part("live-spo2")
    expect(live).to_have_attribute("data-state", "live")
    expect(doctor.part("live-spo2-number")).to_have_text(re.compile(r"^\d{2,3}$"))
    doctor.ask("oximetry")
    nurse.start_task("oximetry")
    nurse.save_spot()
    assert "%" in doctor.keep("oximetry")
    nurse.simulate("oximeter", "finger_off")
    expect(live).to_have_attribute("data-state", "invalid")
    expect(doctor.part("live-spo2-number")).to_have_count(0)
    nurse.simulate("oximeter", "finger_on")
    expect(live).to_have_attribute("data-state", "live")


def test_5_the_heart_is_heard_exactly_and_kept_bit_for_bit(walk: Walk, accessible: Accessible) -> None:
    saw = walk.stethoscope()
    assert saw["digest"] == "verified"
    assert saw["quality"] == "good"
    assert re.match(r"^\d{2,3}\b", saw["heart_rate"])
    assert saw["gaps"] == "Inga luckor"
    accessible(walk.doctor.page)
    sound = walk.doctor.part("sound").first
    expect(sound).to_have_attribute("data-decision", "kept")
    expect(sound).to_have_attribute("data-heard", "verified")


def test_6_crp_arrives_with_its_unit_and_a_low_one_stays_less_than(walk: Walk) -> None:
    assert "12" in walk.crp()["value"]
    walk.doctor.ask("crp")
    walk.nurse.start_task("crp")
    walk.nurse.simulate("crp_analyser", "insert_cassette_low")
    low = walk.doctor.draft("crp")
    expect(low.get_by_test_id("number")).to_have_text(re.compile(r"^<\s?5$"))
    expect(low).to_contain_text("mg/L")
    walk.doctor.keep("crp")


def test_7_the_doctor_sees_the_nurses_photo(walk: Walk) -> None:
    assert walk.photo() == {"photo": "seen"}


def test_8_the_plan_is_read_only_when_signed_and_the_visit_closes(walk: Walk, accessible: Accessible) -> None:
    expect(walk.nurse.part("plan")).to_have_count(0)
    assert walk.plan_signed_and_read() == {"plan": "read", "visit": "closed"}
    expect(walk.doctor.part("note-signed").first).to_contain_text(PLAN)
    accessible(walk.doctor.page)
    accessible(walk.nurse.page)


def test_9_the_medical_lead_sees_who_did_what_in_order_and_verifies_the_log(walk: Walk, accessible: Accessible) -> None:
    reviewer = walk.reviewer
    reviewer.enter(walk.demo.hub_url)
    reviewer.open_visit(PATIENT)
    story = reviewer.story()
    order = [
        next(number for number, line in enumerate(story) if who in line and what in line)
        for who, what in (("Anna Lind", "öppnade"), ("Elena Ruiz", "bad om"), ("Elena Ruiz", "signerade"))
    ]
    assert order == sorted(order)
    assert "Hel" in reviewer.verify()
    accessible(reviewer.page)


def test_9b_what_was_measured_on_another_patient_is_moved_by_two_people(walk: Walk, accessible: Accessible) -> None:
    doctor, reviewer = walk.doctor, walk.reviewer
    kept = doctor.page.locator('[data-testid="value-blood_pressure"][data-decision="kept"]').first
    value = doctor.page.locator(f'[data-reading-id="{kept.get_attribute("data-reading-id")}"]')
    kept.get_by_test_id("move-open").click()
    expect(doctor.part("move-send")).to_be_disabled()
    other = doctor.part("move-visit").first
    to_visit = other.get_attribute("data-visit-id")
    other.check()
    doctor.part("move-reason").fill("Mätt hemma hos nästa patient.")
    accessible(doctor.page)
    doctor.press("move-send")
    expect(value).to_have_attribute("data-move", "proposed", timeout=SLOW_MS)
    expect(value).to_have_attribute("data-decision", "kept")
    expect(value.get_by_test_id("move-open")).to_have_count(0)
    accessible(doctor.page)
    reviewer.press("room-moves")
    move = reviewer.part("move")
    expect(move).to_have_attribute("data-state", "proposed", timeout=SLOW_MS)
    for words in (PATIENT, "Blodtryck", "Mätt hemma hos nästa patient.", "Elena Ruiz"):
        expect(move).to_contain_text(words)
    accessible(reviewer.page)
    reviewer.press("move-accept")
    accessible(reviewer.page)
    reviewer.press("move-accept-sure")
    expect(move).to_have_attribute("data-state", "moved", timeout=SLOW_MS)
    accessible(reviewer.page)
    expect(value).to_have_attribute("data-move", "away", timeout=SLOW_MS)
    expect(value).to_have_attribute("data-decision", "rejected")
    sound = doctor.part("sound").first
    sound.get_by_test_id("move-open").click()
    doctor.part("move-visit").first.check()
    doctor.part("move-reason").fill("Kanske samma väg.")
    doctor.press("move-send")
    expect(sound).to_have_attribute("data-move", "proposed", timeout=SLOW_MS)
    reviewer.press("room-quality")
    reviewer.press("room-moves")
    reviewer.press("move-refuse")
    expect(reviewer.part("move-refuse-send")).to_be_disabled()
    reviewer.part("move-refuse-reason").fill("Ljudet är hans.")
    reviewer.press("move-refuse-send")
    expect(reviewer.part("moves")).to_have_attribute("data-waiting", "0", timeout=SLOW_MS)
    expect(reviewer.part("moves")).to_contain_text("Ljudet är hans.")
    expect(sound.get_by_test_id("move-state")).to_have_count(0, timeout=SLOW_MS)
    doctor.page.locator(f'[data-testid="queue-visit"][data-visit-id="{to_visit}"]').click()
    expect(value).to_have_attribute("data-move", "here", timeout=SLOW_MS)
    expect(value).to_have_attribute("data-decision", "draft")


def test_the_log_is_whole_and_no_log_file_names_the_patient(walk: Walk) -> None:
    check = verify_database(walk.demo.database)
    assert check.intact
    assert check.events > 30
    for log in walk.demo.parts.logs.glob("*.log"):
        text = log.read_text(errors="replace")
        assert PERSONAL_ID not in text
        assert "Tolvansson" not in text


def test_the_kits_journal_has_no_hole_and_nothing_unsent(walk: Walk) -> None:
    journal = Path(walk.demo.options.folder) / "kit" / "journal.sqlite"
    kit = load_or_create(journal.parent, None, 0)
    data_key = load_or_create_data_key(journal.parent, key_place("file", journal.parent, kit.kit_id))
    with contextlib.closing(open_sealed(journal, data_key)) as database:
        numbers = [number for (number,) in database.execute("SELECT kit_seq FROM record ORDER BY kit_seq")]
        (unsent,) = database.execute("SELECT count(*) FROM record WHERE received_at IS NULL").fetchone()
    assert numbers == list(range(1, len(numbers) + 1))
    assert unsent == 0


FACE_PLAYS = """
() => {
  const face = document.querySelector('[data-testid="doctor-face"] video')
  return Boolean(face && face.videoWidth > 0 && face.currentTime > 0)
}
"""
