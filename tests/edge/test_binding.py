"""Every value belongs to the visit that was open when it was measured, or to nobody. Never to another patient."""

import os
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from carebag_edge.binding import NOBODY, REMEMBERED_VISITS, Age, Armed, Binder, Moment, OpenVisit, PastVisit, Whom

AT = datetime(2026, 11, 23, tzinfo=UTC)
KINDS = {"cuff": "blood_pressure", "crp": "crp"}
DAYS = int(os.environ.get("CAREBAG_DAYS", "2000"))
"""Random days of `test_no_random_day_gives_a_value_to_another_visit`; the long run takes 200000."""


def moment(seconds: float) -> Moment:
    return Moment(utc=AT + timedelta(seconds=seconds), ns=int(seconds * 1e9))


def open_visit(number: int, seconds: float = 0) -> OpenVisit:
    at = moment(seconds)
    return OpenVisit(
        visit_id=UUID(int=number),
        patient_id=UUID(int=1000 + number),
        nurse_id=UUID(int=2000),
        opened_at=at.utc,
        opened_ns=at.ns,
    )


class Bindings(RuleBasedStateMachine):
    """Random days: visits open and close, instruments measure, lose the link, deliver late, at once, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.binder = Binder()
        self.visits = 0
        self.requests = 0
        self.truth: dict[str, int | None] = {}
        """Which visit (None: none) was open when the measurement that runs on a device began."""
        self.lost: set[str] = set()
        self.back: set[str] = set()
        """Lost while measuring and back without a value: the old one may still come, unless a new one begins."""
        self.armed: dict[tuple[int, str], UUID] = {}
        """What was asked for last, of a visit and a device; closing the visit changes nothing for what began before."""

    @property
    def current(self) -> int | None:
        return self.binder.visit.visit_id.int if self.binder.visit else None

    @precondition(lambda self: self.current is None)
    @rule()
    def open(self) -> None:
        self.visits += 1
        self.binder.open(open_visit(self.visits))

    @precondition(lambda self: self.current is not None)
    @rule()
    def close(self) -> None:
        self.binder.close(moment(self.visits))

    @precondition(lambda self: self.current is not None)
    @rule(device=st.sampled_from(sorted(KINDS)))
    def arm(self, device: str) -> None:
        self.requests += 1
        request_id = UUID(int=5000 + self.requests)
        assert self.current is not None
        self.binder.arm(Armed(request_id=request_id, visit_id=UUID(int=self.current), kind=KINDS[device]))
        self.armed[self.current, device] = request_id

    @rule(device=st.sampled_from(sorted(KINDS)))
    def begins_to_measure(self, device: str) -> None:
        if device not in self.truth or device in self.back:
            self.truth[device] = self.current
            self.lost.discard(device)
            self.back.discard(device)
        self.binder.began(device)

    @rule(device=st.sampled_from(sorted(KINDS)))
    def loses_the_link(self, device: str) -> None:
        self.binder.lost(device)
        if device in self.truth:
            self.lost.add(device)

    @rule(device=st.sampled_from(sorted(KINDS)))
    def is_ready_without_a_value(self, device: str) -> None:
        self.binder.ended(device)
        if device in self.lost:
            self.back.add(device)
        else:
            self.truth.pop(device, None)

    @rule(device=st.sampled_from(sorted(KINDS)))
    def delivers(self, device: str) -> None:
        whom = self.binder.whom(KINDS[device], device)
        began = self.truth.pop(device, self.current)
        was_lost = device in self.lost
        self.lost.discard(device)
        self.back.discard(device)
        if was_lost and whom.visit_id is None:
            return  # in doubt it goes to the tray; it must only never go to another visit
        assert whom.visit_id == (None if began is None else UUID(int=began))
        assert whom.patient_id == (None if began is None else UUID(int=1000 + began))
        assert whom.request_id == (None if began is None else self.armed.get((began, device)))

    @rule(device=st.sampled_from(sorted(KINDS)))
    def delivers_what_it_had_stored_without_a_clock(self, device: str) -> None:
        assert self.binder.whom_then(KINDS[device], moment(1e6), None) == NOBODY

    @invariant()
    def what_is_armed_is_of_the_open_visit(self) -> None:
        assert all(one.visit_id.int == self.current for one in self.binder.armed)


TestBindings = Bindings.TestCase


@dataclass
class Day:
    """A day of visits, and measurements that nobody watched; time is whole seconds."""

    binder: Binder
    spans: list[tuple[int, int | None]]
    """Of each visit: opened and closed."""
    asked: dict[int, int]
    """Visit → when its request was armed."""
    waiting: set[int]
    """Visits whose request was not answered yet."""
    now: int = 0

    def step(self, what: str, seconds: int) -> None:
        self.now += seconds
        is_open = bool(self.spans) and self.spans[-1][1] is None
        if what == "open" and not is_open:
            self.spans.append((self.now, None))
            self.binder.open(open_visit(len(self.spans), self.now))
        elif what == "close" and is_open:
            self.spans[-1] = (self.spans[-1][0], self.now)
            self.binder.close(moment(self.now))
        elif what == "ask" and is_open and len(self.spans) not in self.asked:
            number = len(self.spans)
            armed = Armed(
                request_id=UUID(int=5000 + number), visit_id=UUID(int=number), kind="glucose", since=moment(self.now)
            )
            self.binder.arm(armed)
            self.asked[number] = self.now
            self.waiting.add(number)
        elif what == "restart":
            visit, armed, past = self.binder.visit, self.binder.armed, self.binder.past
            self.binder = Binder(
                visit and OpenVisit.model_validate_json(visit.model_dump_json()),
                [Armed.model_validate_json(one.model_dump_json()) for one in armed],
                [PastVisit.model_validate_json(one.model_dump_json()) for one in past],
            )

    def arrives(self, taken: int, error: float, uncertainty: float) -> None:
        """A value that was truly taken at `taken`; the device's clock is off by `error`, at most `uncertainty`."""
        age = Age.known(self.now - taken + error * uncertainty, uncertainty)
        whom = self.binder.whom_then("glucose", moment(self.now), age)
        true = [n for n, (a, b) in enumerate(self.spans, 1) if a <= taken and (b is None or taken <= b)]
        assert whom.visit_id in [None, *(UUID(int=number) for number in true)]
        if len(true) != 1:
            return  # of no visit, or of the very moment in which two meet
        truth = true[0]
        opened, closed = self.spans[truth - 1]
        wide = 2 * uncertainty
        sure = opened + wide <= taken and (closed is None or taken + wide <= closed)
        if sure and truth > len(self.spans) - REMEMBERED_VISITS:
            assert whom.visit_id == UUID(int=truth)
        if whom.request_id is not None:
            assert whom.request_id == UUID(int=5000 + truth)
            assert truth in self.waiting
            assert self.asked[truth] <= taken
            self.binder.disarm(whom.request_id)
            self.waiting.discard(truth)
        elif sure and truth in self.waiting:
            assert taken < self.asked[truth] + wide


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["open", "close", "ask", "restart"]), st.integers(0, 900)),
        st.tuples(st.just("arrives"), st.integers(0, 4000), st.floats(-1, 1), st.sampled_from([0.0, 1.0, 30.0, 600.0])),
    ),
    max_size=40,
)


