"""The bag in the morning, instruments that fail, and values that did not come live: over the real stacks, as seen."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from carebag.demonstration import Demo
from carebag.pages import DESK, SLOW_MS, TABLET, Doctor, Nurse, new_page
from carebag.walkthrough import PATIENT

pytestmark = pytest.mark.e2e

Accessible = Callable[[Page], None]
KINDS = ("cuff", "oximeter", "stethoscope", "thermometer", "scale", "glucose_meter", "crp_analyser")
WHOLE = "card => card.parentElement.scrollHeight <= card.parentElement.clientHeight"
BOX = ("]d2010735000000001610LOT4711", "17391231")
"""Synthetic: what a hand scanner types for a box that may be used until the end of 2039, FNC1 between the two."""


@pytest.fixture(scope="module")
def nurse(demo: Demo, chromium: Browser) -> Nurse:
    person = Nurse(new_page(chromium, TABLET))
    person.enter(demo.hub_url)
    expect(person.part("visit").first).to_be_visible(timeout=SLOW_MS)
    return person


@pytest.fixture(scope="module")
def doctor(demo: Demo, chromium: Browser, nurse: Nurse) -> Doctor:
    """In the visit that the nurse opens."""
    nurse.open_visit(PATIENT)
    person = Doctor(new_page(chromium, DESK))
    person.enter(demo.hub_url)
    person.join(PATIENT)
    return person


def checked(nurse: Nurse, kind: str) -> Locator:
    return nurse.part("check-device").and_(nurse.page.locator(f'[data-kind="{kind}"]'))


def test_the_morning_check_from_its_card_to_its_card(nurse: Nurse, accessible: Accessible) -> None:
    expect(nurse.part("check-open")).to_have_attribute("data-checked", "false")
    nurse.press("check-open")
    for kind in KINDS:
        expect(checked(nurse, kind)).to_have_attribute("data-state", "ready", timeout=SLOW_MS)
    expect(checked(nurse, "cuff")).to_contain_text("%")
    expect(nurse.part("check-radio")).to_have_attribute("data-problem", "")
    before = remarks(nurse)
    accessible(nurse.page)

    nurse.press("loop-start")
    expect(nurse.part("loop-test")).to_have_attribute("data-state", "running", timeout=SLOW_MS)
    nurse.press("press-stethoscope-scratch")
    expect(nurse.part("loop-test")).to_have_attribute("data-state", "heard", timeout=SLOW_MS)
    nurse.press("cartridge-add")
    accessible(nurse.page)
    scan = nurse.part("cartridge-scan")
    scan.press_sequentially(BOX[0])
    scan.press("Control+BracketRight")
    scan.press_sequentially(BOX[1])
    scan.press("Enter")
    expect(nurse.part("cartridge-lot")).to_have_value("LOT4711")
    expect(nurse.part("cartridge-expires")).to_have_value("2039-12-31")
    nurse.press("cartridge-save")
    expect(nurse.part("cartridge")).to_have_count(1, timeout=SLOW_MS)
    nurse.page.reload()
    expect(nurse.part("cartridge")).to_have_attribute("data-state", "ok", timeout=SLOW_MS)
    expect(nurse.part("check-remarks")).to_have_attribute("data-remarks", str(before - 2))
    accessible(nurse.page)

    nurse.press("check-finish")
    card = nurse.part("check-open")
    expect(card).to_have_attribute("data-checked", "true", timeout=SLOW_MS)
    expect(card).to_contain_text("Anna Lind")


def remarks(nurse: Nurse) -> int:
    return int(nurse.part("check-remarks").get_attribute("data-remarks") or "-1")


def test_cartridges_taken_away_by_mistake_are_put_back(nurse: Nurse) -> None:
    nurse.press("check-open")
    nurse.press("cartridge-remove")
    expect(nurse.part("cartridge")).to_have_count(0, timeout=SLOW_MS)
    nurse.press("cartridge-undo")
    expect(nurse.part("cartridge")).to_have_attribute("data-lot", "LOT4711", timeout=SLOW_MS)


def test_a_cuff_is_forgotten_and_paired_anew(nurse: Nurse, accessible: Accessible) -> None:
    nurse.press("check-open-cuff")
    expect(nurse.part("device-details")).to_be_visible()
    accessible(nurse.page)
    nurse.press("device-forget")
    accessible(nurse.page)
    nurse.press("device-forget-confirm")
    expect(checked(nurse, "cuff")).to_have_count(0, timeout=SLOW_MS)
    nurse.press("pair-open")
    accessible(nurse.page)
    nurse.press("pair-kind-cuff")
    accessible(nurse.page)
    nurse.press("pair-close")
    nurse.pair("cuff")
    expect(checked(nurse, "cuff")).to_have_attribute("data-state", "ready", timeout=SLOW_MS)


def press_twice(nurse: Nurse, name: str) -> None:
    """As an impatient finger does: the second press meets what has come into the first one's place."""
    place = nurse.part(name).bounding_box()
    assert place is not None
    at = (place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    nurse.page.mouse.click(*at)
    nurse.page.wait_for_timeout(150)
    nurse.page.mouse.click(*at)


def test_a_search_that_hears_nothing_new_is_left_without_a_trace(nurse: Nurse, accessible: Accessible) -> None:
    nurse.press("pair-open")
    nurse.press("pair-kind-scale")
    press_twice(nurse, "pair-search")
    expect(nurse.part("pairing")).to_have_attribute("data-stage", "searching", timeout=SLOW_MS)
    left = int(nurse.part("countdown").get_attribute("data-left") or "0")
    assert 50 <= left <= 60
    nurse.page.reload()
    expect(nurse.part("pairing")).to_have_attribute("data-stage", "searching", timeout=SLOW_MS)
    accessible(nurse.page)
    nurse.press("pair-close")
    expect(nurse.part("pairing")).to_have_count(0)


def test_what_lay_in_a_memory_waits_in_the_tray(nurse: Nurse, accessible: Accessible) -> None:
    nurse.simulate("glucose_meter", "fill_memory")
    nurse.simulate("glucose_meter", "vanish")
    nurse.press("check-leave")
    expect(nurse.part("tray-open")).to_have_attribute("data-count", "60", timeout=SLOW_MS)
    nurse.press("tray-open")
    item = nurse.part("tray-item").first
    expect(item).to_contain_text("Ur instrumentets minne")
    expect(item).to_contain_text("12 h")
    expect(nurse.part("tray-file")).to_have_count(0)
    accessible(nurse.page)
    nurse.press("tray-leave")


def test_a_stored_value_is_filed_by_the_nurse_and_the_doctor_sees_that_it_is_old(
    nurse: Nurse, doctor: Doctor, accessible: Accessible
) -> None:
    nurse.press("tray-open")
    accessible(nurse.page)
    item = nurse.part("tray-item").nth(4)
    reading = item.get_attribute("data-reading-id")
    item.get_by_test_id("tray-file").click()
    expect(nurse.page.get_by_role("dialog")).to_contain_text(PATIENT)
    accessible(nurse.page)
    nurse.press("tray-file-confirm")
    expect(nurse.part("tray-filed")).to_be_visible(timeout=SLOW_MS)
    card = doctor.page.locator(f'[data-reading-id="{reading}"]')
    expect(card).to_have_attribute("data-provenance", "stored", timeout=SLOW_MS)
    expect(card).to_contain_text("2 d")
    expect(card.get_by_test_id("filed")).to_contain_text("Anna Lind")
    accessible(doctor.page)

    nurse.press("tray-undo")
    expect(card).to_have_attribute("data-decision", "rejected", timeout=SLOW_MS)
    expect(card.get_by_test_id("reading-keep")).to_have_count(0)


def test_many_old_values_are_set_aside_at_once_and_stay_to_be_found(nurse: Nurse, accessible: Accessible) -> None:
    nurse.press("tray-aside-many")
    accessible(nurse.page)
    nurse.press("aside-other_patient")
    expect(nurse.part("tray-aside-many")).to_have_count(0, timeout=SLOW_MS)
    nurse.part("set-aside").locator("summary").click()
    aside = nurse.part("set-aside").get_by_test_id("tray-item")
    expect(aside.first).to_contain_text("Anna Lind")
    nurse.press("tray-leave")


def test_a_typed_value_is_compared_pictured_and_kept(nurse: Nurse, doctor: Doctor, accessible: Accessible) -> None:
    doctor.ask("crp")
    expect(nurse.part("task")).to_have_attribute("data-kind", "crp", timeout=SLOW_MS)
    nurse.press("task-enter")
    accessible(nurse.page)
    nurse.press("enter-photo")
    nurse.press("photo-shutter")
    nurse.press("photo-send")
    nurse.part("first-crp").fill("5")
    nurse.press("first-crp-less")
    accessible(nurse.page)
    nurse.press("enter-next")
    expect(nurse.part("second-crp")).to_have_value("")
    nurse.part("second-crp").fill("50")
    nurse.press("second-crp-less")
    nurse.press("enter-next")
    expect(nurse.part("enter-differ")).to_contain_text("<5 mg/L / <50 mg/L")
    expect(nurse.part("enter-next")).to_be_disabled()
    accessible(nurse.page)
    nurse.part("second-crp").fill("5,0")
    nurse.press("enter-next")
    expect(nurse.part("enter-saved")).to_be_visible(timeout=SLOW_MS)
    accessible(nurse.page)
    nurse.press("enter-ready")

    draft = doctor.draft("crp")
    expect(draft).to_have_attribute("data-provenance", "manual")
    expect(draft.get_by_test_id("number")).to_have_text("<5")
    draft.get_by_test_id("photo").click()
    expect(doctor.page.get_by_role("dialog").locator("img")).to_be_visible()
    doctor.page.keyboard.press("Escape")
    doctor.keep("crp")
    expect(nurse.part("task-none")).to_be_visible(timeout=SLOW_MS)


def test_a_value_typed_wrong_twice_is_struck_through(nurse: Nurse, doctor: Doctor, accessible: Accessible) -> None:
    nurse.press("enter-open")
    nurse.press("enter-kind-weight")
    nurse.press("enter-next")
    for time in ("first", "second"):
        nurse.part(f"{time}-weight").fill("715")
        nurse.press("enter-next")
    expect(nurse.part("enter-saved")).to_be_visible(timeout=SLOW_MS)
    doctor.draft("weight")
    nurse.press("withdraw")
    accessible(nurse.page)
    nurse.press("withdraw-confirm")
    expect(nurse.part("enter-withdrawn")).to_be_visible(timeout=SLOW_MS)
    accessible(nurse.page)
    nurse.press("enter-ready")
    for person in (nurse, doctor):
        card = person.part("value-weight").first
        expect(card).to_have_attribute("data-decision", "rejected", timeout=SLOW_MS)
        expect(card.get_by_test_id("reading-decision")).to_contain_text(re.compile("Felskrivet.*Anna Lind"))
        # of the digits themselves: that of what holds them is drawn above them
        expect(card.get_by_test_id("number").first).to_have_css("text-decoration-line", "line-through")
    expect(nurse.part("withdraw")).to_have_count(0)
    expect(doctor.part("value-weight").get_by_test_id("reading-keep")).to_have_count(0)


def test_what_nobody_expects_is_saved_with_a_word(nurse: Nurse, doctor: Doctor) -> None:
    nurse.press("enter-open")
    nurse.press("enter-kind-temperature")
    nurse.press("enter-next")
    for time in ("first", "second"):
        nurse.part(f"{time}-temperature").fill("3x")
        expect(nurse.part("enter-next")).to_be_disabled()
        nurse.part(f"{time}-temperature").fill("28,4")
        nurse.press("enter-next")
    expect(nurse.part("enter-saved")).to_be_visible(timeout=SLOW_MS)
    expect(nurse.part("enter")).to_contain_text("Ovanlig temperatur")
    nurse.press("enter-ready")
    doctor.ask_again("temperature", "Mät i örat")
    expect(nurse.part("task")).to_have_attribute("data-kind", "temperature", timeout=SLOW_MS)


@pytest.mark.parametrize(
    ("kind", "device", "number"),
    [
        ("temperature", "thermometer", r"^\d\d,\d$"),
        ("weight", "scale", r"^\d{2,3},\d+$"),
        ("glucose", "glucose_meter", r"^\d{1,2},\d$"),
    ],
)
def test_it_is_asked_for_measured_and_kept(
    nurse: Nurse, doctor: Doctor, accessible: Accessible, kind: str, device: str, number: str
) -> None:
    if kind != "temperature":
        doctor.page.keyboard.press({"weight": "Alt+w", "glucose": "Alt+g"}[kind])
    nurse.wait_for_device(device)
    nurse.start_task(kind)
    accessible(nurse.page)
    assert nurse.part("task").evaluate(WHOLE), "the task's card is cut off"
    nurse.simulate(device, "measure")
    draft = doctor.draft(kind)
    expect(draft).to_have_attribute("data-provenance", "live")
    expect(draft.get_by_test_id("number")).to_have_text(re.compile(number))
    doctor.keep(kind)
    accessible(doctor.page)
    expect(nurse.part("task-none")).to_be_visible(timeout=SLOW_MS)


def test_a_pairing_lost_in_the_visit_is_made_anew_from_the_task(
    nurse: Nurse, doctor: Doctor, accessible: Accessible
) -> None:
    nurse.simulate("cuff", "forget_bond")
    nurse.simulate("cuff", "vanish")
    nurse.wait_for_device("cuff", "needs_pairing")
    expect(nurse.part("device-cuff")).to_contain_text("Behöver paras ihop igen")
    doctor.ask("blood_pressure")
    away = nurse.part("task-device-away")
    expect(away).to_be_visible(timeout=SLOW_MS)
    accessible(nurse.page)
    away.click()
    expect(nurse.part("pairing")).to_have_attribute("data-stage", "press")
    nurse.finish_pairing()
    nurse.wait_for_device("cuff")
    expect(away).to_have_count(0)
    nurse.start_task("blood_pressure")
    nurse.simulate("cuff", "start")
    doctor.keep("blood_pressure")
