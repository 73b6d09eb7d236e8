"""One-time links, the demo's doors, slots in one browser, limits of time, and the nurse's way to the kit."""

import json
import time
import uuid
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from carebag_server import together
from carebag_server.audit import Actor
from carebag_server.sessions import digest, start
from carebag_server.settings import Settings
from carebag_server.staff import Change, end_commission
from carebag_server.tables import Commission, SignedIn
from carebag_wire import PROTOCOL

HOME = "http://localhost:8470"
ORIGIN = {"Origin": HOME}
OPERATOR = Actor(
    practitioner="siri (carebag admin)",
    role="admin",
    care_unit="carebag admin",
    organization="-",
    purpose="administration",
    origin="here",
    request_ref="0" * 16,
)
AS_DOCTOR = {**ORIGIN, "X-Carebag-As": "doctor"}


def token_of(hub: Any, role: str) -> str:
    door = next(door for door in hub.client.get("/api/demo/doors").json() if door["role"] == role)
    return str(door["url"].split("#token=")[1])


def enter(hub: Any, token: str, headers: dict[str, str] = ORIGIN) -> Any:
    return hub.client.post("/api/session/link", json={"token": token}, headers=headers)


def test_four_doors_with_fresh_links(hub: Any) -> None:
    first, second = hub.client.get("/api/demo/doors").json(), hub.client.get("/api/demo/doors").json()
    assert [(door["role"], door["person"]) for door in first] == [
        ("nurse", "Anna Lind"),
        ("doctor", "Elena Ruiz"),
        ("reviewer", "Karin Berg"),
        ("administrator", "Lars Åström"),
    ]
    urls = {door["url"] for door in first + second}
    assert len(urls) == 8
    assert all(url.startswith(f"{HOME}/enter/#token=") for url in urls)


@pytest.mark.parametrize(
    ("address", "host"),
    [("10.0.0.7", "localhost:8470"), ("127.0.0.1", "evil.example"), ("127.0.0.1", "localhost.evil.example:8470"),
     ("127.0.0.1", "localhost:8470@evil"), ("127.0.0.1", "[::1"), ("127.0.0.1", "")],
)  # fmt: skip
def test_no_doors_from_afar_or_under_another_name(small_hub: Any, address: str, host: str) -> None:
    browser = TestClient(small_hub.app, base_url=HOME, client=(address, 50000))
    answer = browser.get("/api/demo/doors", headers={"Host": host})
    codes = (404, {"code": "not_found"}), (421, {"code": "foreign_host"})
    assert (answer.status_code, answer.json()) in codes


def test_no_doors_outside_a_demo(small_hub: Any) -> None:
    small_hub.app.state.hub.settings = Settings(origins=(HOME,), demo=False)
    assert small_hub.client.get("/api/demo/doors").status_code == 404


def test_a_link_signs_in_once(hub: Any) -> None:
    token = token_of(hub, "doctor")
    assert enter(hub, token).json() == {"role": "doctor", "next": "/doctor/"}
    me = hub.client.get("/api/me", headers=AS_DOCTOR).json()
    assert (me["name"], me["role"], me["organization"]) == ("Elena Ruiz", "doctor", "Premicare")
    again = enter(hub, token)
    assert (again.status_code, again.json()) == (410, {"code": "link_used"})


def test_an_old_link_is_refused(hub: Any, clock: Any) -> None:
    token = token_of(hub, "doctor")
    clock.forward(minutes=15)
    answer = enter(hub, token)
    assert (answer.status_code, answer.json()) == (410, {"code": "link_expired"})


def test_an_invented_link_is_refused(hub: Any) -> None:
    answer = enter(hub, "x" * 43)
    assert (answer.status_code, answer.json()) == (410, {"code": "link_unknown"})


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_a_foreign_page_cannot_sign_anyone_in(hub: Any, headers: dict[str, str]) -> None:
    token = token_of(hub, "doctor")
    answer = enter(hub, token, headers)
    assert (answer.status_code, answer.json()) == (403, {"code": "foreign_origin"})
    assert enter(hub, token).status_code == 200


