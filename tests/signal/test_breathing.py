"""Breathing from lung sound: rates that are there, nothing that is not, and the same for any chunking."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from carebag_signal.analyse import analyse_lung
from carebag_signal.breath_frames import BreathFrames, frame_start
from carebag_signal.breath_period import trained_chooser
from carebag_signal.breath_phase import Burst, phases
from carebag_signal.breathing import BreathFinding, BreathingMonitor, BreathRate
from carebag_signal.synthetic import Body, lung_sound

USUAL = Body(
    seed=21,
    breaths_per_min=16,
    breath_variability=0.08,
    inspired_share=0.4,
    expired_share=0.7,
    heart_behind=2.0,
)


def listened(samples: NDArray[np.int16], rate_hz: int = 4000) -> list[BreathFinding]:
    monitor = BreathingMonitor(rate_hz)
    return monitor.feed(samples) + monitor.finish()


@pytest.mark.parametrize("per_min", [8, 12, 18, 25, 35, 48])
def test_finds_the_rate_that_is_there(per_min: float) -> None:
    heard = lung_sound(replace(USUAL, breaths_per_min=per_min), 32.0)
    truth = 60 / np.mean(np.diff(heard.inspirations / heard.rate_hz))
    assert analyse_lung(heard.samples, heard.rate_hz).breathing_rate_per_min == pytest.approx(truth, abs=2.0)


@pytest.mark.parametrize("expiration", [0.1, 0.5, 1.0, 1.4])
def test_breathing_out_is_no_second_breath(expiration: float) -> None:
    heard = lung_sound(replace(USUAL, expiration_level=expiration), 32.0)
    rate = analyse_lung(heard.samples, heard.rate_hz).breathing_rate_per_min
    assert rate is None or rate == pytest.approx(16, abs=2.0)


@pytest.mark.parametrize("rate_hz", [2000, 8000, 44_100])
def test_any_rate_will_do(rate_hz: int) -> None:
    heard = lung_sound(USUAL, 24.0, rate_hz)
    assert analyse_lung(heard.samples, rate_hz).breathing_rate_per_min == pytest.approx(16, abs=2.0)


def test_loudness_does_not_matter() -> None:
    rates = [analyse_lung(lung_sound(USUAL, 24.0, level=level).samples, 4000) for level in (0.01, 0.1)]
    assert rates[0].breathing_rate_per_min == pytest.approx(rates[1].breathing_rate_per_min or 0, abs=0.5)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 72_000), max_size=10))
def test_any_chunking_gives_what_one_piece_gives(cuts: list[int]) -> None:
    sound = lung_sound(USUAL, 18.0).samples
    monitor = BreathingMonitor(4000)
    found = [f for piece in np.split(sound, sorted(cuts)) for f in monitor.feed(piece)]
    assert found + monitor.finish() == listened(sound)


def test_no_breath_no_rate() -> None:
    noise = np.random.default_rng(3).normal(size=30 * 4000) * 800
    for silent, why in ((np.zeros(30 * 4000), "weak"), (np.full(30 * 4000, 9000), "weak"), (noise, "unsure")):
        found = analyse_lung(silent.astype(np.int16), 4000)
        assert (found.breathing_rate_per_min, found.breathing_rate_why_not) == (None, why)
    assert analyse_lung(np.zeros(1, np.int16), 4000).breathing_rate_why_not == "assessing"


def test_a_gap_starts_anew() -> None:
    sound = lung_sound(USUAL, 40.0).samples
    holes = ((80_000, 4000),)
    found = analyse_lung(sound, 4000, holes)
    assert found.gaps == holes
    assert not [m for m in (*found.inspirations, *found.expirations) if 80_000 <= m < 84_000]
    assert not [r for r in found.breathing_rates if 84_000 < r.at_sample < 84_000 + 11 * 4000 and r.per_min is not None]
    for bad in (((10, -1),), ((-5, 2),), ((10, 5), (12, 1)), ((160_000, 1),)):
        with pytest.raises(ValueError, match="gaps"):
            analyse_lung(sound, 4000, bad)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 30_000), st.integers(0, 2**16))
def test_a_rate_or_a_reason(n: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(-32768, 32768, n).astype(np.int16)
    for rate in (f for f in listened(noise, 2000) if isinstance(f, BreathRate)):
        assert (rate.per_min is None) != (rate.why_not is None)
        assert rate.per_min is None or 6 <= rate.per_min <= 60


def test_a_frame_is_a_median_so_that_a_heart_beat_hardly_shows() -> None:
    calm = np.random.default_rng(5).normal(size=4000) * 100
    beaten = calm.copy()
    beaten[2020:2060] += 8000
    rows, hit = (BreathFrames(4000).feed(x.astype(np.int16)) for x in (calm, beaten))
    frame = 2040 * 20 // 4000
    assert frame_start(frame, 4000) <= 2020
    assert np.abs(rows - hit)[frame, 1] < 1.5


def test_in_and_out_follow_from_brightness_and_pauses_or_are_not_told() -> None:
    def breaths(bright: float, pause: int) -> list[Burst]:
        starts = [(10 + 60 * i, 10 + 60 * i + 20) for i in range(6)]
        return [
            b
            for start, end in starts
            for b in (Burst(start, end, 1.0, bright), Burst(end + pause, end + pause + 18, 1.0, -bright))
        ]

    told = phases(breaths(0.5, 2), 3.0)
    assert [phase for _, phase in told] == ["in", "out"] * 6
    flat = [replace(b, bright=0.0) for b in breaths(0.0, 11)]
    assert phases(flat, 3.0) == []


def test_the_regression_prefers_what_repeats() -> None:
    chooser = trained_chooser()
    assert chooser.weights.shape == chooser.mean.shape == (20,)
    assert np.all(np.isfinite(chooser.weights))


@pytest.mark.parametrize("rate_hz", [1000, 200_000])
def test_hopeless_rates_are_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match="rate_hz"):
        BreathingMonitor(rate_hz)
