"""Guests: a link works once and not for long, a person lets in, nothing clinical is shown, and the end is the end."""

import json
import time
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import WebSocketDenialResponse

from carebag_server.demo_data import demo_id
from carebag_server.tables import AuditRow
from carebag_server.tries import Pace, Tries
from carebag_wire import PROTOCOL

HOME = "http://localhost:8470"
ORIGIN = {"Origin": HOME}
SOCKET = "ws://localhost:8470/api/ws/guest"
HELLO = {"type": "hello", "protocol": PROTOCOL, "client": "guest"}
KARIN = {"role": "relative", "name": "Karin", "consent": True}


def invite(hub: Any, doctor: Any, visit: Any, **changes: Any) -> Any:
    return hub.client.post(f"/api/visits/{visit['id']}/guests", headers=doctor, json={**KARIN, **changes})


def token_of(answer: Any) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"].split("#token=")[1])


def enter(browser: Any, token: str, name: str = "Karin Ek") -> Any:
    return browser.post("/api/guest/enter", json={"token": token, "name": name}, headers=ORIGIN)


def do(hub: Any, doctor: Any, visit: Any, guest_id: str, act: str) -> Any:
    return hub.client.post(f"/api/visits/{visit['id']}/guests/{guest_id}", headers=doctor, json={"act": act})


def guests_of(hub: Any, doctor: Any, visit: Any) -> Any:
    return hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["guests"]


def hear(socket: Any, kind: str) -> Any:
    """The next message of a kind; what comes before it is skipped."""
    while True:
        message = json.loads(socket.receive_text())
        if message["type"] == kind:
            return message


def wait_for(there: Any, seconds: float = 30) -> None:
    """Until it is there: the hub writes it in a thread of its own."""
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def say(socket: Any, **message: Any) -> None:
    socket.send_text(json.dumps(message))


@pytest.fixture
def phone(hub: Any) -> Any:
    """Another browser, the guest's, on the same running hub."""
    browser = hub.browser()
    browser.portal = hub.client.portal
    return browser


@pytest.fixture
def waiting(hub: Any, doctor: Any, visit: Any, phone: Any) -> str:
    """Karin has used her link and stands at the door; her id."""
    answer = invite(hub, doctor, visit)
    assert enter(phone, token_of(answer)).status_code == 200
    return str(answer.json()["guest"]["id"])


def test_from_invitation_to_the_room(hub: Any, doctor: Any, visit: Any, phone: Any) -> None:
    answer = invite(hub, doctor, visit)
    guest = answer.json()["guest"]
    assert (guest["state"], guest["invited_by"], guest["camera"]) == ("invited", "Elena Ruiz", False)
    token = token_of(answer)
    look = phone.post("/api/guest/look", json={"token": token}, headers=ORIGIN).json()
    assert (look["name"], look["state"]) == ("Karin", "invited")
    assert guests_of(hub, doctor, visit)[0]["state"] == "invited"  # looking uses nothing up
    entered = enter(phone, token)
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert do(hub, doctor, visit, guest["id"], "admit").json()["state"] == "admitted"
    told = guests_of(hub, doctor, visit)[0]
    assert (told["said_name"], told["admitted_by"]) == ("Karin Ek", "Elena Ruiz")
    assert phone.get("/api/guest").json()["state"] == "admitted"


def test_a_guest_is_told_nothing_of_the_patient(hub: Any, doctor: Any, visit: Any, phone: Any, waiting: str) -> None:
    do(hub, doctor, visit, waiting, "admit")
    with phone.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        say(socket, **HELLO)
        room = hear(socket, "guest_room")
    text = json.dumps([phone.get("/api/guest").json(), room])
    for canary in ("Tolvan", "19121212", "urosepsis", "patient", "kit:"):
        assert canary not in text
    for path in ("/api/visits", f"/api/visits/{visit['id']}", "/api/me", "/api/review/visits"):
        assert phone.get(path, headers={**ORIGIN, "X-Carebag-As": "doctor"}).status_code == 401


def test_the_link_works_in_one_browser_only(hub: Any, doctor: Any, visit: Any, phone: Any) -> None:
    token = token_of(invite(hub, doctor, visit))
    assert enter(phone, token).status_code == 200
    assert enter(phone, token).status_code == 200  # opened again in the same browser
    answer = enter(hub.browser(), token)
    assert (answer.status_code, answer.json()) == (410, {"code": "guest_link_used"})
    assert hub.actions(visit["id"]).count("guest_came") == 1