def test_the_cookie_is_out_of_reach(hub: Any) -> None:
    cookie = enter(hub, token_of(hub, "doctor")).headers["set-cookie"]
    name, *attributes = [part.strip() for part in cookie.split(";")]
    assert name.startswith("carebag_doctor=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
    assert "Secure" not in attributes  # http on this machine itself


def test_over_tls_the_cookie_is_secure() -> None:
    assert Settings(origins=("https://hub.example.se",)).secure_cookies
    assert not Settings().secure_cookies


def test_a_browser_is_doctor_and_reviewer_at_once(hub: Any) -> None:
    doctor, reviewer = hub.sign_in("doctor"), hub.sign_in("reviewer")
    assert hub.client.get("/api/me", headers=doctor).json()["name"] == "Elena Ruiz"
    assert hub.client.get("/api/me", headers=reviewer).json()["name"] == "Karin Berg"
    assert hub.client.post("/api/session/end", headers=doctor).status_code == 204
    assert hub.client.get("/api/me", headers=doctor).json() == {"code": "not_signed_in"}
    assert hub.client.get("/api/me", headers=reviewer).status_code == 200


def test_a_cookie_of_one_slot_is_nothing_in_another(hub: Any) -> None:
    hub.sign_in("doctor")
    hub.client.cookies.set("carebag_reviewer", hub.client.cookies["carebag_doctor"], domain="localhost.local")
    answer = hub.client.get("/api/me", headers={"X-Carebag-As": "reviewer"})
    assert (answer.status_code, answer.json()) == (401, {"code": "not_signed_in"})


def with_cookie(hub: Any, token: str) -> Any:
    browser = TestClient(hub.client.app, base_url=HOME, client=("127.0.0.1", 50000))
    browser.cookies.set("carebag_doctor", token, domain="localhost.local")
    return browser.get("/api/me", headers={"X-Carebag-As": "doctor"}).json()


def test_a_new_sign_in_replaces_what_this_browser_had_in_the_slot(hub: Any, doctor: dict[str, str]) -> None:
    reviewer, old = hub.sign_in("reviewer"), hub.client.cookies["carebag_doctor"]
    before = hub.client.get("/api/session", headers=doctor).json()
    hub.sign_in("doctor")
    assert with_cookie(hub, old) == {"code": "not_signed_in"}
    assert hub.client.get("/api/session", headers=doctor).json() == before
    assert hub.client.get("/api/me", headers=reviewer).status_code == 200


def test_somebody_elses_sign_in_ends_the_session_before(hub: Any, clock: Any, doctor: dict[str, str]) -> None:
    old = hub.client.cookies["carebag_doctor"]
    with hub.database.transaction() as session:
        row = session.scalars(select(SignedIn).where(SignedIn.token_sha256 == digest(old))).one()
        mine = row.commission_id
        other = session.scalars(select(Commission.id).where(Commission.id != mine)).first()
        start(session, other, clock(), "link", [digest(old)])
    assert with_cookie(hub, old) == {"code": "session_ended"}


def test_a_fresh_proof_gives_another_secret(hub: Any, doctor: dict[str, str]) -> None:
    old = hub.client.cookies["carebag_doctor"]
    assert hub.client.post("/api/session/prove/demo", headers=doctor).status_code == 204
    assert hub.client.get("/api/me", headers=doctor).status_code == 200
    assert with_cookie(hub, old) == {"code": "not_signed_in"}


@pytest.mark.parametrize("slot", [None, "", "admin", "doctor,reviewer", "Doctor"])
def test_the_slot_must_be_named(hub: Any, doctor: dict[str, str], slot: str | None) -> None:
    headers = {} if slot is None else {"X-Carebag-As": slot}
    answer = hub.client.get("/api/me", headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"code": "no_slot"})


def test_the_slot_by_query_is_not_enough_for_an_act(hub: Any, doctor: dict[str, str]) -> None:
    answer = hub.client.post("/api/session/end?as=doctor", headers=ORIGIN)
    assert (answer.status_code, answer.json()) == (400, {"code": "no_slot"})


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://localhost:8471", "null"])
def test_an_act_from_a_foreign_page_is_refused(hub: Any, doctor: dict[str, str], origin: str | None) -> None:
    headers = {"X-Carebag-As": "doctor"} | ({"Origin": origin} if origin else {})
    answer = hub.client.post("/api/session/end", headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"code": "foreign_origin"})
    assert hub.client.get("/api/me", headers=doctor).status_code == 200


def test_idle_for_a_quarter_of_an_hour(hub: Any, clock: Any, doctor: dict[str, str]) -> None:
    for _ in range(3):
        clock.forward(minutes=14)
        assert hub.client.get("/api/me", headers=doctor).status_code == 200
    clock.forward(minutes=15)
    assert hub.client.get("/api/me", headers=doctor).json() == {"code": "session_locked"}
    assert hub.client.get("/api/visits", headers=doctor).status_code == 401


