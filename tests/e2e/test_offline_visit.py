"""A visit made wholly without the hub arrives whole: values, photo, the nurse's question. The doctor answers later, and
the nurse reads it."""

import re

import pytest
from playwright.sync_api import Browser, expect

from carebag.demonstration import Demo
from carebag.pages import SLOW_MS
from carebag.walkthrough import PATIENT, Walk

pytestmark = pytest.mark.e2e
QUESTION = "Febern steg i natt. Räcker det med odling i dag?"
PLAN = "Ja, odling i dag. Ring i morgon."


@pytest.fixture(scope="module")
def walk(demo: Demo, chromium: Browser) -> Walk:
    return Walk(demo, chromium)


def test_1_the_nurse_does_all_of_it_without_the_hub(walk: Walk) -> None:
    nurse = walk.nurse
    nurse.enter(walk.demo.hub_url)
    expect(nurse.part("visit").filter(has_text=PATIENT)).to_be_visible(timeout=SLOW_MS)
    walk.demo.parts.stop("hub", kill=True)
    expect(nurse.part("net")).to_have_attribute("data-hub", re.compile("offline|connecting"), timeout=SLOW_MS)
    nurse.open_visit(PATIENT)
    nurse.wait_for_device("cuff")
    nurse.simulate("cuff", "start")
    expect(nurse.page.locator("[data-reading-id]").first).to_be_visible(timeout=SLOW_MS)
    nurse.send_photo()
    nurse.press("question-open")
    expect(nurse.part("question-save")).to_be_disabled()
    nurse.part("question-text").fill("Febern")
    nurse.page.keyboard.press("Escape")
    expect(nurse.part("question-open")).to_be_focused()
    nurse.press("question-open")
    expect(nurse.part("question-text")).to_have_value("Febern")
    nurse.part("question-text").fill(QUESTION)
    nurse.press("question-save")
    expect(nurse.part("question")).to_contain_text(QUESTION, timeout=SLOW_MS)
    expect(nurse.part("question-sent")).to_have_attribute("data-sent", "no")


def test_2_it_arrives_whole(walk: Walk) -> None:
    nurse, doctor = walk.nurse, walk.doctor
    reading = nurse.page.locator("[data-reading-id]").first.get_attribute("data-reading-id")
    walk.demo.start_hub()
    expect(nurse.part("question-sent")).to_have_attribute("data-sent", "yes", timeout=SLOW_MS)
    doctor.enter(walk.demo.hub_url)
    doctor.join(PATIENT)
    expect(doctor.part("question")).to_contain_text(QUESTION, timeout=SLOW_MS)
    expect(doctor.part("questions")).to_contain_text("Anna Lind")
    expect(doctor.page.locator(f'[data-reading-id="{reading}"]')).to_have_count(1, timeout=SLOW_MS)
    doctor.keep("blood_pressure")
    expect(doctor.page.locator('[data-testid="photo"] img').first).to_be_visible(timeout=SLOW_MS)


def test_3_the_answer_is_read(walk: Walk) -> None:
    walk.doctor.write_and_sign("Misstänkt UVI.", PLAN)
    assert PLAN in walk.nurse.read_plan_and_close()
    expect(walk.nurse.part("visit").filter(has_text=PATIENT)).to_be_visible(timeout=SLOW_MS)
