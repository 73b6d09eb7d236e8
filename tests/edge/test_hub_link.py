import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.hub_link import LinkCore
from carebag_edge.nurse_pages import NursePage, NursePages
from carebag_wire.messages import KitVisits, Problem, Welcome

WELCOME = Welcome(protocol=2, participant_id="kit:1", me="Väska 1", server_time="2026-11-23T09:00:00Z")  # type: ignore[arg-type]


def core(hands: Any) -> LinkCore:
    return LinkCore(lambda: hands.utc)


def test_online_only_after_the_hub_answered_hello(hands: Any) -> None:
    link = core(hands)
    assert link.state == "connecting"
    assert (link.connected().protocol, link.state) == (2, "connecting")
    assert link.received(KitVisits(visits=[]).model_dump_json()) is None
    hands.forward(5)
    link.received(WELCOME.model_dump_json())
    assert (link.state, link.since) == ("online", hands.utc)
    assert link.received(KitVisits(visits=[]).model_dump_json()) == KitVisits(visits=[])
    hands.forward(5)
    assert link.disconnected()
    assert (link.state, link.since) == ("offline", hands.utc)
    hands.forward(5)
    assert not link.disconnected()
    assert link.since < hands.utc


def test_another_version_is_not_online(hands: Any) -> None:
    link = core(hands)
    link.received(WELCOME.model_copy(update={"protocol": 3}).model_dump_json())
    assert (link.state, link.problem) == ("connecting", "wrong_version")


def test_why_the_hub_would_not_is_remembered(hands: Any) -> None:
    link = core(hands)
    link.received(Problem(code="kit_revoked", fatal=True).model_dump_json())
    assert link.problem == "kit_revoked"


@given(text=st.text() | st.binary())
def test_any_message_is_read_or_left_alone(text: str | bytes) -> None:
    from datetime import UTC, datetime

    link = LinkCore(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    link.received(WELCOME.model_dump_json())
    assert link.received(text) is None
    assert link.state == "online"


async def test_a_page_that_does_not_read_gets_the_newest_state_and_the_last_messages() -> None:
    page = NursePage()
    for number in range(1000):
        page.state(f"state {number}")
        page.message(f"message {number}")
    assert await page.next() == ("state 999", True)
    rest = [await page.next() for _ in range(128)]
    assert rest[-1] == ("message 999", False)
    waiting = asyncio.ensure_future(page.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    page.message("new", of_patient=True)
    assert await waiting == ("new", True)


def test_nobody_there_nothing_to_do() -> None:
    pages = NursePages(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    pages.changed()
    pages.leave(NursePage())
    assert not pages.present
