"""Breathing from a pulse wave: right where shown, follows a change, silent where nothing breathes."""

import numpy as np
import pytest

from carebag_signal.breathing_from_pulse import BreathingTracker, Following, evidence, modulations
from carebag_signal.pulse import BreathingRate, PulseMonitor
from carebag_signal.synthetic import Body, pulse_wave

RATES = np.arange(4, 45.25, 0.5)


def tracks(per_min: float, seconds: float = 32.0) -> np.ndarray:
    t = np.arange(0, seconds, 0.25)
    return np.stack([np.sin(2 * np.pi * per_min / 60 * t + phase) for phase in (0.0, 1.0, 2.0)])


@pytest.mark.parametrize("per_min", [5, 9, 15, 24, 36, 44])
def test_evidence_is_where_the_power_is(per_min: float) -> None:
    seen = evidence(tracks(per_min), 120.0)
    assert seen is not None
    assert seen.shape == (83,)
    assert abs(RATES[seen.argmax()] - per_min) <= 1.0
    assert 0 <= seen.min() <= seen.max() <= 1.0001


def test_nothing_above_half_the_pulse() -> None:
    seen = evidence(tracks(36), 60.0)
    assert seen is not None
    assert seen[RATES > 31.5].max() == 0
    assert evidence(tracks(36), 7.0) is None


def test_no_power_is_no_evidence() -> None:
    assert evidence(np.zeros((3, 128)), 60.0) is None


def test_modulations_of_known_beats() -> None:
    wave = np.zeros(3200)
    beats = np.arange(50, 3200, 100)
    heights = 1 + 0.2 * np.sin(np.arange(beats.size))
    wave[beats] = heights
    mean, foot, peak = modulations(wave, 100, beats.astype(float))
    grid = np.arange(0, 32, 0.25)
    np.testing.assert_allclose(peak, np.interp(grid, beats / 100, heights))
    np.testing.assert_allclose(foot, 0)
    np.testing.assert_allclose(mean, np.interp(grid, (beats[1:] - 50) / 100, heights[:-1] / 100))


def test_a_new_rate_is_shown_within_half_a_minute_and_never_the_old_one_for_long() -> None:
    tracker = BreathingTracker()
    for _ in range(10):
        rate, _ = tracker.follow(evidence(tracks(12), 120.0))
    assert rate == pytest.approx(12, abs=0.5)
    shown = [tracker.follow(evidence(tracks(24), 120.0))[0] for _ in range(8)]
    assert all(r is None or abs(r - 24) < 1 for r in shown)
    assert shown[-1] is not None


def test_evenly_spread_power_is_never_shown() -> None:
    tracker = BreathingTracker()
    even = np.full(83, 0.05)
    assert {tracker.follow(even) for _ in range(50)} == {(None, "disagree")}


def test_what_has_gone_is_not_shown_although_it_is_remembered() -> None:
    tracker = BreathingTracker()
    for _ in range(20):
        tracker.follow(evidence(tracks(15), 120.0))
    assert tracker.follow(np.full(83, 0.05)) == (None, "disagree")


def test_after_a_reset_it_is_as_new() -> None:
    used, new = BreathingTracker(), BreathingTracker()
    used.follow(evidence(tracks(30), 120.0))
    used.reset()
    assert used.follow(evidence(tracks(12), 120.0)) == new.follow(evidence(tracks(12), 120.0))


def test_a_stricter_tracker_shows_less() -> None:
    strict = BreathingTracker(Following(least_probability=1.0))
    assert strict.follow(evidence(tracks(12), 120.0)) == (None, "disagree")


def test_too_few_beats() -> None:
    assert BreathingTracker().look(np.zeros(3200), 100, np.arange(11.0)) == (None, "assessing")


def test_a_wave_that_does_not_breathe_is_hardly_ever_shown() -> None:
    shown = asked = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        feet = np.cumsum(rng.normal(0.8, 0.02, 160))
        t = np.arange(0, 120, 1 / 25)
        wave = sum(np.exp(-0.5 * ((t - foot) / 0.08) ** 2) * rng.normal(1, 0.05) for foot in feet)
        rates = [f for f in PulseMonitor(25).feed(np.asarray(wave)) if isinstance(f, BreathingRate)]
        shown, asked = shown + sum(r.per_min is not None for r in rates), asked + len(rates)
    assert shown <= 0.05 * asked


@pytest.mark.parametrize("breaths", [6, 12, 20, 28])
def test_follows_a_made_up_body(breaths: float) -> None:
    wave = pulse_wave(Body(seed=52, heart_per_min=80, breaths_per_min=breaths), 90.0, 50)
    rates = [f for f in PulseMonitor(50).feed(wave.values) if isinstance(f, BreathingRate)]
    shown = [r.per_min for r in rates if r.per_min is not None]
    assert len(shown) >= 0.7 * len(rates)
    np.testing.assert_allclose(shown, breaths, atol=1.0)