def test_the_link_is_good_for_half_an_hour(hub: Any, doctor: Any, visit: Any, phone: Any) -> None:
    token = token_of(invite(hub, doctor, visit))
    late = token_of(invite(hub, doctor, visit, name="Pär"))
    hub.clock.forward(minutes=29)
    assert enter(phone, token).status_code == 200
    hub.clock.forward(minutes=1)
    assert enter(hub.browser(), late).json() == {"code": "guest_link_expired"}
    doctor = hub.sign_in("doctor")
    reasons = {one["name"]: one["reason"] for one in guests_of(hub, doctor, visit)}
    assert reasons == {"Karin": None, "Pär": "guest_link_expired"}
    assert phone.get("/api/guest").status_code == 200  # who is in stays in


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"consent": False}, "consent_missing"), ({"name": " "}, "bad_request"), ({"role": "nurse"}, "bad_request")],
)
def test_what_is_no_invitation(hub: Any, doctor: Any, visit: Any, changes: Any, code: str) -> None:
    answer = invite(hub, doctor, visit, **changes)
    assert answer.status_code in {409, 422}
    assert answer.json() == {"code": code}
    assert guests_of(hub, doctor, visit) == []


def test_three_guests_and_a_place_that_is_left_is_free(hub: Any, doctor: Any, visit: Any) -> None:
    made = [invite(hub, doctor, visit, name=f"G{number}").json()["guest"]["id"] for number in range(3)]
    assert invite(hub, doctor, visit).json() == {"code": "too_many_guests"}
    assert do(hub, doctor, visit, made[0], "end").status_code == 200
    assert invite(hub, doctor, visit).status_code == 201


def test_nobody_is_let_in_who_did_not_come(hub: Any, doctor: Any, visit: Any) -> None:
    guest = invite(hub, doctor, visit).json()["guest"]["id"]
    assert do(hub, doctor, visit, guest, "admit").json() == {"code": "guest_not_here"}
    assert do(hub, doctor, visit, str(uuid.uuid4()), "admit").status_code == 404


def test_revoked_before_and_after_use(hub: Any, doctor: Any, visit: Any, phone: Any, waiting: str) -> None:
    unused = invite(hub, doctor, visit, name="Pär")
    assert do(hub, doctor, visit, unused.json()["guest"]["id"], "end").status_code == 200
    assert enter(hub.browser(), token_of(unused)).json() == {"code": "guest_revoked"}
    do(hub, doctor, visit, waiting, "end")
    assert phone.get("/api/guest").json() == {"code": "guest_revoked"}
    assert do(hub, doctor, visit, waiting, "admit").json() == {"code": "guest_gone"}


def test_the_visit_ends_and_so_does_the_guest(hub: Any, doctor: Any, visit: Any, phone: Any, waiting: str) -> None:
    unused = token_of(invite(hub, doctor, visit))
    do(hub, doctor, visit, waiting, "admit")
    with phone.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        say(socket, **HELLO)
        assert hear(socket, "guest_room")["state"] == "admitted"
        hub.kit.store("visit_closed", visit)
        over = hear(socket, "guest_room")
    assert (over["state"], over["reason"], over["participants"]) == ("ended", "visit_closed", [])
    assert phone.get("/api/guest").json() == {"code": "guest_visit_over"}
    assert enter(hub.browser(), unused).json() == {"code": "guest_visit_over"}
    assert invite(hub, doctor, visit).json() == {"code": "visit_closed"}


def test_a_stay_has_an_end_even_if_nobody_closes_the_visit(hub: Any, phone: Any, waiting: str) -> None:
    hub.clock.forward(hours=11, minutes=59)
    assert phone.get("/api/guest").status_code == 200
    hub.clock.forward(minutes=1)
    assert phone.get("/api/guest").json() == {"code": "guest_visit_over"}


def test_forged_links_are_counted_and_good_ones_wait_too(hub: Any, doctor: Any, visit: Any, phone: Any) -> None:
    token = token_of(invite(hub, doctor, visit))
    answers = [enter(phone, f"{number:040}").json()["code"] for number in range(12)]
    assert answers == ["guest_link_unknown"] * 10 + ["too_many_tries"] * 2
    assert enter(phone, token).status_code == 429
    hub.clock.forward(seconds=60)
    assert enter(phone, token).status_code == 200


