"""The nurse locks her page in a call: nothing of the patient is in it, and she comes back to what she wrote."""

import pytest
from playwright.sync_api import expect

from carebag.demonstration import Demo
from carebag.pages import SLOW_MS
from carebag.walkthrough import PATIENT, Walk

pytestmark = pytest.mark.e2e
PIN = "407162"


def plays(walk: Walk) -> bool:
    """Whether the doctor hears and sees her: the picture that comes from her page goes on."""
    return bool(
        walk.doctor.page.evaluate(
            """async () => {
              const all = () => [...document.querySelectorAll('video')].filter((one) => !one.paused && one.srcObject)
              const before = new Map(all().map((one) => [one, one.currentTime]))
              await new Promise((resolve) => setTimeout(resolve, 1500))
              return before.size > 0 && [...before].every(([one, time]) => one.currentTime > time)
            }"""
        )
    )


def test_locked_in_a_call_and_back_to_what_she_wrote(demo: Demo, walk: Walk, accessible) -> None:  # type: ignore[no-untyped-def]
    nurse, page = walk.nurse, walk.nurse.page
    nurse.press("settings")
    expect(nurse.part("no-pin")).to_be_visible()
    nurse.press("pin-choose")
    for _ in range(2):
        nurse.part("pin").fill("123456")
        nurse.press("pin-done")
    expect(nurse.part("pin-problem")).to_have_attribute("data-code", "trivial_pin")
    for _ in range(2):
        nurse.part("pin").fill(PIN)
        nurse.press("pin-done")
    expect(nurse.part("choose-pin")).to_be_hidden(timeout=SLOW_MS)

    nurse.press("enter-open")
    nurse.press("enter-kind-weight")
    nurse.press("enter-next")
    box = nurse.part("first-weight")
    box.fill("71")
    page.keyboard.press("Alt+KeyL")
    expect(nurse.part("locked")).to_be_visible(timeout=SLOW_MS)
    assert PATIENT not in page.content()
    assert PATIENT not in page.title()
    expect(nurse.part("lock-call")).to_be_visible()
    assert plays(walk)
    accessible(page)
    page.keyboard.type("407163")
    page.keyboard.press("Enter")
    expect(nurse.part("pin-problem")).to_contain_text("4 försök kvar", timeout=SLOW_MS)
    for digit in PIN:
        nurse.press(f"pin-{digit}")
    nurse.press("pin-done")
    expect(nurse.part("locked")).to_be_hidden(timeout=SLOW_MS)
    expect(box).to_have_value("71")
    assert plays(walk)

    page.keyboard.press("Alt+KeyL")
    for left in range(4, -1, -1):
        nurse.part("pin").fill("407163")
        nurse.press("pin-done")
        if left > 1:
            expect(nurse.part("pin-problem")).to_contain_text(f"{left} försök kvar", timeout=SLOW_MS)
        elif left == 1:
            expect(nurse.part("pin-problem")).to_contain_text("Ett försök kvar", timeout=SLOW_MS)
    expect(nurse.part("lock-sign-in")).to_be_visible(timeout=SLOW_MS)
    page.reload()
    expect(nurse.part("lock-sign-in")).to_be_visible(timeout=SLOW_MS)
    assert PATIENT not in page.content()
