"""What a browser is told and cannot do: names of hosts, cookies over TLS, other origins, odd methods."""

import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from carebag_server import sessions
from carebag_server.access import policies
from carebag_server.app import create_app
from carebag_server.demo_data import ensure_demo
from carebag_server.serve import server_config
from carebag_server.session_routes import give_cookie
from carebag_server.sessions import issue_link
from carebag_server.settings import Settings
from carebag_server.tables import Commission, Installation

HOME = "https://hub.example.se"


class TlsHub:
    """A production hub behind TLS, with the demo's people."""

    def __init__(self, url: str, folder: Path, clock: Any, kit: Any) -> None:
        ensure_demo(url, kit.kit_id, kit.public_key, clock())
        settings = Settings(
            database_url=url, media_folder=folder, origins=(HOME,), kit_page_origin="https://kit.example"
        )
        self.app, self.clock = create_app(settings, clock), clock
        self.database = self.app.state.hub.database
        with self.database.transaction() as session:
            session.query(Installation).update({"kind": "production"})

    def enter(self, role: str) -> Any:
        """Signed in as after a passkey."""
        answer = Response()
        with self.database.transaction() as session:
            commission = session.query(Commission).filter_by(role=role).one()
            token = sessions.start(session, commission.id, self.clock(), "passkey")
        give_cookie(self.app.state.hub, answer, role, token)
        return answer

    def link(self, role: str) -> str:
        with self.database.transaction() as session:
            commission = session.query(Commission).filter_by(role=role).first()
            assert commission is not None
            return issue_link(session, commission.id, self.clock())


@pytest.fixture
def tls_hub(sqlite_url: str, tmp_path: Path, clock: Any, make_kit: Any) -> TlsHub:
    return TlsHub(sqlite_url, tmp_path / "media", clock, make_kit(clock))


def test_over_tls_a_cookie_belongs_to_this_host_alone(tls_hub: TlsHub) -> None:
    with TestClient(tls_hub.app, base_url=HOME) as browser:
        link = browser.post("/api/session/link", json={"token": tls_hub.link("doctor")}, headers={"Origin": HOME})
        assert (link.status_code, link.json()) == (410, {"code": "link_unknown"})  # one factor: in a demo only
        entered = tls_hub.enter("doctor")
        first = entered.headers["set-cookie"].split(";")[0]
        browser.cookies.set(*first.split("=", 1), domain="hub.example.se", path="/")
        name, *attributes = [part.strip() for part in entered.headers["set-cookie"].split(";")]
        assert name.startswith("__Host-carebag_doctor=")
        assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
        assert not [part for part in attributes if part.lower().startswith("domain")]
        headers = {"Origin": HOME, "X-Carebag-As": "doctor"}
        assert browser.get("/api/me", headers=headers).status_code == 200
        secret = browser.cookies["__Host-carebag_doctor"]
        gone = browser.post("/api/session/end", headers=headers)
        assert gone.status_code == 204
        assert gone.headers["set-cookie"].startswith('__Host-carebag_doctor="";')
        assert "Secure" in gone.headers["set-cookie"]  # else the browser keeps a cookie of that name
        kept = {**headers, "Cookie": f"__Host-carebag_doctor={secret}"}
        assert browser.get("/api/me", headers=kept).json() == {"code": "session_ended"}


def test_over_tls_browsers_are_told_to_keep_to_it(tls_hub: TlsHub) -> None:
    with TestClient(tls_hub.app, base_url=HOME) as browser:
        for path in ("/", "/api/me", "/no/such/page"):
            told = browser.get(path).headers["strict-transport-security"]
            assert told == "max-age=31536000; includeSubDomains"


def test_without_tls_nothing_is_said_of_it(small_hub: Any) -> None:
    assert "strict-transport-security" not in small_hub.client.get("/").headers


@pytest.mark.parametrize(
    "host", ["hub.example.se", "HUB.example.se", "hub.example.se:443", "localhost:8470", "[::1]:1"]
)
def test_its_own_names(tls_hub: TlsHub, host: str) -> None:
    with TestClient(tls_hub.app, base_url=HOME) as browser:
        assert browser.get("/api/me", headers={"Host": host}).status_code == 400  # no slot was named


@pytest.mark.parametrize(
    "host", ["evil.example", "hub.example.se.evil.example", "hub.example.se@evil.example", "10.0.0.1", "", "[", "xn--1"]
)
def test_under_a_foreign_name_there_is_nothing(tls_hub: TlsHub, host: str) -> None:
    """A page elsewhere whose own name was pointed at the hub (DNS rebinding)."""
    with TestClient(tls_hub.app, base_url=HOME) as browser:
        for path in ("/", "/doctor/", "/api/me", "/api/demo/doors"):
            answer = browser.get(path, headers={"Host": host})
            assert (answer.status_code, answer.json()) == (421, {"code": "foreign_host"})
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert browser.get("/api/health", headers={"Host": host}).status_code == 200