def test_a_foreign_page_enters_nothing(hub: Any, doctor: Any, visit: Any, phone: Any) -> None:
    body = {"token": token_of(invite(hub, doctor, visit)), "name": "x"}
    assert phone.post("/api/guest/enter", json=body, headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_doctor_without_a_care_relation_cannot_let_in(hub: Any, visit: Any, waiting: str) -> None:
    other = {"id": str(uuid.uuid4())}
    doctor = hub.sign_in("doctor")
    assert do(hub, doctor, other, waiting, "admit").status_code == 404
    assert invite(hub, doctor, other).status_code == 404


def test_the_nurse_by_way_of_her_kit(hub: Any, visit: Any, phone: Any) -> None:
    path = f"/api/kit/visits/{visit['id']}/guests"
    nurse = {"nurse_id": str(demo_id("Anna Lind"))}
    answer = hub.kit.request("POST", path, json.dumps({**KARIN, **nurse}).encode())
    guest = answer.json()["guest"]
    assert guest["invited_by"] == "Anna Lind"
    enter(phone, token_of(answer))
    body = json.dumps({"act": "admit", **nurse}).encode()
    assert hub.kit.request("POST", f"{path}/{guest['id']}", body).json()["admitted_by"] == "Anna Lind"
    stranger = json.dumps({"act": "end", "nurse_id": str(uuid.uuid4())}).encode()
    assert hub.kit.request("POST", f"{path}/{guest['id']}", stranger).json() == {"code": "no_commission"}
    other = hub.enrol("Väska 2")
    assert other.request("POST", f"{path}/{guest['id']}", body).status_code == 404


def test_every_step_is_logged_once_with_who(hub: Any, doctor: Any, visit: Any, phone: Any, waiting: str) -> None:
    for act in ("show_camera", "show_camera", "admit", "admit", "hide_camera"):
        assert do(hub, doctor, visit, waiting, act).status_code == 200
    with phone.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        say(socket, **HELLO)
        hear(socket, "guest_room")
        do(hub, doctor, visit, waiting, "end")
        wait_for(lambda: "guest_left" in hub.actions())  # before the client gives the connection up
    with hub.database.reading() as session:
        rows = [row for row in session.query(AuditRow).order_by(AuditRow.seq) if row.action.startswith("guest_")]
    acts = ["invited", "came", "camera_on", "admitted", "camera_off", "joined", "ended", "left"]
    assert [row.action for row in rows] == [f"guest_{act}" for act in acts]
    assert {row.object for row in rows} == {f"guest {waiting} relative"}
    assert {row.practitioner for row in rows if row.role == "guest"} == {"Karin Ek"}
    assert all(row.patient_id and row.care_unit and row.organization and row.purpose == "care" for row in rows)


def test_the_word_to_see_and_hear_the_examination(hub: Any, doctor: Any, visit: Any, waiting: str) -> None:
    def word() -> tuple[bool, bool]:
        guest = guests_of(hub, doctor, visit)[0]
        return guest["camera"], guest["examination"]

    assert word() == (False, False)
    acts = (
        "show_examination",
        "show_examination",
        "show_camera",
        "hide_examination",
        "show_camera",
        "hide_examination",
    )
    told = [do(hub, doctor, visit, waiting, act).status_code and word() for act in acts]
    assert told == [(True, True), (True, True), (True, True), (False, False), (True, False), (False, False)]
    do(hub, doctor, visit, waiting, "show_examination")
    do(hub, doctor, visit, waiting, "hide_camera")
    assert word() == (False, False)
    said = [action for action in hub.actions() if action.startswith(("guest_examination", "guest_camera"))]
    assert said == [
        "guest_examination_on",
        "guest_examination_off",
        "guest_camera_on",
        "guest_examination_off",
        "guest_examination_on",
        "guest_camera_off",
    ]


def test_the_word_given_with_the_invitation_is_in_the_log(hub: Any, doctor: Any, visit: Any) -> None:
    guest = invite(hub, doctor, visit, examination=True).json()["guest"]
    assert (guest["camera"], guest["examination"]) == (True, True)
    assert "guest_examination_on" in hub.actions()
    assert invite(hub, doctor, visit, camera=True).json()["guest"]["examination"] is False


def test_waiting_then_let_in_and_shown_out_live(hub: Any, doctor: Any, visit: Any, phone: Any, waiting: str) -> None:
    with phone.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        say(socket, **HELLO)
        hear(socket, "welcome")
        assert hear(socket, "guest_room")["state"] == "waiting"
        do(hub, doctor, visit, waiting, "admit")
        assert hear(socket, "guest_room")["state"] == "admitted"
        do(hub, doctor, visit, waiting, "show_camera")
        assert hear(socket, "guest_room")["camera"] is True
        do(hub, doctor, visit, waiting, "end")
        assert hear(socket, "guest_room")["reason"] == "guest_revoked"


def test_the_doctors_page_sees_the_guest_come_in(hub: Any, doctor: Any, visit: Any, phone: Any, waiting: str) -> None:
    console = "ws://localhost:8470/api/ws/console?as=doctor"
    with hub.client.websocket_connect(console, headers=ORIGIN) as desk:
        say(desk, type="hello", protocol=PROTOCOL, client="console")
        say(desk, type="join", visit_id=visit["id"])
        hear(desk, "present")
        with phone.websocket_connect(SOCKET, headers=ORIGIN) as socket:
            say(socket, **HELLO)
            assert hear(desk, "present")["waiting"] == [waiting]
            do(hub, doctor, visit, waiting, "admit")
            room = hear(desk, "present")
            assert [one["id"] for one in room["participants"] if one["role"] == "guest"] == [f"guest:{waiting}"]
            me = next(one["id"] for one in room["participants"] if one["role"] == "doctor")
            hear(socket, "guest_room")
            told = hear(socket, "guest_room")
            assert [one["id"] for one in told["participants"]] == [me]
            signal = {"type": "signal", "visit_id": visit["id"], "epoch": 5, "candidate": {}}
            say(desk, **signal, to=f"guest:{waiting}")
            assert hear(socket, "signal")["sender"] == me
            say(socket, **signal, to=me)
            assert hear(desk, "signal")["sender"] == f"guest:{waiting}"


def test_back_without_a_new_link(hub: Any, doctor: Any, visit: Any, phone: Any, waiting: str) -> None:
    do(hub, doctor, visit, waiting, "admit")
    for _ in range(2):
        with phone.websocket_connect(SOCKET, headers=ORIGIN) as socket:
            say(socket, **HELLO)
            assert hear(socket, "guest_room")["state"] == "admitted"


def test_a_socket_without_the_cookie(hub: Any, visit: Any, waiting: str) -> None:
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        hub.browser().websocket_connect(SOCKET, headers=ORIGIN),
    ):
        pass
    assert (refused.value.status_code, refused.value.json()) == (401, {"code": "guest_not_known"})


