"""A slow reader costs only itself: live state is dropped first, what matters never silently."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from carebag_server.outgoing import Outgoing
from carebag_wire.messages import KitStatus, Live, Pong
from carebag_wire.values import Circumstances
from carebag_wire.visit import ListeningState, LiveVitals

VISIT = UUID(int=1)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def live(seq: int, visit: UUID = VISIT, marks: bool = False, listening: bool = False) -> Live:
    vitals = LiveVitals(seq=seq, state="live", since=NOW)
    heard = ListeningState(
        stream=1,
        state="live",
        request_id=None,
        rate_hz=4000,
        circumstances=Circumstances(),
        samples=seq,
        gaps=0,
        quality="good",
        sound_marks=[(seq, "S1")] if marks else [],
    )
    return Live(visit_id=visit, vitals=vitals, listening=heard if listening or marks else None)


def drain(queue: Outgoing) -> list[Any]:
    return list(iter(queue.pop, None))


def test_in_order() -> None:
    queue = Outgoing()
    for number in range(3):
        assert queue.push(Pong(id=number))
    assert drain(queue) == [Pong(id=0), Pong(id=1), Pong(id=2)]


def test_newer_live_state_replaces_the_older() -> None:
    queue = Outgoing()
    for message in (live(1), Pong(id=0), live(2), live(9, UUID(int=2))):
        queue.push(message)
    assert drain(queue) == [Pong(id=0), live(2), live(9, UUID(int=2))]


def test_newer_status_replaces_the_older() -> None:
    queue = Outgoing()
    for unsent in (1, 2):
        queue.push(KitStatus(visit_id=None, devices=[], unsent=unsent))
    assert drain(queue) == [KitStatus(visit_id=None, devices=[], unsent=2)]


def test_heart_sound_marks_are_said_once_and_kept() -> None:
    queue = Outgoing()
    for message in (live(1, marks=True), live(2, listening=True), live(3, listening=True)):
        queue.push(message)
    assert drain(queue) == [live(1, marks=True), live(3, listening=True)]


def test_when_full_live_state_goes_first() -> None:
    queue = Outgoing(limit=3)
    for message in (live(1, marks=True), Pong(id=1), Pong(id=2), Pong(id=3)):
        assert queue.push(message)
    assert drain(queue) == [Pong(id=1), Pong(id=2), Pong(id=3)]


def test_when_full_of_what_matters_the_reader_is_given_up() -> None:
    queue = Outgoing(limit=2)
    assert queue.push(Pong(id=1))
    assert queue.push(Pong(id=2))
    assert queue.push(live(1))  # dropped itself, the connection is fine
    assert not queue.push(Pong(id=3))
    assert drain(queue) == [Pong(id=1), Pong(id=2)]


messages = st.one_of(
    st.integers(0, 9).map(lambda number: Pong(id=number)),
    st.builds(live, st.integers(0, 9), st.sampled_from([VISIT, UUID(int=2)]), st.booleans(), st.booleans()),
)


@given(st.lists(st.one_of(messages, st.none()), max_size=60), st.integers(1, 8))
def test_bounded_and_nothing_that_matters_is_dropped(script: list[Any], limit: int) -> None:
    queue, sent, taken = Outgoing(limit), [], []
    for message in script:
        if message is None:
            taken.append(queue.pop())
        elif not queue.push(message):
            break  # given up: the shell closes the connection
        elif isinstance(message, Pong):
            sent.append(message)
        assert len(queue) <= limit
    taken += drain(queue)
    assert [message for message in taken if isinstance(message, Pong)] == sent
