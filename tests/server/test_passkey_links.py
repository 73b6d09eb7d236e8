"""An operator's link makes one passkey and opens nothing else; every other use is refused."""

import runpy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from carebag_server import passkey_links, staff
from carebag_server.audit import Actor
from carebag_server.demo_data import demo_id
from carebag_server.staff import Change
from carebag_server.tables import Practitioner

ORIGIN = {"Origin": "http://localhost:8470"}
OPERATOR = Actor(
    practitioner="siri (carebag admin)",
    role="admin",
    care_unit="carebag admin",
    organization="-",
    purpose="administration",
    origin="here",
    request_ref="0" * 16,
)


@pytest.fixture(scope="module")
def authenticator() -> Any:
    """The software authenticator of the tests of passkeys."""
    return runpy.run_path(str(Path(__file__).with_name("test_passkeys.py")))["Authenticator"]


def do(hub: Any, work: Any) -> Any:
    with hub.database.transaction() as session:
        return work(Change(session, OPERATOR, hub.clock()))


def link(hub: Any, name: str = "Elena Ruiz", **valid: Any) -> str:
    return str(do(hub, lambda c: passkey_links.issue(c, c.session.get_one(Practitioner, demo_id(name)), **valid)))


def options(hub: Any, token: str) -> Any:
    return hub.client.post("/api/passkey/link/options", headers=ORIGIN, json={"token": token})


def verify(hub: Any, token: str, offered: Any, credential: Any) -> Any:
    body = {"token": token, "answer": {"challenge_id": offered["challenge_id"], "credential": credential}}
    return hub.client.post("/api/passkey/link/verify", headers=ORIGIN, json=body)


def made_by(hub: Any, token: str, device: Any) -> Any:
    offered = options(hub, token)
    if offered.status_code != 200:
        return offered
    return verify(hub, token, offered.json(), device.create(offered.json()["options"]))


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def sign_in(hub: Any, device: Any) -> Any:
    offered = hub.client.post("/api/passkey/login/options", headers=ORIGIN, json={}).json()
    body = {"challenge_id": offered["challenge_id"], "credential": device.get(offered["options"])}
    return hub.client.post("/api/passkey/login/verify", headers=ORIGIN, json=body)


def test_a_link_makes_a_passkey_that_signs_in(hub: Any, authenticator: Any) -> None:
    device, token = authenticator(), link(hub)
    assert made_by(hub, token, device).status_code == 204
    assert hub.client.cookies.get("carebag_doctor") is None  # the link itself opened nothing
    assert hub.actions()[-2:] == ["passkey_link_made", "passkey_added"]
    assert sign_in(hub, device).json() == {"role": "doctor", "next": "/doctor/"}


def test_a_link_works_once_and_in_time(hub: Any, authenticator: Any) -> None:
    token, late = link(hub), link(hub, "Anna Lind", valid=timedelta(hours=1))
    assert made_by(hub, token, authenticator()).status_code == 204
    assert code(options(hub, token)) == (410, "link_used")
    hub.clock.forward(minutes=60)
    assert code(options(hub, late)) == (410, "link_expired")
    assert code(options(hub, "x" * 43)) == (410, "passkey_link_unknown")


def test_who_began_in_time_and_finished_late_is_refused(hub: Any, authenticator: Any) -> None:
    device, token = authenticator(), link(hub, valid=timedelta(minutes=4))
    offered = options(hub, token).json()
    hub.clock.forward(minutes=4)
    assert code(verify(hub, token, offered, device.create(offered["options"]))) == (410, "link_expired")
    assert sign_in(hub, device).status_code == 400


def test_two_who_opened_the_same_link_make_one_key(hub: Any, authenticator: Any) -> None:
    token, first, second = link(hub), authenticator(), authenticator()
    offers = [options(hub, token).json() for _ in range(2)]
    assert verify(hub, token, offers[0], first.create(offers[0]["options"])).status_code == 204
    assert code(verify(hub, token, offers[1], second.create(offers[1]["options"]))) == (410, "link_used")
    assert sign_in(hub, second).status_code == 400


def test_a_challenge_of_anothers_link_is_refused(hub: Any, authenticator: Any) -> None:
    mine, others, device = link(hub), link(hub, "Anna Lind"), authenticator()
    offered = options(hub, others).json()
    assert code(verify(hub, mine, offered, device.create(offered["options"]))) == (410, "challenge_unknown")


def test_an_answer_for_another_address_is_refused(hub: Any, authenticator: Any) -> None:
    token, device = link(hub), authenticator()
    device.origin = "http://evil.example"
    assert code(made_by(hub, token, device)) == (400, "passkey_refused")
    assert made_by(hub, token, authenticator()).status_code == 204  # the link is still good


def test_a_new_link_ends_the_one_before(hub: Any) -> None:
    first = link(hub)
    assert options(hub, first).status_code == 200
    link(hub)
    assert code(options(hub, first)) == (410, "link_expired")


def test_a_link_ends_with_the_person(hub: Any) -> None:
    token = link(hub)
    do(hub, lambda c: staff.end_person(c, c.session.get_one(Practitioner, demo_id("Elena Ruiz"))))
    assert code(options(hub, token)) == (410, "passkey_link_unknown")


def test_a_sign_in_link_makes_no_passkey_and_the_other_way_round(hub: Any) -> None:
    doors = hub.client.get("/api/demo/doors").json()
    sign_in_token = doors[0]["url"].split("#token=")[1]
    assert code(options(hub, sign_in_token)) == (410, "passkey_link_unknown")
    answer = hub.client.post("/api/session/link", headers=ORIGIN, json={"token": link(hub)})
    assert code(answer) == (410, "link_unknown")


def test_a_foreign_page_cannot_use_it(hub: Any) -> None:
    body = {"token": link(hub)}
    answer = hub.client.post("/api/passkey/link/options", headers={"Origin": "http://evil.example"}, json=body)
    assert code(answer) == (403, "foreign_origin")


def test_who_guesses_has_to_wait(hub: Any) -> None:
    token = link(hub)
    for number in range(10):
        assert code(options(hub, f"{number}" * 43)) == (410, "passkey_link_unknown")
    assert code(options(hub, token)) == (429, "too_many_tries")


@pytest.mark.parametrize("body", [{}, {"token": "x"}, {"token": "x" * 201}, {"token": None}])
def test_what_is_no_link(hub: Any, body: Any) -> None:
    answer = hub.client.post("/api/passkey/link/options", headers=ORIGIN, json=body)
    assert code(answer) == (422, "bad_request")
