"""Whom values are filed under: a slice of the long run, and the truth that it is held against."""

import random

from carebag.fault_bench.binding import binding, clock
from carebag.fault_bench.days import Truth, day


def test_no_random_day_files_a_value_under_another_visit() -> None:
    outcome = binding(seed=1, schedules=150)
    assert (outcome.n, outcome.wrong) == (150, {}), outcome.examples
    assert outcome.counts["filed under a visit"] > 300
    assert outcome.controls[0].found


def test_a_clock_that_jumps_files_nothing_under_another_visit() -> None:
    outcome = clock(seed=1, schedules=60)
    assert (outcome.n, outcome.wrong) == (60, {}), outcome.examples
    assert outcome.counts["times the clock was set"] > 100


def test_a_day_is_the_same_for_a_seed() -> None:
    assert day(random.Random(5)) == day(random.Random(5))
    assert day(random.Random(5)) != day(random.Random(6))


def test_the_truth_of_a_watched_value_is_the_visit_in_which_it_began() -> None:
    truth = Truth()
    truth.opened(1)
    truth.begins("crp_analyser")
    truth.closed()
    truth.opened(2)
    assert truth.of_value("crp_analyser") == {1}
    assert truth.of_value("crp_analyser") == {2}


def test_the_truth_of_a_value_whose_link_broke_is_its_visit_or_the_tray() -> None:
    truth = Truth()
    truth.opened(1)
    truth.begins("cuff")
    truth.running["cuff"].lost = True
    assert not truth.ready_without("cuff")
    assert truth.of_value("cuff") == {1, None}


def test_the_truth_of_a_stored_value_is_the_visit_of_its_time() -> None:
    truth = Truth()
    truth.opened(1)
    truth.now = 100
    truth.closed()
    truth.now = 200
    truth.opened(2)
    assert [truth.of_taken(at) for at in (-1, 50, 150, 250)] == [{None}, {None, 1}, {None}, {None, 2}]
    assert [truth.must_be(at, 10, 20) for at in (-1, 50, 90, 150, 250)] == [None, 1, None, None, 2]
    truth.jumped_at.append(150)
    assert [truth.must_be(at, 10, 20) for at in (50, 250)] == [None, 2]
