"""A console that nobody touches covers itself: call and unsaved note stay, and only their owner has them back."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from carebag.demonstration import Demo
from carebag.pages import SLOW_MS
from carebag.walkthrough import PATIENT, Walk

pytestmark = pytest.mark.e2e
UNSAVED = "Urosepsis, misstänkt. Antibiotika nu."


def age(demo: Demo, **columns: int) -> None:
    """Let minutes have passed, for all sessions."""
    with sqlite3.connect(demo.database.removeprefix("sqlite:///"), timeout=20) as store:
        for column, minutes in columns.items():
            at = (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S.%f")
            store.execute(f"UPDATE signed_in SET {column} = ? WHERE ended_at IS NULL", (at,))


def plays(page: Page) -> bool:
    """Whether every picture of the page that plays goes on."""
    return bool(
        page.evaluate(
            """async () => {
              const all = () => [...document.querySelectorAll('video')].filter((one) => !one.paused && one.srcObject)
              const before = new Map(all().map((one) => [one, one.currentTime]))
              await new Promise((resolve) => setTimeout(resolve, 1500))
              return before.size > 0 && [...before].every(([one, time]) => one.currentTime > time)
            }"""
        )
    )


def test_locked_the_call_and_the_note_stay(demo: Demo, walk: Walk, accessible) -> None:  # type: ignore[no-untyped-def]
    doctor, nurse = walk.doctor, walk.nurse
    doctor.press("note-open")
    doctor.page.route("**/note", lambda route: route.abort())  # nothing of it gets to the hub
    doctor.part("note-assessment").fill(UNSAVED)
    expect(doctor.part("note")).to_have_attribute("data-state", "failed", timeout=SLOW_MS)
    age(demo, used_at=16)
    expect(doctor.part("locked")).to_be_visible(timeout=SLOW_MS)
    expect(doctor.part("patient-name")).to_be_hidden()
    expect(doctor.part("note-assessment")).to_be_hidden()
    assert PATIENT not in doctor.page.title()
    assert PATIENT not in doctor.page.locator("body").inner_text()
    assert plays(doctor.page)
    assert plays(nurse.page)
    accessible(doctor.page)

    doctor.page.keyboard.press("Escape")
    doctor.page.keyboard.press("Escape")
    doctor.page.keyboard.press("Alt+KeyN")
    expect(doctor.part("locked")).to_be_visible()
    expect(doctor.part("patient-name")).to_be_hidden()

    doctor.press("prove-demo")
    expect(doctor.part("locked")).to_be_hidden(timeout=SLOW_MS)
    expect(doctor.part("patient-name")).to_contain_text(PATIENT)
    expect(doctor.part("note-assessment")).to_have_value(UNSAVED)
    assert plays(doctor.page)
    doctor.page.unroute("**/note")
    expect(doctor.part("note")).to_have_attribute("data-state", "clean", timeout=SLOW_MS)


def test_after_a_while_signing_asks_who_it_is_and_keeps_the_text(demo: Demo, walk: Walk, accessible) -> None:  # type: ignore[no-untyped-def]
    doctor = walk.doctor
    doctor.part("note-plan").fill("Nytt besök i morgon.")
    expect(doctor.part("note")).to_have_attribute("data-state", "clean", timeout=SLOW_MS)
    age(demo, proved_at=6)
    doctor.press("note-sign")
    doctor.press("note-sign-confirm")
    expect(doctor.part("prove")).to_be_visible(timeout=SLOW_MS)
    accessible(doctor.page)
    doctor.press("prove-cancel")
    expect(doctor.part("problem")).to_contain_text("Texten finns kvar")
    expect(doctor.part("note-assessment")).to_have_value(UNSAVED)

    doctor.press("note-sign")
    doctor.press("note-sign-confirm")
    doctor.press("prove-demo")
    expect(doctor.part("note-signed").first).to_contain_text(UNSAVED, timeout=SLOW_MS)


def test_locked_by_hand_and_after_a_reload_still(demo: Demo, walk: Walk) -> None:
    doctor = walk.doctor
    doctor.press("settings")
    doctor.press("lock-now")
    expect(doctor.part("locked")).to_be_visible()
    doctor.page.reload()
    expect(doctor.part("locked")).to_be_visible(timeout=SLOW_MS)
    assert PATIENT not in doctor.page.content()
    doctor.press("prove-demo")
    expect(doctor.part("patient-name")).to_contain_text(PATIENT, timeout=SLOW_MS)


def test_nothing_of_the_visit_is_left_when_the_session_ended(demo: Demo, walk: Walk) -> None:
    """In the page nor in the tab; a new sign-in goes on from the list."""
    doctor = walk.doctor
    assert doctor.page.evaluate("sessionStorage.getItem('carebag.visit')")
    doctor.press("settings")
    doctor.press("menu-sign-out")
    doctor.press("menu-sign-out-sure")
    expect(doctor.part("signed-out")).to_be_visible(timeout=SLOW_MS)
    assert PATIENT not in doctor.page.content()
    assert PATIENT not in doctor.page.title()
    assert doctor.page.evaluate("sessionStorage.getItem('carebag.visit')") is None
    doors = doctor.page.request.get(f"{demo.hub_url}/api/demo/doors").json()
    door = next(one for one in doors if one["role"] == "doctor")
    doctor.page.goto(door["url"])
    doctor.page.wait_for_url("**/doctor/")
    expect(doctor.part("queue-visit").first).to_be_visible(timeout=SLOW_MS)


def test_somebody_else_who_signs_in_here_gets_nothing_of_it(demo: Demo, walk: Walk) -> None:
    """Another practitioner takes the slot of this browser: the page that was open is thrown away."""
    doctor = walk.doctor
    doctor.press("settings")
    doctor.press("lock-now")
    expect(doctor.part("locked")).to_be_visible()
    with sqlite3.connect(demo.database.removeprefix("sqlite:///"), timeout=20) as store:
        (doctors,) = store.execute("SELECT id FROM commission WHERE role = 'doctor'").fetchone()
        store.execute("INSERT INTO practitioner (id, name, title) VALUES (?, 'Per Annan', 'läkare')", ("0" * 31 + "7",))
        store.execute("UPDATE commission SET practitioner_id = ? WHERE id = ?", ("0" * 31 + "7", doctors))
    expect(doctor.part("locked")).to_contain_text("Per Annan", timeout=SLOW_MS)
    assert PATIENT not in doctor.page.content()
