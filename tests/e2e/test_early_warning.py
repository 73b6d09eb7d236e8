"""NEWS2 as nurse and doctor meet it: counted breaths, five words, air or oxygen; incomplete, complete, corrected."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from carebag.pages import SLOW_MS, Doctor, Nurse
from carebag.walkthrough import Walk

pytestmark = pytest.mark.e2e

Accessible = Callable[[Page], None]


def lacks(person: Nurse | Doctor, *words: str) -> None:
    missing = person.part("news2-missing")
    for word in words:
        expect(missing).to_contain_text(word, timeout=SLOW_MS)


def total(person: Nurse | Doctor, number: int) -> None:
    score = person.part("news2")
    expect(score).to_have_attribute("data-total", str(number), timeout=SLOW_MS)
    expect(score).to_have_attribute("data-state", "complete")


def points(person: Nurse | Doctor, **wanted: int) -> None:
    for name, number in wanted.items():
        expect(person.part(f"news2-part-{name}")).to_have_attribute("data-points", str(number), timeout=SLOW_MS)


def test_from_incomplete_to_complete(walk: Walk, accessible: Accessible) -> None:
    nurse, doctor = walk.nurse, walk.doctor
    lacks(doctor, "andning", "medvetande", "luft/syrgas")
    nurse.simulate("oximeter", "finger_on")
    doctor.ask("blood_pressure")
    nurse.start_task("blood_pressure")
    nurse.simulate("cuff", "start")
    doctor.draft("blood_pressure")
    doctor.ask("oximetry")
    nurse.start_task("oximetry")
    nurse.save_spot()
    doctor.draft("oximetry")
    doctor.press("news2-ask")
    nurse.start_task("respiration")
    accessible(nurse.page)
    nurse.count_breaths(12)
    card = doctor.draft("respiration")
    expect(card).to_contain_text("12 andetag räknade på 30 s")
    expect(card.get_by_test_id("number")).to_have_text("24")
    nurse.press("observe-next")
    accessible(nurse.page)
    nurse.choose_consciousness("C")
    expect(doctor.draft("consciousness")).to_contain_text("Nytillkommen förvirring")
    lacks(doctor, "temperatur")
    expect(doctor.part("news2-missing")).not_to_contain_text("andning")
    nurse.press("observe-next")
    nurse.say_air()
    nurse.press("observe-ready")
    nurse.start_task("temperature")
    nurse.simulate("thermometer", "measure")
    doctor.draft("temperature")
    expect(doctor.part("news2")).to_have_attribute("data-state", "complete", timeout=SLOW_MS)
    doctor.press("news2-parts")
    points(doctor, respiration=2, consciousness=3, oxygen=0)
    expect(doctor.part("news2-three")).to_contain_text("medvetande")
    expect(doctor.part("news2-preliminary")).to_be_visible()
    expect(doctor.part("news2")).to_contain_text("Beslutsstöd, ingen diagnos")
    accessible(doctor.page)
    # the kit counts for itself, and the same
    expect(nurse.part("news2")).to_have_attribute("data-total", doctor_total(doctor), timeout=SLOW_MS)
    accessible(nurse.page)


def doctor_total(doctor: Doctor) -> str:
    return doctor.part("news2").get_attribute("data-total") or ""


def test_a_correction_changes_it(walk: Walk) -> None:
    nurse, doctor = walk.nurse, walk.doctor
    before = int(doctor_total(doctor))
    wrong = nurse.page.locator('[data-testid="value-consciousness"]')
    wrong.get_by_test_id("withdraw").click()
    nurse.press("withdraw-confirm")
    lacks(doctor, "medvetande")
    expect(doctor.part("news2-total")).to_have_count(0)
    nurse.press("observe-open")
    nurse.press("observe-kind-consciousness")
    nurse.choose_consciousness("A")
    nurse.press("observe-leave")
    total(doctor, before - 3)
    total(nurse, before - 3)
    points(doctor, consciousness=0)
    expect(doctor.part("news2-three")).to_have_count(0)


def test_scale_two_is_prescribed_deliberately_and_the_nurse_sees_it(walk: Walk, accessible: Accessible) -> None:
    nurse, doctor = walk.nurse, walk.doctor
    doctor.press("news2-scale-2")
    accessible(doctor.page)
    expect(doctor.part("news2")).to_have_attribute("data-scale", "1")
    doctor.press("news2-scale-confirm")
    for person in (doctor, nurse):
        expect(person.part("news2")).to_have_attribute("data-scale", "2", timeout=SLOW_MS)
        expect(person.part("news2-scale")).to_contain_text(re.compile("Ordinerat av Elena Ruiz"))
    expect(doctor.part("timeline")).to_contain_text("SpO₂-målet 88–92 %")
    doctor.press("news2-scale-1")
    expect(nurse.part("news2")).to_have_attribute("data-scale", "1", timeout=SLOW_MS)
