"""A passkey made by a person who came by a link, and used to come in again: real browser, virtual authenticator."""

import pytest
from playwright.sync_api import Browser, expect

from carebag.demonstration import Demo
from carebag.pages import DESK, SLOW_MS, Doctor, new_page

pytestmark = pytest.mark.e2e


def give_an_authenticator(person: Doctor) -> None:
    """One that verifies its owner and holds no key yet."""
    browser = person.page.context.new_cdp_session(person.page)
    browser.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "isUserVerified": True}})


def test_a_doctor_adds_a_passkey_and_signs_in_with_it(demo: Demo, chromium: Browser) -> None:
    doctor = Doctor(new_page(chromium, DESK))
    doctor.enter(demo.hub_url)
    expect(doctor.part("queue-visit").first).to_be_visible()
    give_an_authenticator(doctor)
    doctor.press("settings")
    doctor.press("passkey-add")
    expect(doctor.part("passkey-said")).to_have_attribute("data-code", "passkey_added", timeout=SLOW_MS)
    doctor.press("sign-out")
    expect(doctor.part("signed-out")).to_be_visible()

    doctor.page.goto(f"{demo.hub_url}/")
    doctor.press("passkey-sign-in")
    expect(doctor.part("queue-visit").first).to_be_visible(timeout=SLOW_MS)


def test_without_a_key_it_says_what_to_do(demo: Demo, chromium: Browser) -> None:
    stranger = Doctor(new_page(chromium, DESK))
    stranger.page.goto(f"{demo.hub_url}/")
    give_an_authenticator(stranger)
    stranger.press("passkey-sign-in")
    expect(stranger.part("passkey-problem")).to_have_attribute("data-code", "passkey_cancelled", timeout=SLOW_MS)
