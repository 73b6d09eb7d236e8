"""Pulse wave: beats where they are, rates or reasons, any chunking, gaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from carebag_signal.pulse import BreathingRate, PulseBeat, PulseFinding, PulseMonitor, PulseRate, pulse_rate
from carebag_signal.pulse_quality import PulseQuality
from carebag_signal.synthetic import Body, PulseWave, beats_s, pulse_wave


def hear(wave: PulseWave) -> list[PulseFinding]:
    return PulseMonitor(wave.rate_hz).feed(wave.values)


@pytest.mark.parametrize("per_min", [42, 60, 75, 100, 130, 160])
@pytest.mark.parametrize("rate_hz", [25, 50, 125, 500])
def test_finds_every_beat(per_min: float, rate_hz: int) -> None:
    wave = pulse_wave(Body(seed=31, heart_per_min=per_min), 40.0, rate_hz)
    heard = hear(wave)
    beats = np.array([f.at_s for f in heard if isinstance(f, PulseBeat)])
    wanted = wave.feet_s[(wave.feet_s > 3) & (wave.feet_s < 36)]
    delay = np.median([beats[np.abs(beats - w - 0.16).argmin()] - w for w in wanted])
    hits = sum(bool(np.any(np.abs(beats - w - delay) < 0.1)) for w in wanted)
    assert hits >= 0.98 * len(wanted)
    assert len(beats[(beats > 3) & (beats < 36)]) <= len(wanted) + 2
    rate = [f.per_min for f in heard if isinstance(f, PulseRate)][-1]
    near = beats_s(Body(seed=31, heart_per_min=per_min), 40.0)
    assert rate == pytest.approx(60 / float(np.mean(np.diff(near[near > 30]))), rel=0.04)


@pytest.mark.parametrize("breaths", [9, 14, 20])
def test_breathing_is_right_where_it_is_shown(breaths: float) -> None:
    wave = pulse_wave(Body(seed=32, breaths_per_min=breaths), 80.0)
    shown = [f.per_min for f in hear(wave) if isinstance(f, BreathingRate) and f.per_min is not None]
    assert shown
    np.testing.assert_allclose(shown, breaths, atol=1.5)


WAVE = pulse_wave(Body(seed=33), 40.0)
SMALL = pulse_wave(Body(seed=33), 38.0, 25)
HEARD = hear(SMALL)


@settings(max_examples=15)
@given(st.lists(st.integers(0, SMALL.values.size), max_size=20))
def test_findings_do_not_depend_on_the_chunks(cuts: list[int]) -> None:
    monitor = PulseMonitor(SMALL.rate_hz)
    pieces = [f for chunk in np.split(SMALL.values, sorted(cuts)) for f in monitor.feed(chunk)]
    assert pieces == HEARD


@pytest.mark.parametrize(("gain", "offset"), [(0.001, 0.0), (3000.0, -100.0), (1.0, 1e6)])
def test_unit_and_offset_do_not_matter(gain: float, offset: float) -> None:
    beats = [f.at_s for f in hear(WAVE) if isinstance(f, PulseBeat)]
    other = [f.at_s for f in PulseMonitor(125).feed(gain * WAVE.values + offset * gain) if isinstance(f, PulseBeat)]
    np.testing.assert_allclose(other, beats, atol=0.02)


@settings(max_examples=30)
@given(hnp.arrays(np.float64, st.integers(0, 1500), elements=st.floats(-1e6, 1e6)))
def test_a_rate_or_a_reason(values: NDArray[np.float64]) -> None:
    for finding in PulseMonitor(50).feed(values):
        if isinstance(finding, (PulseRate, BreathingRate)):
            assert (finding.per_min is None) != (finding.why_not is None)
            if isinstance(finding, PulseRate) and finding.per_min is not None:
                assert 30 <= finding.per_min <= 220


@pytest.mark.parametrize("level", [0.0, 1.0, 1e6])
def test_a_flat_line_is_weak(level: float) -> None:
    found = PulseMonitor(125).feed(np.full(125 * 40, level))
    reasons = [f.why_not for f in found if isinstance(f, (PulseRate, BreathingRate))]
    assert len(reasons) == 38 + 3
    assert set(reasons) == {"weak"}
    assert {f.word for f in found if isinstance(f, PulseQuality)} == {"weak"}


def test_it_does_not_matter_which_way_up_the_wave_is() -> None:
    beats = [f.at_s for f in hear(WAVE) if isinstance(f, PulseBeat)]
    other = [f.at_s for f in PulseMonitor(125).feed(-WAVE.values) if isinstance(f, PulseBeat)]
    np.testing.assert_allclose(other, beats, atol=0.02)


def test_noise_alone_has_no_pulse() -> None:
    values = np.random.default_rng(5).normal(size=125 * 120)
    rates = [f for f in PulseMonitor(125).feed(values) if isinstance(f, PulseRate)]
    assert sum(r.per_min is not None for r in rates) <= 0.05 * len(rates)


@pytest.mark.parametrize(
    ("intervals", "rate", "why_not"),
    [
        ([0.8] * 10, 75.0, None),
        # one missed beat, one early beat with its pause: the rhythm is regular, the rate that of its intervals
        ([0.8] * 5 + [1.6] + [0.8] * 4, 75.0, None),
        ([0.8] * 8 + [0.5, 1.1], 75.0, None),
        # an irregular rhythm: the mean of all
        ([0.6, 0.9, 0.7, 1.1, 0.6, 1.0, 0.8, 0.7], 75.0, None),
        ([0.6, 0.9, 0.4, 1.1, 0.6, 1.0, 0.8, 0.7], None, "unsteady"),
        ([0.8, 0.8], None, "assessing"),
        ([2.1] * 4, None, "out_of_range"),
        ([0.27] * 30, None, "out_of_range"),
    ],
)
def test_rate_of_intervals(intervals: list[float], rate: float | None, why_not: str | None) -> None:
    told, reason = pulse_rate(np.concatenate(([0.0], np.cumsum(intervals))))
    assert told == pytest.approx(rate)
    assert reason == why_not


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.float32])
def test_any_kind_of_number_will_do(kind: type) -> None:
    scaled = np.round((WAVE.values - WAVE.values.mean()) / np.ptp(WAVE.values) * 120).astype(kind)
    beats = [f.at_s for f in PulseMonitor(125).feed(scaled) if isinstance(f, PulseBeat)]
    wanted = [f.at_s for f in hear(WAVE) if isinstance(f, PulseBeat)]
    np.testing.assert_allclose(beats, wanted, atol=0.03)


@pytest.mark.parametrize("scale", [1e-300, 1e12])
def test_figures_stay_finite_at_the_ends_of_the_scale(scale: float) -> None:
    values = scale * np.sin(np.arange(40 * 25) * 2 * np.pi * 1.2 / 25)
    for finding in PulseMonitor(25, raw_light=True).feed(values):
        if isinstance(finding, (PulseRate, BreathingRate)):
            assert (finding.per_min is None) != (finding.why_not is None)
            assert finding.per_min is None or np.isfinite(finding.per_min)


def test_memory_does_not_grow() -> None:
    monitor = PulseMonitor(25)
    piece = pulse_wave(Body(seed=34), 60.0, 25).values
    sizes = []
    for _ in range(4):
        monitor.feed(piece)
        sizes.append((monitor._wave.size, len(monitor._beats)))
    assert max(sizes[-2:])[0] <= 33 * 25
    assert max(b for _, b in sizes) < 60


def test_after_a_gap_it_counts_anew() -> None:
    monitor = PulseMonitor(125)
    monitor.feed(WAVE.values[:2500])
    monitor.gap(1000)
    found = monitor.feed(WAVE.values[3500:4125])
    first = next(f for f in found if isinstance(f, PulseRate))
    assert first.at_s == pytest.approx(31.0)
    assert all(f.at_s > 28.0 for f in found)


def test_refusals() -> None:
    for rate_hz in (0, 24, 1001):
        with pytest.raises(ValueError, match="rate_hz"):
            PulseMonitor(rate_hz)
    for values in ([1.0, np.nan], [np.inf], [2e12], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="finite"):
            PulseMonitor(125).feed(np.array(values))
    with pytest.raises(ValueError, match="negative"):
        PulseMonitor(125).gap(-1)


def test_no_rate_of_beats_that_are_unlike_each_other() -> None:
    beats, monitor = np.arange(0.0, 1000.0, 80.0), PulseMonitor(100)
    assert monitor._rate(10.0, beats, PulseQuality(10.0, "unclear", 0.85, None)) == PulseRate(10.0, None, "unclear")
    assert monitor._rate(10.0, beats, PulseQuality(10.0, "movement", 0.86, None)).per_min == pytest.approx(75.0)