def test_over_after_twelve_hours_whatever_the_use(hub: Any, clock: Any, doctor: dict[str, str]) -> None:
    for _ in range(71):
        clock.forward(minutes=10)
        assert hub.client.get("/api/me", headers=doctor).status_code == 200
    clock.forward(minutes=10)
    assert hub.client.get("/api/me", headers=doctor).json() == {"code": "session_ended"}


def test_tokens_are_stored_as_digests(hub: Any, doctor: dict[str, str]) -> None:
    secret = hub.client.cookies["carebag_doctor"]
    with hub.database.engine.connect() as connection:
        for table in ("signed_in", "login_link", "nurse_sign_in"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert secret not in repr(rows)


def nurse_code(hub: Any) -> str:
    entered = enter(hub, token_of(hub, "nurse")).json()
    assert entered["role"] == "nurse"
    page, code = entered["next"].split("/#code=")
    assert page == "http://localhost:8471"
    return str(code)


def redeem(kit: Any, code: str) -> Any:
    return kit.request("POST", "/api/kit/nurse", json.dumps({"code": code}).encode())


def test_a_nurse_is_made_known_to_the_kit_once(hub: Any) -> None:
    code = nurse_code(hub)
    identity = redeem(hub.kit, code).json()
    assert (identity["person"]["name"], identity["person"]["role"]) == ("Anna Lind", "nurse")
    assert identity["expires_at"] == "2026-11-26T09:30:00Z"
    assert redeem(hub.kit, code).json() == {"code": "code_used"}
    assert "nurse_at_kit" in hub.actions()


def test_a_nurse_code_gets_old(hub: Any, clock: Any) -> None:
    code = nurse_code(hub)
    clock.forward(minutes=5)
    assert redeem(hub.kit, code).json() == {"code": "code_expired"}


def test_a_nurse_code_is_for_kits_of_her_organization(hub: Any) -> None:
    stranger = hub.enrol("Väska X", "Premicare")
    answer = redeem(stranger, nurse_code(hub))
    assert (answer.status_code, answer.json()) == (403, {"code": "nurse_of_another_organization"})


def nurse_at_kit(hub: Any) -> str:
    return str(redeem(hub.kit, nurse_code(hub)).json()["person"]["commission_id"])


def told_by_the_hub(hub: Any, commission_id: str, end: Any) -> list[Any]:
    """What a kit hears where that nurse is signed in, after something happened; some looks of the hub long."""
    headers, said = {"Authorization": hub.kit.proof("GET", "/api/ws/kit")}, []
    with hub.client.websocket_connect("ws://localhost:8470/api/ws/kit", headers=headers) as socket:
        socket.send_json({"type": "hello", "protocol": PROTOCOL, "client": "kit"})
        status = {"type": "kit_status", "visit_id": None, "devices": [], "unsent": 0}
        socket.send_json({**status, "nurse_commission": commission_id})
        end()
        for number in range(4):
            time.sleep(0.06)
            socket.send_json({"type": "ping", "id": number})
            while not said or said[-1] != {"type": "pong", "id": number}:
                said.append(socket.receive_json())
    return [one for one in said if one["type"] == "nurse_out"]


def of_the_operator(hub: Any, act: Any, commission_id: str) -> None:
    with hub.database.transaction() as session:
        act(Change(session, OPERATOR, hub.clock()), session.get_one(Commission, uuid.UUID(commission_id)))


def test_a_nurse_whose_commission_ended_is_out_at_the_kit_as_well(hub: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.02)
    commission_id = nurse_at_kit(hub)
    told = told_by_the_hub(hub, commission_id, lambda: of_the_operator(hub, end_commission, commission_id))
    assert told == [{"type": "nurse_out", "commission_id": commission_id}]


def test_a_nurse_whose_sessions_ended_is_out_at_the_kit_as_well(hub: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.02)
    commission_id = nurse_at_kit(hub)
    headers = {**ORIGIN, "X-Carebag-As": "nurse"}
    end = lambda: hub.client.post("/api/session/end", headers=headers).raise_for_status()  # noqa: E731
    assert [one["commission_id"] for one in told_by_the_hub(hub, commission_id, end)] == [commission_id]


def test_a_nurse_who_is_signed_in_stays_at_the_kit(hub: Any, monkeypatch: Any, clock: Any) -> None:
    """Also locked at the hub, and after another sign-in."""
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.02)
    commission_id = nurse_at_kit(hub)
    clock.forward(minutes=40)
    assert told_by_the_hub(hub, commission_id, lambda: nurse_code(hub)) == []
