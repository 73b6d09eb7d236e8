"""Deliveries over a bad line: a slice of the long run, and the schedule's own shares."""

import random
from collections import Counter

from carebag.fault_bench.lossy import LOSS, lossy, step


def test_each_record_arrives_once_in_its_visit_and_a_forgetful_hub_is_found() -> None:
    outcome = lossy(seed=1, deliveries=250)
    assert outcome.n >= 250
    assert outcome.wrong == {}, outcome.examples
    assert outcome.controls[0].found


def test_a_schedule_loses_what_it_says_and_is_the_same_for_a_seed() -> None:
    steps = [step(random.Random(n), 2) for n in range(4000)]
    assert steps == [step(random.Random(n), 2) for n in range(4000)]
    share = Counter(one.fate.lost for one in steps)[True] / len(steps)
    assert abs(share - LOSS) < 0.03
    assert {one.kit for one in steps} == {0, 1}
