"""Synthetic bodies: deterministic, coherent, and as they say they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_signal.disturbances import GSM_FRAME_S, clicks, handling, hum, lost, telephone
from carebag_signal.synthetic import (
    Body,
    HeartStream,
    LungStream,
    beats_s,
    breaths_s,
    heart_sound,
    inspiration,
    lung_sound,
    pulse_wave,
    systole_s,
    vitals,
)
from carebag_signal.synthetic_lungs import crackle

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


RICH = Body(
    seed=31,
    murmur="systolic",
    rhythm="extra_beats",
    s3_level=0.3,
    s4_level=0.2,
    breath_variability=0.15,
    inspired_share=0.4,
    expired_share=0.7,
    apnoeas=((6.0, 4.0),),
    wheeze_level=1.0,
    crackles_per_breath=3.0,
)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 60_000), max_size=8))
def test_a_stream_gives_the_same_sound_and_truth_piece_by_piece(cuts: list[int]) -> None:
    heart, lungs = heart_sound(RICH, 15.0), lung_sound(RICH, 15.0)
    sizes = np.diff([0, *sorted(cuts), 60_000])
    beating, breathing = HeartStream(RICH), LungStream(RICH)
    hearts, breaths = zip(*[(beating.take(int(n)), breathing.take(int(n))) for n in sizes], strict=True)
    for name in ("samples", "s1", "s2", "s3", "s4"):
        np.testing.assert_array_equal(np.concatenate([getattr(h, name) for h in hearts]), getattr(heart, name))
    for name in ("samples", "inspirations", "expirations", "wheezes", "crackles"):
        np.testing.assert_array_equal(np.concatenate([getattr(b, name) for b in breaths]), getattr(lungs, name))


def test_third_and_fourth_sounds_are_where_the_truth_says() -> None:
    plain, rich = (heart_sound(Body(s3_level=level, s4_level=level), 10.0) for level in (0.0, 0.3))
    added = (rich.samples.astype(float) - plain.samples) ** 2
    near = np.zeros(added.size, bool)
    for onset in (*rich.s3, *rich.s4):
        near[max(onset, 0) : onset + round(0.08 * rich.rate_hz)] = True
    assert added[near].sum() > 0.99 * added.sum() > 0
    assert plain.s3.size == plain.s4.size == 0


@pytest.mark.parametrize(("rhythm", "spread"), [("sinus", 0.1), ("extra_beats", 0.6), ("fibrillation", 0.6)])
def test_rhythms_differ_in_their_intervals(rhythm: str, spread: float) -> None:
    intervals = np.diff(beats_s(Body(rhythm=rhythm), 120.0))  # type: ignore[arg-type]
    widest = np.ptp(intervals) / np.mean(intervals)
    assert widest > spread if rhythm != "sinus" else widest < 0.3
    assert 60 / np.mean(intervals) == pytest.approx(68, rel=0.08)


def test_nothing_breathes_in_an_apnoea() -> None:
    starts = breaths_s(RICH, 30.0)
    assert not [s for s in starts if 6.0 <= s < 10.0]
    assert 10.0 in starts
    full = inspiration(RICH, np.arange(0.0, 30.0, 0.05))
    assert 0.0 <= full.min() < 0.05
    assert full.max() > 0.95


def test_wheezes_and_crackles_sound_where_the_truth_says() -> None:
    calm = Body(seed=32)
    for extra in (Body(seed=32, wheeze_level=1.0), Body(seed=32, crackles_per_breath=4.0)):
        plain, heard = lung_sound(calm, 20.0), lung_sound(extra, 20.0)
        added = (heard.samples.astype(float) - plain.samples) ** 2
        inside = np.zeros(added.size, bool)
        for start, end in heard.wheezes:
            inside[start:end] = True
        for at in heard.crackles:
            inside[at : at + 41] = True
        assert added[inside].sum() > 0.99 * added.sum() > 0
    assert abs(int(np.argmax(np.abs(np.fft.rfft(crackle("fine", 48_000), 48_000)))) - 500) < 350


def test_disturbances_are_where_their_truth_says() -> None:
    n, rate_hz = 40_000, 4000
    for made in (telephone(3, n, rate_hz), handling(3, n, rate_hz), clicks(3, n, rate_hz)):
        inside = np.zeros(n, bool)
        for start, end in made.spans:
            inside[start:end] = True
        assert np.all(made.samples[~inside] == 0)
        assert np.any(made.samples[inside] != 0)
    assert np.mean(hum(n, rate_hz).samples ** 2) == pytest.approx(1.0)
    spectrum = np.abs(np.fft.rfft(hum(n, rate_hz, 60.0).samples))
    assert int(spectrum.argmax()) * rate_hz / n == pytest.approx(60.0, abs=0.2)
    buzz = np.abs(np.fft.rfft(telephone(3, n, rate_hz).samples))
    assert int(buzz[1000:3000].argmax() + 1000) * rate_hz / n == pytest.approx(1 / GSM_FRAME_S, abs=2)


@given(st.integers(0, 999), st.integers(0, 200_000))
def test_lost_pieces_are_in_order_and_inside(seed: int, n: int) -> None:
    at = 0
    for start, count in lost(seed, n, 4000):
        assert at <= start
        assert count > 0
        at = start + count + 1
        assert start + count <= n
