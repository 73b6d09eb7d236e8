"""Names are withheld above 120/min and nowhere else, whatever the marks; the console has the same answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_signal.sound_names import FEWEST_CYCLES, HOLD_S, REACH_S, all_sure, names_sure

GOLDEN = json.loads((Path(__file__).parent / "golden_names.json").read_text())
RATE_HZ = 4000


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["about"])
def test_the_answers_that_the_console_gives_too(case: dict[str, Any]) -> None:
    s1 = [sample for sample, name in case["marks"] if name == "S1"]
    assert names_sure(s1, [sample for sample, _ in case["marks"]], case["rate_hz"]) == case["sure"]


@given(st.integers(1100, 1999), st.integers(FEWEST_CYCLES, 60), st.integers(0, 10**6))
def test_a_heart_above_120_has_no_names(cycle: int, beats: int, begin: int) -> None:
    s1 = [begin + cycle * n for n in range(beats + 1)]
    s2 = [sample + cycle // 2 for sample in s1[:-1]]
    assert set(names_sure(s1, s1 + s2, RATE_HZ)) == {False}
    # which of the two is called the first does not matter
    assert set(names_sure(s2, s1 + s2, RATE_HZ)) <= {False, None}


@given(st.lists(st.integers(2000, 3000), min_size=20, max_size=80))
def test_a_heart_at_120_or_less_has_names(cycles: list[int]) -> None:
    s1 = [sum(cycles[:n]) for n in range(len(cycles) + 1)]
    assert set(names_sure(s1, s1, RATE_HZ)) == {True}


@given(st.lists(st.integers(0, 60 * RATE_HZ), max_size=60).map(sorted), st.lists(st.integers(0, 60 * RATE_HZ)))
def test_any_marks_have_answers_and_far_ones_do_not_matter(s1: list[int], at: list[int]) -> None:
    found = names_sure(s1, at, RATE_HZ)
    assert len(found) == len(at)
    later = [sample + 10**7 for sample in range(0, 40_000, 1600)]
    assert names_sure([*s1, *later], at, RATE_HZ) == found


@given(st.integers(1100, 1800), st.integers(4, 30), st.integers(0, 29))
def test_a_missed_beat_gives_no_names_back(cycle: int, beats: int, missed: int) -> None:
    s1 = [cycle * n for n in range(2 * beats + 1)]
    del s1[min(missed, len(s1) - 1)]
    assert True not in names_sure(s1, s1, RATE_HZ)


def test_the_names_change_once_when_a_heart_becomes_fast() -> None:
    s1 = [3200 * n for n in range(10)]
    s1 += [s1[-1] + 1680 * n for n in range(1, 40)]
    found = names_sure(s1, s1, RATE_HZ)
    first = found.index(False)
    assert found == [True] * first + [False] * (len(found) - first)
    assert abs(s1[first] - 9 * 3200) < (REACH_S + HOLD_S) * RATE_HZ


@pytest.mark.parametrize(
    ("sure", "whole"),
    [
        ([], None),
        ([None, None], None),
        ([None, True], True),
        ([True, False], False),
        ([None, False], False),
    ],
)
def test_a_whole_recording(sure: list[bool | None], whole: bool | None) -> None:
    assert all_sure(sure) is whole
