"""How fast a caller may ask at all: per person, guest, kit and, before sign-in, address."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carebag_server.tries import KEPT, Paces

TOO_MANY = (429, {"code": "too_many_requests"}, "10")


def pace_of(hub: Any, kind: str) -> None:
    hub.app.state.hub.paces[kind] = Paces(3, 0.001)


def answer(response: Any) -> tuple[int, Any, Any]:
    return response.status_code, response.json(), response.headers.get("retry-after")


def test_a_person_who_asks_too_fast_waits_and_nobody_else_does(hub: Any, doctor: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    pace_of(hub, "person")
    assert [hub.client.get("/api/me", headers=doctor).status_code for _ in range(3)] == [200] * 3
    assert answer(hub.client.get("/api/me", headers=doctor)) == TOO_MANY
    assert hub.client.get("/api/me", headers=reviewer).status_code == 200


def test_what_was_refused_left_no_row(hub: Any, doctor: Any) -> None:
    pace_of(hub, "person")
    for _ in range(3):
        hub.client.get("/api/visits", headers=doctor)
    before = hub.actions()
    assert answer(hub.client.get("/api/visits", headers=doctor)) == TOO_MANY
    assert hub.actions() == before


def test_a_kit_is_told_to_wait(hub: Any) -> None:
    pace_of(hub, "kit")
    assert [hub.kit.request("GET", "/api/kit/visits").status_code for _ in range(3)] == [200] * 3
    assert answer(hub.kit.request("GET", "/api/kit/visits")) == TOO_MANY
    assert hub.enrol("Väska 2").request("GET", "/api/kit/visits").status_code == 200


def test_a_guest_is_told_to_wait(hub: Any, doctor: Any, visit: Any) -> None:
    pace_of(hub, "guest")
    wanted = {"role": "relative", "name": "Karin", "consent": True}
    invited = hub.client.post(f"/api/visits/{visit['id']}/guests", headers=doctor, json=wanted).json()
    browser = hub.browser()
    said = {"token": invited["url"].split("#token=")[1], "name": "Karin"}
    assert browser.post("/api/guest/enter", json=said, headers={"Origin": doctor["Origin"]}).status_code == 200
    assert [browser.get("/api/guest").status_code for _ in range(3)] == [200] * 3
    assert answer(browser.get("/api/guest")) == TOO_MANY


def test_an_address_waits_before_sign_in_but_gets_the_pages(hub: Any) -> None:
    pace_of(hub, "address")
    assert [hub.client.get("/api/health").status_code for _ in range(3)] == [200] * 3
    assert answer(hub.client.get("/api/health")) == TOO_MANY
    assert {hub.client.get("/").status_code for _ in range(10)} == {200}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1)), max_size=200))
def test_each_caller_has_a_pace_of_his_own(asked: list[tuple[str, float]]) -> None:
    paces, now, taken = Paces(burst=5, per_s=2), 0.0, dict.fromkeys("abc", 0)
    for caller, wait in asked:
        now += wait
        taken[caller] += paces.take(caller, now)
    for caller in "abc":
        assert taken[caller] <= 5 + 2 * now + 1e-6
        assert taken[caller] >= min(5, sum(name == caller for name, _ in asked))


def test_callers_are_forgotten_at_last() -> None:
    paces = Paces(burst=1, per_s=0.001)
    assert paces.take("first", 0.0)
    assert not paces.take("first", 0.0)
    for number in range(KEPT):
        paces.take(str(number), 0.0)
    assert paces.take("first", 0.0)