def live(steps: Iterable[tuple[Any, ...]]) -> None:
    day = Day(Binder(), [], {}, set())
    for what, seconds, *accuracy in steps:
        if what == "arrives":
            day.arrives(max(0, day.now - seconds), *accuracy)
        else:
            day.step(what, seconds)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_no_schedule_gives_a_value_to_another_visit(steps: list[tuple[Any, ...]]) -> None:
    live(steps)


def random_step(draw: random.Random) -> tuple[Any, ...]:
    """Small numbers are as likely as large ones, so that things happen in the same second."""
    what = draw.choice(["open", "close", "ask", "restart", "arrives", "arrives", "arrives"])
    if what != "arrives":
        return what, draw.choice([0, 1, 30, draw.randrange(900)])
    error = draw.choice([-1.0, 0.0, 1.0, draw.uniform(-1, 1)])
    return what, draw.choice([0, 1, 30, draw.randrange(4000)]), error, draw.choice([0.0, 1.0, 30.0, 600.0])


def test_no_random_day_gives_a_value_to_another_visit() -> None:
    for seed in range(DAYS):
        draw = random.Random(seed)
        steps = [random_step(draw) for _ in range(draw.randrange(10, 80))]
        try:
            live(steps)
        except AssertionError as error:
            raise AssertionError(f"day {seed}: {steps}") from error


def test_measured_in_one_visit_and_arrived_in_the_next_it_belongs_to_the_first() -> None:
    binder = Binder(open_visit(1, 0))
    binder.close(moment(600))
    binder.open(open_visit(2, 700))
    assert binder.whom_then("glucose", moment(800), Age(500, 10)) == Whom(UUID(int=1), UUID(int=1001), UUID(int=2000))
    assert binder.whom_then("glucose", moment(800), Age(50, 10)).visit_id == UUID(int=2)
    for between_or_unsure in (Age(150, 10), Age(95, 10), Age(105, 10), Age(205, 10), Age(900, 1)):
        assert binder.whom_then("glucose", moment(800), between_or_unsure) == NOBODY


