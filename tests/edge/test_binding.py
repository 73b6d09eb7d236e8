"""Every value belongs to the visit that was open when its measurement began, or to nobody. Never to another patient."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from carebag_edge.binding import NOBODY, Armed, Binder, OpenVisit, Whom

AT = datetime(2026, 11, 23, tzinfo=UTC)
KINDS = {"cuff": "blood_pressure", "crp": "crp"}


def open_visit(number: int) -> OpenVisit:
    return OpenVisit(
        visit_id=UUID(int=number), patient_id=UUID(int=1000 + number), nurse_id=UUID(int=2000), opened_at=AT
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
        self.binder.close()

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
    def delivers_what_it_had_stored(self, device: str) -> None:
        assert self.binder.whom(KINDS[device], device, "stored") == NOBODY

    @invariant()
    def what_is_armed_is_of_the_open_visit(self) -> None:
        assert all(one.visit_id.int == self.current for one in self.binder.armed)


TestBindings = Bindings.TestCase


def test_a_result_that_comes_after_the_next_visit_opened_belongs_to_the_first() -> None:
    binder = Binder(open_visit(1))
    binder.began("crp")
    binder.close()
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
    binder.close()
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
