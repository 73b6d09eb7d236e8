"""Quality of a pulse wave: beats alike, how strong, and the word for what is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from carebag_signal.pulse import PulseMonitor
from carebag_signal.pulse_quality import PulseQuality, beat_height, perfusion_percent, template_correlation
from carebag_signal.synthetic import Body, pulse_wave

RATE_HZ = 100
WAVE = pulse_wave(Body(seed=41), 30.0, RATE_HZ).values


def words(values: NDArray[np.float64], *, raw_light: bool = False) -> list[PulseQuality]:
    found = PulseMonitor(RATE_HZ, raw_light=raw_light).feed(values)
    return [f for f in found if isinstance(f, PulseQuality)]


def test_a_clean_wave_is_good() -> None:
    found = words(WAVE)
    assert {f.word for f in found[4:]} == {"good"}
    assert all(f.correlation is not None and f.correlation > 0.97 for f in found[4:])
    assert all(f.perfusion_percent is None for f in found)


def test_noise_is_unclear() -> None:
    found = words(np.random.default_rng(1).normal(size=30 * RATE_HZ))
    assert {f.word for f in found[4:]} <= {"unclear", "movement"}


def test_a_swing_is_movement_and_passes() -> None:
    values = WAVE.copy()
    values[1500:1600] += 10 * np.ptp(WAVE) * np.hanning(100)
    found = {round(f.at_s): f.word for f in words(values)}
    assert found[14] == "good"
    assert all(found[s] == "movement" for s in range(17, 25))
    assert found[28] == "good"


def test_perfusion_of_raw_light() -> None:
    # the generator's beats are 0.02 high (less up to a fifth with breathing) on a level of 1
    found = words(WAVE, raw_light=True)[-1]
    assert found.perfusion_percent == pytest.approx(1.85, abs=0.25)
    faint = words(1 + (WAVE - WAVE.mean()) / 8, raw_light=True)[-1]
    assert faint.word == "weak"
    assert faint.perfusion_percent == pytest.approx(1.85 / 8, abs=0.04)
    assert words(1 + (WAVE - WAVE.mean()) / 8)[-1].word == "good"


def test_perfusion_does_not_depend_on_the_unit() -> None:
    one, other = words(WAVE, raw_light=True)[-1], words(-4096 * WAVE, raw_light=True)[-1]
    assert other.perfusion_percent == pytest.approx(one.perfusion_percent, rel=0.05)


def test_too_little_has_no_figure() -> None:
    filtered = np.sin(np.arange(300) / 10)
    assert template_correlation(filtered, np.array([10.0, 73.0])) is None
    assert template_correlation(filtered, np.array([1.0, 150.0, 299.0])) is None
    assert beat_height(filtered, np.array([10.0])) is None
    assert perfusion_percent(filtered, None) is None
    assert perfusion_percent(np.array([-1.0, 1.0]), 1.0) is None


def test_correlation_of_known_beats() -> None:
    filtered = np.zeros(700)
    middles = np.array([100.0, 200.0, 300.0, 400.0, 500.0, 600.0])
    for at in middles.astype(int):
        filtered[at - 20 : at + 21] = np.hanning(41)
    assert template_correlation(filtered, middles) == pytest.approx(1.0)
    filtered[280:321] = 0
    # one beat of six is flat: it correlates with nothing
    assert template_correlation(filtered, middles) == pytest.approx(5 / 6)


@settings(max_examples=30)
@given(hnp.arrays(np.float64, st.integers(0, 1200), elements=st.floats(-1e6, 1e6)), st.booleans())
def test_figures_are_finite_or_none(values: NDArray[np.float64], raw_light: bool) -> None:
    for found in words(values, raw_light=raw_light):
        assert found.correlation is None or -1.0001 <= found.correlation <= 1.0001
        assert found.perfusion_percent is None or 0 <= found.perfusion_percent < np.inf
