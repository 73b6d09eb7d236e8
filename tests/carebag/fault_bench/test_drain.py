"""72 hours without a network drained over a link: a slice of the bench over a faster one."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carebag.fault_bench.drain import Course, check, drain
from carebag.fault_bench.drain_fill import Filled, Load, fill
from carebag.fault_bench.hub_life import FILE
from carebag.link_emulator.namespaces import missing

SMALL = Load(readings=200, photos=10, visits=6)
LACKING = missing()
AT = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


@pytest.mark.skipif(LACKING is not None, reason=f"no link can be made here: {LACKING}")
def test_what_piled_up_arrives_once_in_its_visits_though_link_and_kit_break() -> None:
    # starting the kit again takes longer than these bytes do: here only that it ends is judged, the pace by the bench
    course = Course(rate_kbit=8000, still_out_s=3, cut_at_s=0.3, cut_s=1, line_times=40)
    outcome = drain(seed=1, load=SMALL, course=course)
    assert not outcome.wrong, outcome.examples
    assert outcome.n == 200 + 10 + 2 * 6 + 10
    assert (outcome.counts["readings"], outcome.counts["photos"], outcome.counts["kills of the kit"]) == (200, 10, 1)
    assert 0 < outcome.counts["s until all readings were stored"] <= outcome.counts["s until all photos were whole"]


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    (tmp_path / "kit").mkdir()
    load = Load(readings=13, photos=3, visits=4, photo_bytes=2000)
    return fill(tmp_path / "kit", f"sqlite:///{tmp_path / FILE}", load, AT, random.Random(2))


def test_the_outage_is_three_days_of_visits_with_everything_shared_out(filled: Filled) -> None:
    assert sorted(filled.readings.values()) == [3, 3, 3, 4]
    assert len(set(filled.photos)) == 3
    assert len(filled.made) == 13 + 3 + 2 * 4
    assert filled.photo_bytes == 3 * 2000
    assert not filled.problems


def test_what_did_not_arrive_is_found(filled: Filled, tmp_path: Path) -> None:
    kinds = [problem.kind for problem in check(tmp_path, filled)]
    assert kinds.count("lost") == 13 + 3 + 2 * 4 + 3
    assert kinds.count("wrong_visit") == 4
    assert kinds.count("unsent") == 1
