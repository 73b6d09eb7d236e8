"""No route that changes anything listens to a page elsewhere: each of the description's, called by who may call it."""

import json
import re
import uuid
from typing import Any

import pytest

from carebag_server import openapi
from carebag_server.access import policies

HOME = "http://localhost:8470"
SAFE = {"get", "head", "options", "trace"}
PATHS = json.loads(openapi.current())["paths"]
UNSAFE = sorted((method.upper(), path) for path, methods in PATHS.items() for method in methods if method not in SAFE)
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:8471"},  # same site, and the kit's page at that
    {"Origin": HOME + ".evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]
TYPES = ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]


@pytest.fixture(scope="module")
def callers(fuzz_hub: Any) -> dict[str, Any]:
    """By kind: how that caller sends a request that is whole but for where it comes from."""
    slots = {role: fuzz_hub.sign_in(role) for role in ("nurse", "doctor", "reviewer", "administrator")}
    guest = guest_of(fuzz_hub, slots["doctor"])

    def person(role: str) -> Any:
        slot = {"X-Carebag-As": slots[role]["X-Carebag-As"]}
        return lambda method, path, headers: fuzz_hub.client.request(
            method, path, content=b"{}", headers={**slot, **headers}
        )

    return {
        "anyone": lambda method, path, headers: fuzz_hub.client.request(method, path, content=b"{}", headers=headers),
        "guest": lambda method, path, headers: guest.request(method, path, content=b"{}", headers=headers),
        "kit": lambda method, path, headers: fuzz_hub.kit.request(method, path, b"{}", headers),
        **{role: person(role) for role in slots},
    }


def guest_of(hub: Any, doctor: Any) -> Any:
    head = hub.visits()[0]
    hub.kit.store("visit_opened", head)
    wanted = {"role": "relative", "name": "Karin", "consent": True}
    invited = hub.client.post(f"/api/visits/{head['id']}/guests", headers=doctor, json=wanted).json()
    browser = hub.browser()
    browser.portal = hub.client.portal
    said = {"token": invited["url"].split("#token=")[1], "name": "Karin"}
    assert browser.post("/api/guest/enter", json=said, headers={"Origin": HOME}).status_code == 200
    return browser


def filled(path: str) -> str:
    path = path.replace("{monday}", "2026-11-16").replace("{seq}", "1").replace("{sha256}", "0" * 64)
    return re.sub(r"{[a-z_]+_id}", str(uuid.UUID(int=1)), path)


def test_there_are_all_of_them(fuzz_hub: Any) -> None:
    ours = {route.replace(":path", "") for route in policies(fuzz_hub.app)}
    changing = {route for route in ours if route.split(" ")[0].lower() not in SAFE | {"websocket"}}
    assert {f"{method} {path}" for method, path in UNSAFE} == changing


@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_a_request_of_a_page_elsewhere_is_refused(
    fuzz_hub: Any, callers: dict[str, Any], method: str, path: str
) -> None:
    policy = policies(fuzz_hub.app)[f"{method} {path}"]
    before = fuzz_hub.actions()
    for caller in sorted(policy.callers):
        for number, foreign in enumerate(FOREIGN):
            headers = {"Content-Type": TYPES[number % len(TYPES)], **foreign}
            answer = callers[caller](method, filled(path), headers)
            assert (answer.status_code, answer.json()) == (403, {"code": "foreign_origin"}), (caller, foreign)
    assert fuzz_hub.actions() == before
