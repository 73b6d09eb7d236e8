"""Signing in by a provider in a real browser, against one that is not ours; it is another site, as real ones are."""

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from carebag.demonstration import Demo, Options, running
from carebag.pages import DESK, SLOW_MS, Doctor, new_page
from carebag.processes import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.without_call]
LOA3 = "http://id.sambi.se/loa/loa3"


def person(sub: str, **changes: Any) -> str:
    claims = {
        "sub": sub,
        "employeeHsaId": "SE0000000000-A2",
        "commissionHsaId": "SE0000000000-U2",
        "commissionPurpose": "Vård och behandling",
        "healthCareProviderHsaId": "SE0000000000-V2",
        "acr": LOA3,
        "auth_time": int(time.time()) + 3600,  # it keeps no sessions, and says what it is told
    }
    return json.dumps({**claims, **changes})


PEOPLE = (
    person("elena"),
    person("karin", employeeHsaId="SE0000000000-A3", commissionHsaId="SE0000000000-U3"),
    person("unknown", employeeHsaId="SE0000000000-Z9"),
    person("administrator", commissionPurpose="Administration"),
    person("weak", acr="password"),
)  # fmt: skip


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    port = free_port(0)
    users = [part for one in PEOPLE for part in ("--user-claims", one)]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", *users]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{url}/.well-known/openid-configuration", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
        process.terminate()


