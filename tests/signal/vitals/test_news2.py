"""NEWS2: every boundary of the chart, and every reason not to give a total."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_signal.vitals.news2 import (
    AGE_LIMIT,
    PARAMETERS,
    Consciousness,
    HypercapnicTarget,
    Incomplete,
    Observations,
    Parameter,
    Patient,
    Refused,
    Scale,
    Score,
    news2,
    points_of,
)
from carebag_signal.vitals.taken import Taken

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
ADULT = Patient(70, pregnant=False)
TARGET = HypercapnicTarget("Dr. A", NOW - timedelta(days=3))

# read from chart 1 by hand: first and last number of every cell, so that a moved bound is noticed from both sides
CHART: dict[tuple[Parameter, Scale, bool], list[tuple[float, float, int]]] = {
    ("respiration", 1, False): [(0, 8, 3), (9, 11, 1), (12, 20, 0), (21, 24, 2), (25, 120, 3)],
    ("spo2", 1, False): [(0, 91, 3), (92, 93, 2), (94, 95, 1), (96, 100, 0)],
    ("spo2", 1, True): [(0, 91, 3), (92, 93, 2), (94, 95, 1), (96, 100, 0)],
    ("spo2", 2, False): [(0, 83, 3), (84, 85, 2), (86, 87, 1), (88, 100, 0)],
    ("spo2", 2, True): [(0, 83, 3), (84, 85, 2), (86, 87, 1), (88, 92, 0), (93, 94, 1), (95, 96, 2), (97, 100, 3)],
    ("systolic", 1, False): [(0, 90, 3), (91, 100, 2), (101, 110, 1), (111, 219, 0), (220, 350, 3)],
    ("pulse", 1, False): [(0, 40, 3), (41, 50, 1), (51, 90, 0), (91, 110, 1), (111, 130, 2), (131, 350, 3)],
    ("temperature", 1, False): [(20.0, 35.0, 3), (35.1, 36.0, 1), (36.1, 38.0, 0), (38.1, 39.0, 1), (39.1, 46.0, 2)],
}


def well(now: datetime = NOW) -> Observations:
    """All observed just now, all without points."""
    return Observations(
        Taken(16.0, now),
        Taken(97.0, now),
        Taken(False, now),
        Taken(120.0, now),
        Taken(70.0, now),
        Taken("A", now),
        Taken(37.0, now),
    )


@pytest.mark.parametrize(("parameter", "scale", "on_oxygen"), CHART)
def test_every_number_of_the_chart(parameter: Parameter, scale: Scale, on_oxygen: bool) -> None:
    step = 10 if parameter == "temperature" else 1
    told = {}
    for low, high, points in CHART[parameter, scale, on_oxygen]:
        for tick in range(round(low * step), round(high * step) + 1):
            told[tick] = points
            assert points_of(parameter, tick / step, scale, on_oxygen=on_oxygen) == points
    assert sorted(told) == list(range(min(told), max(told) + 1))


@pytest.mark.parametrize(
    ("parameter", "value", "points"),
    [
        ("temperature", 35.04, 3),
        ("temperature", 35.05, 1),
        ("temperature", 38.04, 0),
        ("temperature", 38.05, 1),
        ("temperature", 39.05, 2),
        ("temperature", 39.04999, 1),
        ("spo2", 91.4, 3),
        ("spo2", 91.5, 2),
        ("spo2", 95.5, 0),
        ("respiration", 8.5, 1),
        ("respiration", 11.5, 0),
        ("respiration", 24.4, 2),
        ("systolic", 90.5, 2),
        ("systolic", 219.4, 0),
        ("systolic", 219.5, 3),
        ("pulse", 130.5, 3),
    ],
)
def test_rounds_to_the_chart_before_it_looks(parameter: Parameter, value: float, points: int) -> None:
    assert points_of(parameter, value) == points


@given(st.sampled_from(sorted(CHART)), st.floats(0, 350))
def test_no_value_falls_between_two_cells(case: tuple[Parameter, Scale, bool], value: float) -> None:
    parameter, scale, on_oxygen = case
    assert points_of(parameter, value, scale, on_oxygen=on_oxygen) in (0, 1, 2, 3)


@pytest.mark.parametrize("consciousness", get_args(Consciousness))
@pytest.mark.parametrize("oxygen", [False, True])
def test_consciousness_and_oxygen(consciousness: Consciousness, oxygen: bool) -> None:
    found = news2(replace(well(), consciousness=Taken(consciousness, NOW), oxygen=Taken(oxygen, NOW)), ADULT, NOW)
    assert isinstance(found, Score)
    assert found.points["consciousness"] == (0 if consciousness == "A" else 3)
    assert found.points["oxygen"] == (2 if oxygen else 0)
    assert found.total == found.points["consciousness"] + found.points["oxygen"]


def test_scale_2_only_by_a_clinicians_target_and_its_points_add_to_oxygens() -> None:
    observed = replace(well(), oxygen=Taken(True, NOW))
    first = news2(observed, ADULT, NOW)
    second = news2(observed, replace(ADULT, target=TARGET), NOW)
    assert isinstance(first, Score)
    assert isinstance(second, Score)
    assert (first.scale, first.total, first.risk) == (1, 2, "low")
    assert (second.scale, second.total, second.risk) == (2, 5, "medium")
    with pytest.raises(ValueError, match="clinician"):
        HypercapnicTarget(" ", NOW)


@pytest.mark.parametrize(
    ("changes", "total", "risk"),
    [
        ({}, 0, "low"),
        ({"respiration": 22.0, "pulse": 115.0}, 4, "low"),
        ({"respiration": 25.0}, 3, "low-medium"),
        ({"respiration": 25.0, "pulse": 100.0}, 4, "low-medium"),
        ({"respiration": 25.0, "pulse": 120.0}, 5, "medium"),
        ({"respiration": 22.0, "pulse": 115.0, "temperature": 38.5}, 5, "medium"),
        ({"respiration": 25.0, "systolic": 85.0}, 6, "medium"),
        ({"respiration": 25.0, "systolic": 85.0, "temperature": 38.5}, 7, "high"),
    ],
)
def test_risk(changes: dict[str, float], total: int, risk: str) -> None:
    found = news2(replace(well(), **{k: Taken(v, NOW) for k, v in changes.items()}), ADULT, NOW)
    assert isinstance(found, Score)
    assert (found.total, found.risk) == (total, risk)


@pytest.mark.parametrize("lacking", [c for n in (1, 2, 7) for c in itertools.combinations(PARAMETERS, n)])
def test_what_is_missing_is_never_a_nought(lacking: tuple[Parameter, ...]) -> None:
    found = news2(replace(well(), **dict.fromkeys(lacking)), ADULT, NOW)
    assert isinstance(found, Incomplete)
    assert set(found.lacking) == set(lacking)
    assert set(found.lacking.values()) == {"missing"}
    assert not set(lacking) & set(found.points)


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_is_stale_is_refused(name: Parameter) -> None:
    value = getattr(well(), name).value
    at_the_limit = replace(well(), **{name: Taken(value, NOW - AGE_LIMIT)})
    found = news2(at_the_limit, ADULT, NOW)
    assert isinstance(found, Score)
    assert found.oldest == AGE_LIMIT
    beyond = news2(replace(well(), **{name: Taken(value, NOW - AGE_LIMIT - timedelta(seconds=1))}), ADULT, NOW)
    assert isinstance(beyond, Incomplete)
    assert dict(beyond.lacking) == {name: "stale"}
    early = news2(replace(well(), **{name: Taken(value, NOW + timedelta(minutes=3))}), ADULT, NOW)
    assert isinstance(early, Incomplete)
    assert dict(early.lacking) == {name: "from_the_future"}


def test_on_scale_2_saturation_waits_for_oxygen() -> None:
    found = news2(replace(well(), oxygen=None), replace(ADULT, target=TARGET), NOW)
    assert isinstance(found, Incomplete)
    assert "spo2" not in found.points
    assert dict(found.lacking) == {"oxygen": "missing"}


@pytest.mark.parametrize(
    ("patient", "reasons"),
    [
        (Patient(15.99, pregnant=False), ("under_16",)),
        (Patient(30, pregnant=True), ("pregnant",)),
        (Patient(15, pregnant=True), ("under_16", "pregnant")),
    ],
)
def test_children_and_pregnancy_are_refused(patient: Patient, reasons: tuple[str, ...]) -> None:
    found = news2(well(), patient, NOW)
    assert isinstance(found, Refused)
    assert found.reasons == reasons
    assert isinstance(news2(well(), Patient(16, pregnant=False), NOW), Score)


def test_says_which_values_were_estimated() -> None:
    observed = replace(well(), pulse=Taken(70.0, NOW, estimated=True))
    found = news2(observed, ADULT, NOW)
    assert isinstance(found, Score)
    assert found.estimated == ("pulse",)


def test_refusals() -> None:
    for name, value in (("spo2", 101.0), ("respiration", -1.0), ("temperature", float("nan")), ("pulse", 1e9)):
        with pytest.raises(ValueError, match=name):
            replace(well(), **{name: Taken(value, NOW)})
    with pytest.raises(ValueError, match="consciousness"):
        replace(well(), consciousness=Taken("X", NOW))
    with pytest.raises(ValueError, match="oxygen"):
        replace(well(), oxygen=Taken("air", NOW))
    with pytest.raises(ValueError, match="zone"):
        Taken(1.0, NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="zone"):
        news2(well(), ADULT, NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="age_limit"):
        news2(well(), ADULT, NOW, timedelta(0))
    with pytest.raises(ValueError, match="age_years"):
        Patient(float("nan"), pregnant=False)
    with pytest.raises(ValueError, match="numbers"):
        points_of("oxygen", 1.0)
    with pytest.raises(ValueError, match="finite"):
        points_of("pulse", float("inf"))
