"""Passkeys in a real browser with a virtual authenticator: made, used, named, ended; copies and replays refused."""

import sqlite3
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from carebag.demonstration import Demo
from carebag.pages import DESK, SLOW_MS, Doctor, new_page

pytestmark = [pytest.mark.e2e, pytest.mark.without_call]
TAKES = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}


class Keys:
    """The browser's authenticator, which verifies its owner."""

    def __init__(self, person: Doctor) -> None:
        self.browser = person.page.context.new_cdp_session(person.page)
        self.browser.send("WebAuthn.enable")
        self.at = self.add()

    def add(self) -> str:
        made = self.browser.send("WebAuthn.addVirtualAuthenticator", {"options": {**TAKES, "isUserVerified": True}})
        return str(made["authenticatorId"])

    def all(self) -> list[dict[str, Any]]:
        return list(self.browser.send("WebAuthn.getCredentials", {"authenticatorId": self.at})["credentials"])

    def put(self, credential: dict[str, Any]) -> None:
        self.browser.send("WebAuthn.addCredential", {"authenticatorId": self.at, "credential": credential})

    def clear(self) -> None:
        self.browser.send("WebAuthn.clearCredentials", {"authenticatorId": self.at})


def add_a_key(doctor: Doctor) -> None:
    doctor.press("settings")
    doctor.press("passkeys")
    doctor.press("passkey-add")
    expect(doctor.part("passkey-said")).to_have_attribute("data-code", "passkey_added", timeout=SLOW_MS)


@pytest.fixture(scope="module")
def doctor(demo: Demo, chromium: Browser) -> Doctor:
    person = Doctor(new_page(chromium, DESK))
    person.enter(demo.hub_url)
    expect(person.part("queue-visit").first).to_be_visible()
    return person


@pytest.fixture(scope="module")
def keys(doctor: Doctor) -> Keys:
    return Keys(doctor)


def sign_out(doctor: Doctor, demo: Demo) -> None:
    doctor.page.goto(f"{demo.hub_url}/doctor/")
    doctor.press("sign-out")
    expect(doctor.part("signed-out")).to_be_visible()
    doctor.page.goto(f"{demo.hub_url}/")


def sign_in(doctor: Doctor) -> None:
    doctor.press("passkey-sign-in")
    expect(doctor.part("queue-visit").first).to_be_visible(timeout=SLOW_MS)


def refused_with(doctor: Doctor, code: str) -> None:
    doctor.press("passkey-sign-in")
    expect(doctor.part("passkey-problem")).to_have_attribute("data-code", code, timeout=SLOW_MS)


def store(demo: Demo) -> sqlite3.Connection:
    return sqlite3.connect(demo.database.removeprefix("sqlite:///"), timeout=20)


def test_a_doctor_adds_a_passkey_and_signs_in_with_it(demo: Demo, doctor: Doctor, keys: Keys) -> None:
    add_a_key(doctor)
    doctor.part("key-name").fill("Jobbdatorn")
    doctor.part("key-name").blur()
    doctor.press("keys-close")
    sign_out(doctor, demo)
    sign_in(doctor)


def test_a_lock_is_opened_with_it(demo: Demo, doctor: Doctor, keys: Keys) -> None:
    doctor.press("settings")
    doctor.press("lock-now")
    expect(doctor.part("locked")).to_be_visible()
    doctor.press("prove-passkey")
    expect(doctor.part("locked")).to_be_hidden(timeout=SLOW_MS)


def test_a_replayed_answer_is_refused(demo: Demo, doctor: Doctor, keys: Keys) -> None:
    sign_out(doctor, demo)
    sent: list[Any] = []
    doctor.page.on("request", lambda one: sent.append(one.post_data_json) if "login/verify" in one.url else None)
    sign_in(doctor)
    again = "body => fetch('/api/passkey/login/verify', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)}).then(async answer => [answer.status, (await answer.json()).code])"  # noqa: E501
    assert doctor.page.evaluate(again, sent[0]) == [410, "challenge_unknown"]