@pytest.fixture(scope="module")
def demo(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, whose hub also knows the provider."""
    said = {"CAREBAG_OIDC": issuer, "CAREBAG_OIDC_CLIENT": "carebag", "CAREBAG_OIDC_SECRET": "s" * 32,
            "CAREBAG_OIDC_ACR": LOA3}  # fmt: skip
    os.environ.update(said)
    try:
        with running(Options(tmp_path_factory.mktemp("demo"), port=free_port(0))) as started:
            yield started
    finally:
        for name in said:
            del os.environ[name]


def at_the_provider(demo: Demo, chromium: Browser) -> Page:
    page = new_page(chromium, DESK)
    page.context.route("https://cdn.jsdelivr.net/**", lambda route: route.abort())  # its page's looks
    page.goto(f"{demo.hub_url}/")
    page.get_by_test_id("oidc-sign-in").click()
    expect(page.get_by_role("button", name="elena", exact=True)).to_be_visible()
    return page


def legitimate(page: Page, who: str) -> None:
    page.get_by_role("button", name=who, exact=True).click()


def age(demo: Demo, **columns: int) -> None:
    """Let minutes have passed, for all sessions."""
    with sqlite3.connect(demo.database.removeprefix("sqlite:///"), timeout=20) as store:
        for column, minutes in columns.items():
            at = (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S.%f")
            store.execute(f"UPDATE signed_in SET {column} = ? WHERE ended_at IS NULL", (at,))


def test_a_doctor_comes_in_by_the_provider(demo: Demo, chromium: Browser) -> None:
    page = at_the_provider(demo, chromium)
    legitimate(page, "elena")
    expect(page.get_by_test_id("queue-visit").first).to_be_visible(timeout=SLOW_MS)
    assert page.url == f"{demo.hub_url}/doctor/"


@pytest.mark.parametrize(
    ("who", "code"),
    [("unknown", "oidc_unknown_person"), ("administrator", "oidc_wrong_purpose"), ("weak", "oidc_weak")],
)
def test_who_does_not_fit_is_told_why(demo: Demo, chromium: Browser, who: str, code: str) -> None:
    page = at_the_provider(demo, chromium)
    legitimate(page, who)
    failed = page.get_by_test_id("enter-failed")
    expect(failed).to_have_attribute("data-code", code, timeout=SLOW_MS)
    assert "#" not in page.url
    page.goto(f"{demo.hub_url}/doctor/")
    expect(page.get_by_test_id("signed-out")).to_be_visible()


def test_who_denies_is_told_so(demo: Demo, chromium: Browser) -> None:
    page = at_the_provider(demo, chromium)
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_test_id("enter-failed")).to_have_attribute("data-code", "oidc_cancelled", timeout=SLOW_MS)


def test_a_callback_works_once_and_in_one_browser(demo: Demo, chromium: Browser) -> None:
    page = at_the_provider(demo, chromium)
    callbacks: list[str] = []
    page.on("request", lambda request: callbacks.append(request.url) if "/oidc/callback" in request.url else None)
    legitimate(page, "elena")
    expect(page.get_by_test_id("queue-visit").first).to_be_visible(timeout=SLOW_MS)
    answer = page.goto(callbacks[0])
    assert answer is not None
    assert answer.status == 401
    expect(page.get_by_test_id("enter-failed")).to_have_attribute("data-code", "oidc_replayed")
    stranger = new_page(chromium, DESK)
    stranger.goto(callbacks[0])
    expect(stranger.get_by_test_id("enter-failed")).to_have_attribute("data-code", "oidc_replayed")
    stranger.goto(f"{demo.hub_url}/doctor/")
    expect(stranger.get_by_test_id("signed-out")).to_be_visible()


def test_a_callback_of_somebody_elses_way_signs_nobody_in(demo: Demo, chromium: Browser) -> None:
    """Not used yet, and sent as a link to somebody who is on the way too: they would act as somebody else."""
    page, stranger = at_the_provider(demo, chromium), at_the_provider(demo, chromium)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/oidc/callback" in request.url else None)
    page.context.clear_cookies()  # so that this browser does not use it up
    legitimate(page, "elena")
    for one in (page, stranger):
        if one is stranger:
            one.goto(sent[0])
        expect(one.get_by_test_id("enter-failed")).to_have_attribute("data-code", "oidc_replayed", timeout=SLOW_MS)
        one.goto(f"{demo.hub_url}/doctor/")
        expect(one.get_by_test_id("signed-out")).to_be_visible()


def test_a_page_elsewhere_begins_nobodys_sign_in(demo: Demo, chromium: Browser) -> None:
    """Who is known to the provider would come in without a press on our page."""
    page = new_page(chromium, DESK)
    page.goto(f'data:text/html,<a href="{demo.hub_url}/api/oidc/start">a prize</a>')
    page.get_by_text("a prize").click()
    page.wait_for_url(f"{demo.hub_url}/", timeout=SLOW_MS)
    page.goto(f"{demo.hub_url}/doctor/")
    expect(page.get_by_test_id("signed-out")).to_be_visible()


def test_a_way_that_took_too_long_signs_nobody_in(demo: Demo, chromium: Browser) -> None:
    page = at_the_provider(demo, chromium)
    with sqlite3.connect(demo.database.removeprefix("sqlite:///"), timeout=20) as store:
        long_ago = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%d %H:%M:%S.%f")
        store.execute("UPDATE oidc_flow SET begun_at = ? WHERE used_at IS NULL", (long_ago,))
    legitimate(page, "elena")
    expect(page.get_by_test_id("enter-failed")).to_have_attribute("data-code", "oidc_replayed", timeout=SLOW_MS)
    page.goto(f"{demo.hub_url}/doctor/")
    expect(page.get_by_test_id("signed-out")).to_be_visible()


def test_a_lock_is_opened_in_a_window_of_its_own_by_its_owner_alone(demo: Demo, chromium: Browser) -> None:
    page = at_the_provider(demo, chromium)
    legitimate(page, "elena")
    expect(page.get_by_test_id("queue-visit").first).to_be_visible(timeout=SLOW_MS)
    age(demo, used_at=16, proved_at=16)
    doctor = Doctor(page)
    expect(doctor.part("locked")).to_be_visible(timeout=SLOW_MS)

    def by_provider(who: str) -> Page:
        with page.context.expect_page() as opened:
            doctor.press("prove-oidc")
        legitimate(opened.value, who)
        return opened.value

    window = by_provider("karin")
    expect(window.get_by_test_id("enter-failed")).to_have_attribute("data-code", "other_person", timeout=SLOW_MS)
    expect(doctor.part("locked")).to_be_visible()
    by_provider("elena")
    expect(doctor.part("locked")).to_be_hidden(timeout=SLOW_MS)
    expect(doctor.part("queue-visit").first).to_be_visible()