def test_in_the_moment_in_which_two_visits_meet_it_is_nobodys() -> None:
    binder = Binder(open_visit(1, 0))
    binder.close(moment(100))
    binder.open(open_visit(2, 100))
    assert binder.whom_then("weight", moment(200), Age(100, 0)) == NOBODY
    assert binder.whom_then("weight", moment(200), Age(101, 0)).visit_id == UUID(int=1)
    assert binder.whom_then("weight", moment(200), Age(99, 0)).visit_id == UUID(int=2)


def test_a_late_value_answers_only_what_was_asked_before_it_was_taken() -> None:
    binder = Binder(open_visit(1, 0))
    asked = Armed(request_id=UUID(int=9), visit_id=UUID(int=1), kind="weight", since=moment(300))
    binder.arm(asked)
    assert binder.whom_then("weight", moment(400), Age(200, 5)).request_id is None
    assert binder.whom_then("weight", moment(400), Age(50, 5)).request_id == UUID(int=9)
    assert binder.whom_then("glucose", moment(400), Age(50, 5)).request_id is None
    binder.close(moment(500))
    assert binder.whom_then("weight", moment(600), Age(150, 5)).request_id == UUID(int=9)
    assert binder.disarm(UUID(int=9))
    assert not binder.disarm(UUID(int=9))
    assert binder.whom_then("weight", moment(600), Age(150, 5)).request_id is None


def test_both_clocks_of_the_kit_must_agree() -> None:
    """The wall clock was set two hours forward during the visit, or the machine slept: in doubt the tray."""
    binder = Binder(open_visit(1, 0))
    arrived = moment(60)
    jumped = arrived.model_copy(update={"utc": arrived.utc + timedelta(hours=2)})
    assert binder.whom_then("weight", jumped, Age(3600, 5)) == NOBODY
    assert binder.whom_then("weight", jumped, Age(30, 5)).visit_id == UUID(int=1)
    slept = arrived.model_copy(update={"utc": arrived.utc + timedelta(hours=1)})
    assert binder.whom_then("weight", slept, Age(1800, 5)) == NOBODY


def test_after_the_machine_started_anew_the_wall_clock_decides() -> None:
    binder = Binder(open_visit(1, 1000))
    arrived = Moment(utc=AT + timedelta(seconds=1300), ns=5)
    assert binder.whom_then("weight", arrived, Age(200, 5)).visit_id == UUID(int=1)
    assert binder.whom_then("weight", arrived, Age(400, 5)) == NOBODY


def test_an_age_is_a_number_and_not_of_the_future() -> None:
    assert Age.known(-3, 5) == Age(-3, 5)
    nan, inf = float("nan"), float("inf")
    for seconds, uncertainty in ((None, 5), (5, None), (nan, 5), (5, nan), (inf, 5), (-9, 5), (5, -1)):
        assert Age.known(seconds, uncertainty) is None


def test_only_the_last_visits_are_remembered() -> None:
    binder = Binder()
    for number in range(REMEMBERED_VISITS + 1):
        binder.open(open_visit(number + 1, number * 100))
        binder.close(moment(number * 100 + 50))
    assert len(binder.past) == REMEMBERED_VISITS
    assert binder.whom_then("weight", moment(5000), Age(5000 - 25, 1)) == NOBODY
    assert binder.whom_then("weight", moment(5000), Age(5000 - 125, 1)).visit_id == UUID(int=2)


def test_a_result_that_comes_after_the_next_visit_opened_belongs_to_the_first() -> None:
    binder = Binder(open_visit(1))
    binder.began("crp")
    binder.close(moment(1))
    binder.open(open_visit(2))
    assert binder.whom("crp", "crp").patient_id == UUID(int=1001)
    assert binder.whom("crp", "crp").patient_id == UUID(int=1002)


def test_a_measurement_begun_before_any_visit_is_nobodys() -> None:
    binder = Binder()
    binder.began("cuff")
    binder.open(open_visit(1))
    assert binder.whom("blood_pressure", "cuff") == NOBODY


def test_lost_in_one_visit_and_back_in_the_next_is_in_doubt() -> None:
    binder = Binder(open_visit(1))
    binder.began("cuff")
    binder.lost("cuff")
    binder.close(moment(1))
    binder.open(open_visit(2))
    binder.ended("cuff")
    assert binder.whom("blood_pressure", "cuff") == NOBODY
    binder.began("cuff")
    assert binder.whom("blood_pressure", "cuff").visit_id == UUID(int=2)


def test_the_colleague_who_took_over_is_named() -> None:
    binder = Binder(open_visit(1))
    binder.nurse_id = UUID(int=77)
    assert binder.now() == Whom(UUID(int=1), UUID(int=1001), UUID(int=77))


def test_arming_for_a_visit_that_is_not_open_is_refused() -> None:
    with pytest.raises(ValueError, match="not open"):
        Binder(open_visit(1)).arm(Armed(request_id=UUID(int=9), visit_id=UUID(int=2), kind="crp"))
