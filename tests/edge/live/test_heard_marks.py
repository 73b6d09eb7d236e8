"""Marks of S1 and S2 come to a page that missed the message that told them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.heard_marks import AGAIN_S, MOST, HeardMarks
from carebag_wire.values import Circumstances
from carebag_wire.visit import ListeningState

RATE = 4000


def state(samples: int, *marks: tuple[int, str], stream: int = 1) -> ListeningState:
    more: dict[str, Any] = {"sound_marks": list(marks)}
    return ListeningState(
        stream=stream,
        state="live",
        request_id=None,
        rate_hz=RATE,
        circumstances=Circumstances(),
        samples=samples,
        gaps=0,
        quality="good",
        **more,
    )


def test_each_state_says_the_last_seconds_again() -> None:
    heard = HeardMarks()
    first = heard.take(state(RATE, (500, "S1"), (1700, "S2")))
    assert first.sound_marks == [(500, "S1"), (1700, "S2")]
    assert heard.take(state(2 * RATE, (4500, "S1"))).sound_marks == [(500, "S1"), (1700, "S2"), (4500, "S1")]
    late = heard.take(state(round(500 + (AGAIN_S + 0.1) * RATE)))
    assert late.sound_marks == [(1700, "S2"), (4500, "S1")]


def test_what_was_asked_for_has_its_marks_and_another_stream_has_none() -> None:
    heard = HeardMarks()
    assert heard.all() is None
    assert heard.between(1, 0, 10) is None
    for second in range(1, 31):
        heard.take(state(second * RATE, (second * RATE - 10, "S1")))
    found = heard.between(1, 5 * RATE, 8 * RATE)
    assert found is not None
    assert [sample // RATE for sample, _ in found.sound_marks] == [5, 6, 7]
    assert found.samples == 30 * RATE
    assert heard.between(2, 0, 30 * RATE) is None
    assert heard.between(1, 0, 0) is None
    whole = heard.all()
    assert whole is not None
    assert len(whole.sound_marks) == 30
    heard.take(state(100, stream=2))
    assert heard.between(1, 0, 30 * RATE) is None
    again = heard.all()
    assert again is not None
    assert (again.stream, again.sound_marks) == (2, [])


@given(lost=st.sets(st.integers(0, 59)), asked=st.integers(1, 60))
def test_whatever_is_lost_the_marks_of_what_is_asked_for_come(lost: set[int], asked: int) -> None:
    heard, here = HeardMarks(), set()
    for second in range(60):
        told = heard.take(state((second + 1) * RATE, (second * RATE, "S1")))
        here |= set() if second in lost else {sample for sample, _ in told.sound_marks}
    repair = heard.between(1, 0, asked * RATE)
    assert repair is not None
    assert {sample for sample, _ in repair.sound_marks} | here >= {second * RATE for second in range(asked)}


def test_a_message_does_not_grow_without_end() -> None:
    heard = HeardMarks()
    for n in range(2 * MOST):
        heard.take(state((n + 1) * 100, (n * 100, "S1")))
    whole = heard.all()
    assert whole is not None
    assert len(whole.sound_marks) == MOST
    assert whole.sound_marks[-1][0] == (2 * MOST - 1) * 100