def test_an_answer_made_for_another_origin_is_refused(demo: Demo, doctor: Doctor, keys: Keys) -> None:
    """The kit's page is of another origin and of the same relying party (`localhost`), as a false page could be."""
    page = doctor.page
    post = "([path, body]) => fetch(path, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)}).then(async answer => [answer.status, await answer.json()])"  # noqa: E501
    _, offered = page.evaluate(post, ["/api/passkey/login/options", {}])
    page.goto(demo.kit_url)
    credential = page.evaluate(
        """async options => (await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()""",
        offered["options"],
    )
    page.goto(f"{demo.hub_url}/")
    answer = {"challenge_id": offered["challenge_id"], "credential": credential, "role": None}
    assert page.evaluate(post, ["/api/passkey/login/verify", answer]) == [400, {"code": "passkey_refused"}]


def test_an_answer_that_took_too_long_is_refused(demo: Demo, doctor: Doctor, keys: Keys) -> None:
    def late(route: Route) -> None:
        with store(demo) as tables:
            tables.execute("UPDATE passkey_challenge SET expires_at = '2020-01-01 00:00:00.000000'")
        route.continue_()

    doctor.page.route("**/login/verify", late)
    refused_with(doctor, "challenge_unknown")
    doctor.page.unroute("**/login/verify")


def test_a_copied_key_is_refused(demo: Demo, doctor: Doctor, keys: Keys) -> None:
    """The copy has the counter of the day on which it was made."""
    (copied,) = keys.all()
    sign_in(doctor)
    sign_out(doctor, demo)
    keys.clear()
    keys.put(copied)
    refused_with(doctor, "passkey_refused")
    keys.clear()
    keys.put({**copied, "signCount": copied["signCount"] + 100})  # the true one, for what follows
    sign_in(doctor)


def test_a_second_key_and_an_end_to_the_lost_one(demo: Demo, doctor: Doctor, keys: Keys) -> None:
    doctor.press("settings")
    doctor.press("passkeys")
    expect(doctor.part("key-name")).to_have_value("Jobbdatorn")
    doctor.press("key-end")
    doctor.press("key-end-sure")
    expect(doctor.part("passkey-said")).to_have_attribute("data-code", "last_way_in", timeout=SLOW_MS)

    lost = keys.all()
    keys.browser.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": keys.at})
    keys.at = keys.add()
    doctor.press("passkey-add")
    expect(doctor.part("passkey-said")).to_have_attribute("data-code", "passkey_added", timeout=SLOW_MS)
    expect(doctor.part("key")).to_have_count(2)
    doctor.part("key-end").first.click()
    doctor.press("key-end-sure")
    expect(doctor.part("passkey-said")).to_have_attribute("data-code", "passkey_ended", timeout=SLOW_MS)
    expect(doctor.part("key")).to_have_count(1)
    doctor.press("keys-close")

    sign_out(doctor, demo)
    sign_in(doctor)
    sign_out(doctor, demo)
    keys.clear()
    keys.put(lost[0])
    refused_with(doctor, "passkey_refused")


def test_without_a_key_it_says_what_to_do(demo: Demo, chromium: Browser) -> None:
    stranger = Doctor(new_page(chromium, DESK))
    stranger.page.goto(f"{demo.hub_url}/")
    Keys(stranger)
    stranger.press("passkey-sign-in")
    expect(stranger.part("passkey-problem")).to_have_attribute("data-code", "passkey_cancelled", timeout=SLOW_MS)


def test_who_lost_all_keys_comes_by_a_link_and_makes_another(demo: Demo, chromium: Browser) -> None:
    again = Doctor(new_page(chromium, DESK))
    again.enter(demo.hub_url)
    expect(again.part("queue-visit").first).to_be_visible()
    Keys(again)
    add_a_key(again)
    again.press("keys-close")
    sign_out(again, demo)
    sign_in(again)
