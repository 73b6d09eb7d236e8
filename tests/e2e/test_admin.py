"""An administrator's day in a real browser, on a production hub: a unit, a doctor who signs in and is out, a kit."""

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from carebag.pages import DESK, SLOW_MS, Person, new_page
from carebag.processes import Parts

pytestmark = [pytest.mark.e2e, pytest.mark.without_call]
PHONE = {"width": 390, "height": 844}
OUT_MS = 40_000
"""20 s are promised; the rest is a busy machine's."""
SIZES = (DESK, {"width": 820, "height": 1180}, PHONE)
SMALL = """[...document.querySelectorAll('button, a.button, select, input:not([type=checkbox]):not([type=radio])')]
    .filter(one => one.offsetParent && one.getBoundingClientRect().height < 43.5)
    .map(one => one.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def tools() -> Any:
    """The hub without a demo, and the way in by a link, of the test of the first hub."""
    return runpy.run_path(str(Path(__file__).with_name("test_first_hub.py")))


@pytest.fixture
def first(tmp_path: Path, tools: Any) -> Iterator[Any]:
    with Parts(tmp_path / "logs") as parts:
        yield tools["FirstHub"](tmp_path, parts)


@pytest.fixture
def siri(first: Any, tools: Any, chromium: Browser) -> Person:
    """An administrator of Ånge kommun, made by the operator, signed in with her passkey."""
    first.start()
    first.admin("organization", "add", "--name", "Ånge kommun")
    first.admin("organization", "add", "--name", "Distans AB")
    first.admin("unit", "add", "--organization", "Ånge kommun", "--name", "Ånge it")
    first.admin("person", "add", "--name", "Siri Å", "--title", "it-samordnare")
    first.admin("commission", "add", "--person", "Siri Å", "--role", "administrator", "--unit", "Ånge it")
    person = Person(new_page(chromium, DESK))
    tools["comes_in"](person.page, first.admin("link", "Siri Å")["url"])
    person.page.wait_for_url(f"{first.origin}/admin/")
    return person


def fits(page: Page) -> None:
    """On a desk, a tablet and a phone: nothing beyond the edge, nothing too small for a finger."""
    for size in SIZES:
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), size
        assert page.evaluate(SMALL) == [], size
    page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})


def test_a_doctor_comes_and_goes_and_a_kit_is_shut_out(
    first: Any, siri: Person, tools: Any, chromium: Browser, accessible: Callable[[Page], None]
) -> None:
    expect(siri.part("reach")).to_have_text("Siri Å · Ånge kommun", timeout=SLOW_MS)
    _adds_a_unit(siri)
    link = _adds_a_doctor(siri, accessible)
    doctor = Person(new_page(chromium, DESK))
    tools["comes_in"](doctor.page, link)
    doctor.page.wait_for_url(f"{first.origin}/doctor/")
    _ends_the_commission(siri, doctor)
    _has_a_kit_and_shuts_it_out(first, siri, accessible)


def _adds_a_unit(siri: Person) -> None:
    siri.press("room-places")
    expect(siri.part("provider")).to_have_count(1)  # Distans AB is not hers
    siri.press("unit-add")
    siri.part("place-name").fill("Ånge jourläkare")
    siri.page.keyboard.press("Enter")
    expect(siri.part("unit-line").filter(has_text="Ånge jourläkare")).to_be_visible()
    fits(siri.page)


def _adds_a_doctor(siri: Person, accessible: Callable[[Page], None]) -> str:
    """Returns: the one-time link, as shown."""
    siri.press("room-people")
    siri.press("person-add")
    siri.part("person-name").fill("Ilse Brandt")
    siri.part("person-title").fill("specialist i allmänmedicin")
    siri.part("role-doctor").check()
    siri.part("unit").select_option(label="Ånge jourläkare")
    accessible(siri.page)
    siri.press("sheet-go")
    expect(siri.part("person-heading")).to_have_text("Ilse Brandt")
    siri.part("people-search").fill("ilse")
    expect(siri.part("person-line")).to_have_count(1)
    siri.press("link-make")
    expect(siri.part("secret-qr")).to_be_visible()
    accessible(siri.page)
    link = siri.part("secret-link").input_value()
    siri.press("secret-done")
    expect(siri.part("secret-link")).to_have_count(0)
    expect(siri.part("link-waits")).to_be_visible()
    accessible(siri.page)
    fits(siri.page)
    return link


def _ends_the_commission(siri: Person, doctor: Person) -> None:
    siri.press("person-line")
    expect(siri.part("session-line")).to_have_count(1)
    expect(siri.part("key-line")).to_have_count(1)
    siri.press("commission-end")
    expect(siri.part("consequences").locator("li")).to_have_count(4)
    siri.press("sure-cancel")
    expect(siri.part("commission-line")).to_have_count(1)  # one press ends nothing
    siri.press("commission-end")
    siri.press("sure")
    expect(siri.part("commission-line")).to_have_count(0)
    expect(doctor.part("signed-out")).to_be_visible(timeout=OUT_MS)
    siri.press("undo")
    expect(siri.part("commission-line")).to_have_count(1)


def _has_a_kit_and_shuts_it_out(first: Any, siri: Person, accessible: Callable[[Page], None]) -> None:
    siri.press("room-kits")
    siri.press("kit-add")
    siri.part("kit-name").fill("Väska Ånge")
    siri.press("sheet-go")
    code = siri.part("secret-code").input_value()
    assert siri.part("secret-command").input_value() == f"carebag kit enrol --hub {first.origin} --code {code}"
    accessible(siri.page)
    siri.press("secret-done")
    expect(siri.part("kit-waits")).to_have_count(1)
    first.enrol(f"carebag-kit:{first.origin}#{code}")
    first.start_kit()
    line = siri.part("kit-line").filter(has_text="Väska Ånge")
    expect(line).to_have_attribute("data-connected", "true", timeout=OUT_MS)
    accessible(siri.page)
    siri.press("kit-revoke")
    siri.press("sure-cancel")
    expect(line).to_have_attribute("data-revoked", "false")
    siri.press("kit-revoke")
    siri.press("sure")
    expect(line).to_have_attribute("data-revoked", "true")
    expect(line).to_have_attribute("data-connected", "false", timeout=OUT_MS)
    fits(siri.page)
