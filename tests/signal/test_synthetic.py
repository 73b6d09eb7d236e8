"""Synthetic bodies: deterministic, coherent, and as they say they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_signal.synthetic import Body, beats_s, heart_sound, lung_sound, pulse_wave, systole_s, vitals

BODIES = st.builds(
    Body,
    seed=st.integers(0, 2**32 - 1),
    heart_per_min=st.floats(30, 220),
    variability=st.floats(0, 0.1),
    breaths_per_min=st.floats(4, 60),
    murmur=st.sampled_from(["none", "systolic", "diastolic"]),
)


@settings(max_examples=30)
@given(BODIES)
def test_the_seed_decides_everything(body: Body) -> None:
    first, again = heart_sound(body, 3.0), heart_sound(body, 3.0)
    np.testing.assert_array_equal(first.samples, again.samples)
    np.testing.assert_array_equal(first.s1, again.s1)


@settings(max_examples=30)
@given(BODIES, st.floats(0, 20), st.floats(0, 20))
def test_a_longer_life_begins_with_the_same_beats(body: Body, one_s: float, other_s: float) -> None:
    short, long = sorted((one_s, other_s))
    beats = beats_s(body, long)
    np.testing.assert_array_equal(beats[beats < short], beats_s(body, short))


@given(BODIES)
def test_beats_come_at_the_rate_asked_for(body: Body) -> None:
    intervals = np.diff(beats_s(body, 60.0))
    assert np.all(intervals > 0.5 * 60 / body.heart_per_min)
    assert 60 / float(np.mean(intervals)) == pytest.approx(body.heart_per_min, rel=0.1)


@given(BODIES)
def test_first_and_second_sounds_alternate(body: Body) -> None:
    heard = heart_sound(body, 5.0)
    assert np.all((heard.s1 >= 0) & (heard.s1 < heard.samples.size))
    between = heard.s2[: heard.s1.size - 1]
    assert np.all(heard.s1[:-1] < between)
    assert np.all(between < heard.s1[1:])
    assert 0.1 < systole_s(body) <= 0.4


def test_sound_is_where_the_truth_says() -> None:
    heard = heart_sound(Body(noise_level=0.0), 10.0)
    energy = heard.samples.astype(float) ** 2
    near = np.zeros(energy.size, bool)
    for onset in (*heard.s1, *heard.s2):
        near[onset : onset + round(0.12 * heard.rate_hz)] = True
    assert energy[near].sum() > 0.999 * energy.sum()


def test_a_murmur_sounds_in_its_own_phase() -> None:
    quiet, systolic = heart_sound(Body(), 10.0), heart_sound(Body(murmur="systolic"), 10.0)
    added = (systolic.samples.astype(float) - quiet.samples) ** 2
    inside = np.zeros(added.size, bool)
    for first, second in zip(quiet.s1, quiet.s2, strict=False):
        inside[first:second] = True
    assert added[inside].sum() > 0.99 * added.sum() > 0


def test_pulse_follows_heart_and_vitals_agree() -> None:
    body = Body(seed=5, heart_per_min=81)
    pulse = pulse_wave(body, 30.0)
    np.testing.assert_allclose(pulse.feet_s - beats_s(body, 30.0)[: pulse.feet_s.size], 0.22, atol=1e-9)
    read = vitals(body, 10.0)
    near = pulse.feet_s[(pulse.feet_s > 9) & (pulse.feet_s < 17)]
    assert read.heart_per_min == pytest.approx(60 / float(np.mean(np.diff(near))), rel=0.05)
    assert 0 < read.spo2_percent <= 100


def test_breathing_is_loudest_while_breathing_in() -> None:
    heard = lung_sound(Body(breaths_per_min=12), 20.0)
    energy = heard.samples.astype(float) ** 2
    half = round(2.5 * heard.rate_hz)
    inward = sum(energy[s : s + half].sum() for s in heard.inspirations[:-1])
    outward = sum(energy[s + half : s + 2 * half].sum() for s in heard.inspirations[:-1])
    assert inward > 2 * outward


@pytest.mark.parametrize(
    "change", [{"heart_per_min": 20}, {"heart_per_min": 300}, {"breaths_per_min": 0}, {"variability": -0.1}]
)
def test_bodies_that_cannot_live_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be within"):
        Body(**change)  # type: ignore[arg-type]


def test_rates_and_lengths_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="rate_hz"):
        heart_sound(Body(), 1.0, 500)
    with pytest.raises(ValueError, match="seconds"):
        heart_sound(Body(), -1.0)
    with pytest.raises(ValueError, match="rate_hz"):
        pulse_wave(Body(), 1.0, 5)