def test_no_other_origin_may_read_anything(small_hub: Any) -> None:
    for route in policies(small_hub.app):
        method, path = route.split(" ")
        if method == "WEBSOCKET":
            continue
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": method}
        for verb in (method, "OPTIONS"):
            answer = small_hub.client.request(verb, path.replace("{", "").replace("}", ""), headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK", "PROPFIND"])
def test_no_odd_methods(small_hub: Any, method: str) -> None:
    for path in ("/", "/api/me", "/api/visits"):
        answer = small_hub.client.request(method, path, headers={"X-Canary": "tolvan"})
        assert answer.status_code == 405
        assert "tolvan" not in answer.text


def test_no_safe_method_changes_anything_but_the_log(small_hub: Any) -> None:
    """What is read is logged, and the demo's front door makes links: nothing else stands behind GET."""
    changing = {"/api/session/end", "/api/guest/enter", "/api/visits/{visit_id}/note"}
    methods = {route.split(" ")[1]: route.split(" ")[0] for route in policies(small_hub.app)}
    assert {methods[path] for path in changing} <= {"POST", "PUT"}
    assert {route.split(" ")[0] for route in policies(small_hub.app)} == {"GET", "POST", "PUT", "PATCH", "WEBSOCKET"}


def test_the_policy_forbids_plugins_and_bases(small_hub: Any) -> None:
    policy = small_hub.client.get("/").headers["content-security-policy"].split("; ")
    assert {"object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} <= set(policy)


def test_a_refusal_says_in_the_log_why_and_from_where(small_hub: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "carebag.hub")
    far = TestClient(small_hub.app, base_url="http://localhost:8470", client=("10.0.0.7", 50000))
    far.post("/api/session/link", json={"token": "x" * 43}, headers={"Origin": "http://localhost:8470"})
    far.post("/api/session/link", json={"token": "x" * 43}, headers={"Origin": "https://evil.example"})
    far.get("/api/visits", headers={"X-Carebag-As": "doctor"})
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("answered")]
    assert [line.split(" refused ")[1] for line in lines] == [
        "link_unknown from 10.0.0.7",
        "foreign_origin from 10.0.0.7",
        "not_signed_in from 10.0.0.7",
    ]
    assert not [line for line in lines if "\n" in line or "x" * 43 in line]


@pytest.mark.parametrize("path", ["/", "/doctor/", "/no/such/page", "/api/nothing"])
def test_every_text_says_its_letters(small_hub: Any, path: str) -> None:
    said = small_hub.client.get(path, headers={"Accept": "text/html"}).headers["content-type"]
    assert said in {"text/html; charset=utf-8", "application/json"}  # JSON is UTF-8 by RFC 8259


def test_nobody_is_sent_elsewhere(small_hub: Any) -> None:
    """Neither to TLS, which a client that errs would not notice, nor by a slash more or less."""
    for route in policies(small_hub.app):
        method, path = route.split(" ")
        if method == "WEBSOCKET":
            continue
        for asked in (path, f"{path}/", path.rstrip("/")):
            address = asked.replace("{", "").replace("}", "") or "/"
            answer = small_hub.client.request(method, address, follow_redirects=False)
            assert not 300 <= answer.status_code < 400, (method, address)
            assert "location" not in answer.headers


@pytest.mark.parametrize(("near", "seen"), [("127.0.0.1", "192.0.2.7"), ("10.0.0.7", "10.0.0.7")])
def test_only_the_own_proxy_says_where_a_caller_is(
    tls_hub: TlsHub, caplog: pytest.LogCaptureFixture, near: str, seen: str
) -> None:
    caplog.set_level(logging.INFO, "carebag.hub")
    config = server_config(tls_hub.app.state.hub.settings)
    config.load()
    with TestClient(config.loaded_app, base_url=HOME, client=(near, 50000)) as browser:
        browser.get("/api/me", headers={"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.8", "Forwarded": "for=9"})
    (line,) = [record.getMessage() for record in caplog.records if " refused " in record.getMessage()]
    assert line.endswith(f"refused no_slot from {seen}")


def test_no_body_takes_a_field_that_it_does_not_know(small_hub: Any) -> None:
    """Nothing can be set that an act does not name (mass assignment)."""
    document = small_hub.app.openapi()
    schemas = document["components"]["schemas"]
    bodies = [
        body["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        for path in document["paths"].values()
        for operation in path.values()
        if "application/json" in (body := operation.get("requestBody", {"content": {}}))["content"]
    ]
    assert len(bodies) > 10
    assert all(schemas[body]["additionalProperties"] is False for body in bodies)


def test_of_two_slots_the_header_counts(small_hub: Any) -> None:
    doctor = small_hub.sign_in("doctor")
    both = small_hub.client.get("/api/me?as=reviewer&as=nurse", headers=doctor)
    assert both.json()["role"] == "doctor"
    assert small_hub.client.get("/api/me?as=doctor").status_code == 400