def test_a_flood_ends_that_guest_only(hub: Any, doctor: Any, visit: Any, phone: Any, waiting: str) -> None:
    with phone.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        say(socket, **HELLO)
        hear(socket, "guest_room")
        for _ in range(600):
            socket.send_text("{")
        for number in range(500):
            say(socket, type="ping", id=number)
        while True:
            message = hear(socket, "problem")
            if message["fatal"]:
                break
    assert message["code"] == "too_fast"
    assert guests_of(hub, doctor, visit)[0]["state"] == "waiting"


NAMES = st.text(min_size=0, max_size=100)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(token=st.text(max_size=220), name=NAMES)
def test_any_token_and_name_is_refused_in_a_word(fuzz_hub: Any, token: str, name: str) -> None:
    fuzz_hub.clock.forward(minutes=2)
    body = json.dumps({"token": token, "name": name})
    answer = fuzz_hub.client.post("/api/guest/enter", content=body, headers=ORIGIN)
    assert answer.status_code in {410, 422}
    assert answer.json()["code"] in {"guest_link_unknown", "bad_request"}


def test_tries_are_forgotten_after_a_minute_and_bounded() -> None:
    tries = Tries(limit=2, window_s=60)
    for at in (0.0, 1.0):
        assert tries.allowed("a", at)
        tries.failed("a", at)
    assert not tries.allowed("a", 59.0)
    assert tries.allowed("b", 59.0)
    assert tries.allowed("a", 60.0)
    tries.failed("a", 60.0)
    assert not tries.allowed("a", 60.5)


@given(st.lists(st.floats(0, 2), max_size=60))
def test_who_waits_what_is_owed_keeps_the_pace(waits: list[float]) -> None:
    pace, now = Pace(burst=5, per_s=2), 0.0
    for taken, wait in enumerate(waits, 1):
        now += wait
        now += pace.owed_s(now)
        assert taken <= 5 + 2 * now + 1e-6


@given(st.lists(st.floats(0, 2, allow_nan=False), max_size=200))
def test_a_pace_is_kept(waits: list[float]) -> None:
    pace, now, taken = Pace(burst=5, per_s=2), 0.0, 0
    for wait in waits:
        now += wait
        taken += pace.take(now)
    assert taken <= 5 + 2 * now + 1e-6
