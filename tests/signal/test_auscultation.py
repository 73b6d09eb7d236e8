"""The monitor as a whole: same findings for any chunking, gaps, refusals."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from carebag_signal.analyse import analyse
from carebag_signal.auscultation import Finding, HeartSoundMonitor, SoundMark

RATE_HZ = 4000


def thumps(seconds: float, per_min: float = 70.0) -> NDArray[np.int16]:
    """A crude heart: two short tones a beat over faint noise."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = t % (60 / per_min)
    first = np.exp(-(((phase - 0.1) / 0.025) ** 2)) * np.sin(2 * np.pi * 50 * t)
    second = 0.7 * np.exp(-(((phase - 0.42) / 0.018) ** 2)) * np.sin(2 * np.pi * 75 * t)
    noise = np.random.default_rng(1).normal(0.0, 30.0, t.size)
    return np.asarray(np.round(6000 * (first + second) + noise), dtype=np.int16)


def hear(monitor: HeartSoundMonitor, samples: NDArray[np.int16], cuts: list[int]) -> list[Finding]:
    found = []
    for chunk in np.split(samples, sorted(cuts)):
        found += monitor.feed(chunk)
    return found + monitor.finish()


SOUND = thumps(6.0)


@settings(max_examples=20)
@given(st.lists(st.integers(0, SOUND.size), max_size=30))
def test_findings_do_not_depend_on_the_chunks(cuts: list[int]) -> None:
    whole = hear(HeartSoundMonitor(RATE_HZ), SOUND, [])
    assert whole
    assert hear(HeartSoundMonitor(RATE_HZ), SOUND, cuts) == whole


@pytest.mark.parametrize("samples", [np.zeros((3, 2), np.int16), np.zeros(3), np.zeros(3, np.int32)])
def test_other_than_one_channel_of_int16_is_refused(samples: NDArray[np.int16]) -> None:
    with pytest.raises(ValueError, match="int16"):
        HeartSoundMonitor(RATE_HZ).feed(samples)


@pytest.mark.parametrize("rate_hz", [0, -4000, 1999, 200_000])
def test_rates_that_cannot_be_judged_are_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match="rate_hz"):
        HeartSoundMonitor(rate_hz)


@pytest.mark.parametrize("lag_frames", [0, -1, 401])
def test_impossible_hindsight_is_refused(lag_frames: int) -> None:
    with pytest.raises(ValueError, match="lag_frames"):
        HeartSoundMonitor(RATE_HZ, lag_frames=lag_frames)


@settings(max_examples=5)
@given(st.lists(st.integers(0, SOUND.size), max_size=10), st.sampled_from([1, 100, 400]))
def test_hindsight_does_not_depend_on_the_chunks_either(cuts: list[int], lag_frames: int) -> None:
    whole = hear(HeartSoundMonitor(RATE_HZ, lag_frames=lag_frames), SOUND, [])
    assert hear(HeartSoundMonitor(RATE_HZ, lag_frames=lag_frames), SOUND, cuts) == whole


def test_a_live_mark_comes_within_a_second_and_one_with_hindsight_later() -> None:
    for lag_frames, earliest, latest in ((24, 0.0, 0.96), (100, 2.0, 2.6)):
        monitor = HeartSoundMonitor(RATE_HZ, lag_frames=lag_frames)
        for at in range(0, SOUND.size, 160):
            for finding in monitor.feed(SOUND[at : at + 160]):
                if isinstance(finding, SoundMark):
                    assert earliest <= (at + 160 - finding.sample) / RATE_HZ - 0.04 <= latest


@pytest.mark.parametrize("lag_frames", [24, 250])
def test_where_nothing_touches_a_body_no_beat_is_marked(lag_frames: int) -> None:
    """The segmenter lays beats over anything: 30 s of silence had seven, of a stethoscope in the air 36."""
    heart, silence = thumps(12.0), np.zeros(12 * RATE_HZ, np.int16)
    monitor = HeartSoundMonitor(RATE_HZ, lag_frames=lag_frames)
    marks = [
        f.sample / RATE_HZ
        for f in monitor.feed(np.concatenate([heart, silence, heart])) + monitor.finish()
        if isinstance(f, SoundMark)
    ]
    assert len([t for t in marks if t < 11.5]) >= 24  # what was heard before the hand was lifted stays
    assert not [t for t in marks if 16 < t < 24]
    assert len([t for t in marks if t >= 27]) >= 18


def test_a_recording_of_nothing_has_no_marks_and_says_why() -> None:
    rng = np.random.default_rng(1)
    for nothing in (np.zeros(80_000), np.full(80_000, 5000), rng.integers(-1, 2, 80_000)):
        found = analyse(nothing.astype(np.int16), RATE_HZ)
        assert (found.s1, found.s2, found.heart_rate_per_min) == ((), (), None)
        assert found.heart_rate_why_not == "no_contact"


@pytest.mark.parametrize("seed", range(6))
def test_a_mark_is_given_once_and_in_order_however_the_path_moves(seed: int) -> None:
    """In noise and changes of tempo the best path keeps moving: marks stood twice, some 60 ms apart."""
    rng = np.random.default_rng(seed)
    parts = [thumps(8.0, per_min) for per_min in rng.uniform(50, 140, 4)]
    noisy = np.concatenate(parts) + rng.normal(0.0, 2500.0, sum(part.size for part in parts))
    samples = np.clip(np.round(noisy), -32768, 32767).astype(np.int16)
    monitor, marks = HeartSoundMonitor(RATE_HZ), []
    for at in range(0, samples.size, 160):
        found = [f for f in monitor.feed(samples[at : at + 160]) if isinstance(f, SoundMark)]
        assert all(at + 160 - f.sample <= RATE_HZ for f in found)
        marks += found
    assert len(marks) > 60
    for before, after in pairwise(marks):
        assert after.sample - before.sample >= (0.25 if after.sound == before.sound else 0.06) * RATE_HZ
