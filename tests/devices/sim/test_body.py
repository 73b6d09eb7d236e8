"""One body: what its instruments say belongs together, drifts plausibly, and is the same for the same seed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.sim.body import Body
from carebag_devices.sim.scenarios import NAMES, SCENARIOS, WEEK_S, ScenarioName

BEGAN_S = 1_795_680_000.0
SCENARIO = st.sampled_from(NAMES)
MOMENT = st.floats(BEGAN_S - 60 * 86_400, BEGAN_S + 86_400)


@given(st.integers(0, 500), SCENARIO, MOMENT)
def test_every_moment_of_every_body_is_possible(seed: int, name: ScenarioName, at_s: float) -> None:
    body, again = Body(seed, name, began_s=BEGAN_S), Body(seed, name, began_s=BEGAN_S)
    said = SCENARIOS[name]
    pressures = body.pressures(at_s)
    assert pressures == again.pressures(at_s)
    assert pressures.diastolic < pressures.mean < pressures.systolic
    assert abs(float(pressures.pulse) - body.pulse(at_s)) <= 0.5
    assert said.pulse_per_min[0] - 7 <= body.pulse(at_s) <= said.pulse_per_min[1] + 7
    assert said.spo2_percent[0] - 1.3 <= body.spo2(at_s) <= min(100.0, said.spo2_percent[1] + 1.3)
    assert 35.5 < body.temperature(at_s) < 39.2
    assert 45 < body.weight(at_s) < 100
    assert 3.9 < body.glucose(at_s) < 14
    assert body.perfusion(at_s) > 0
    assert 0 <= body.pleth(at_s) <= 100
    assert 0 <= body.phase(at_s) < 1


@given(st.integers(0, 200), SCENARIO, MOMENT)
def test_the_beats_in_a_minute_are_the_pulse_of_that_minute(seed: int, name: ScenarioName, at_s: float) -> None:
    body = Body(seed, name, began_s=BEGAN_S)
    mean = sum(body.pulse(at_s + step) for step in range(60)) / 60
    assert body.beats(at_s + 60) - body.beats(at_s) == pytest.approx(mean, abs=0.5)


def onsets(body: Body, seconds: float) -> list[float]:
    times = [BEGAN_S + step / 100 for step in range(int(seconds * 100))]
    return [now for before, now in itertools.pairwise(times) if body.phase(now) < body.phase(before)]


def test_the_pulse_wave_beats_with_the_pulse() -> None:
    for name in NAMES:
        body = Body(4, name, began_s=BEGAN_S)
        expected = body.beats(BEGAN_S + 120) - body.beats(BEGAN_S)
        assert abs(len(onsets(body, 120)) - expected) <= 1.6


def test_a_failing_heart_beats_irregularly_and_the_others_do_not() -> None:
    for name in NAMES:
        times = onsets(Body(4, name, began_s=BEGAN_S), 60)
        intervals = [after - before for before, after in itertools.pairwise(times)]
        mean = sum(intervals) / len(intervals)
        spread = (sum((one - mean) ** 2 for one in intervals) / len(intervals)) ** 0.5 / mean
        assert (spread > 0.12) == (name == "heart_failure"), (name, spread)


def test_the_wave_rises_faster_than_it_falls() -> None:
    body = Body(2)
    start = next(now for now in onsets(body, 5))
    wave = [body.pleth(start + step / 100) for step in range(70)]
    assert wave.index(max(wave)) < 25
    assert max(wave) > 80


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("septic", {"temperature": 38.9, "pulse": 118, "systolic": 94, "diastolic": 52, "spo2": 92}),
        ("copd", {"spo2": 88}),
        ("heart_failure", {"spo2": 91}),
    ],
)
def test_scenarios_are_what_their_names_say(name: ScenarioName, what: dict[str, float]) -> None:
    for seed in range(20):
        body = Body(seed, name, began_s=BEGAN_S)
        hour = [BEGAN_S + step * 7 for step in range(500)]
        found = {
            "temperature": sum(map(body.temperature, hour)) / 500,
            "pulse": sum(map(body.pulse, hour)) / 500,
            "spo2": sum(map(body.spo2, hour)) / 500,
            "systolic": sum(float(body.pressures(at).systolic) for at in hour) / 500,
            "diastolic": sum(float(body.pressures(at).diastolic) for at in hour) / 500,
        }
        for value, expected in what.items():
            assert found[value] == pytest.approx(expected, abs=0.1 if value == "temperature" else 3.1), value


def test_a_failing_heart_has_gained_four_kilograms_in_a_week() -> None:
    body = Body(1, "heart_failure", began_s=BEGAN_S)
    mornings = [body.weight(BEGAN_S - day * 86_400) for day in range(7, -1, -1)]
    assert mornings[-1] - mornings[0] == pytest.approx(4.0, abs=0.01)
    assert mornings == sorted(mornings)
    assert body.weight(BEGAN_S - 2 * WEEK_S) == pytest.approx(mornings[0], abs=0.01)


def test_a_fever_has_risen_for_two_days() -> None:
    body = Body(1, "septic", began_s=BEGAN_S)
    assert body.temperature(BEGAN_S - 3 * 86_400) == pytest.approx(body.temperature(BEGAN_S) - 2.1, abs=0.01)


def test_sepsis_has_a_high_crp_and_health_a_low_one() -> None:
    assert {Body(seed, "septic").crp for seed in range(30)} == {"186", ">200"}
    assert Body(1, "healthy_old_age").crp == "<5"
    assert Body(1).crp == "12"
