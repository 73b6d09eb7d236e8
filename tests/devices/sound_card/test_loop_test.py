"""The morning's sound test: the signal through a poor line, what resembles it, silence, any samples."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from carebag_devices.sim.stethoscope import scratched
from carebag_devices.sound_card.loop_test import TONES_HZ, Verdict, judge_taps, judge_tones, tones

RATES = [4000, 8000, 44100]


def noise(rate_hz: int, dbfs: float, seconds: float = 3.0) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 32768 * 10 ** (dbfs / 20), round(seconds * rate_hz))


def recorded(sound: np.ndarray) -> np.ndarray:
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


def quieter(sound: np.ndarray, by_db: float) -> np.ndarray:
    return sound * 10 ** (-by_db / 20)


def hum(rate_hz: int, mains_hz: float) -> np.ndarray:
    at = np.arange(3 * rate_hz) / rate_hz
    return sum(2000 / n * np.sin(2 * math.pi * mains_hz * n * at) for n in range(1, 19))


def voice(rate_hz: int) -> np.ndarray:
    """A vowel on one note with vibrato, rich in harmonics."""
    at = np.arange(3 * rate_hz) / rate_hz
    phase = 2 * math.pi * 118 * at + 0.5 * np.sin(2 * math.pi * 5 * at)
    return sum(3000 / n * np.sin(n * phase) for n in range(1, 12))


def tapped(rate_hz: int, count: int, dbfs: float) -> np.ndarray:
    sound = noise(rate_hz, -60)
    for n in range(count):
        begin = round((0.5 + 0.6 * n) * rate_hz)
        length = round(0.03 * rate_hz)
        decay = np.exp(-np.arange(length) / length * 5)
        sound[begin : begin + length] += 32768 * 10 ** (dbfs / 20) * decay * np.cos(np.arange(length) / 3)
    return sound


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("by_db", [0, 15, 30])
def test_the_tones_are_heard_through_noise(rate_hz: int, by_db: float) -> None:
    verdict = judge_tones(recorded(quieter(tones(rate_hz), by_db) + noise(rate_hz, -60)), rate_hz)
    assert verdict.word == "heard"
    assert verdict.found >= 8
    assert verdict.peak_dbfs == pytest.approx(-8.5 - by_db, abs=3)


@pytest.mark.parametrize("rate_hz", RATES)
def test_what_the_kit_plays_is_not_clipped_and_does_not_click(rate_hz: int) -> None:
    played = tones(rate_hz)
    assert (len(played), played[0], abs(int(played[-1])) < 200) == (3 * rate_hz, 0, True)
    assert judge_tones(played, rate_hz).word == "heard"


def test_played_once_in_a_longer_recording() -> None:
    silence = noise(8000, -62)
    assert judge_tones(recorded(np.concatenate([silence, tones(8000, 1.5), silence])), 8000).word == "heard"


@pytest.mark.parametrize(
    ("sound", "word"),
    [
        (quieter(tones(8000), 50) + noise(8000, -85), "too_quiet"),
        (tones(8000) * 6.0, "clipped"),
        (np.zeros(24_000), "silent"),
        (noise(8000, -90), "silent"),
        (noise(8000, -50), "too_quiet"),
        (noise(8000, -20), "not_heard"),
        (hum(8000, 50), "not_heard"),
        (hum(8000, 60), "not_heard"),
        (voice(8000), "not_heard"),
        (tapped(8000, 3, -10), "not_heard"),
        (np.concatenate([tones(8000, 0.5), noise(8000, -40)]), "not_heard"),
        (np.zeros(0), "silent"),
    ],
    ids=[
        "faint",
        "overdriven",
        "zeros",
        "dead",
        "quiet room",
        "loud room",
        "50 Hz",
        "60 Hz",
        "voice",
        "taps",
        "short",
        "none",
    ],
)
def test_what_is_not_the_test_signal(sound: np.ndarray, word: str) -> None:
    assert judge_tones(recorded(sound), 8000).word == word


@pytest.mark.parametrize("missing", TONES_HZ)
def test_two_of_three_tones_are_not_enough(missing: float) -> None:
    at = np.arange(24_000) / 8000
    two = sum(4000 * np.sin(2 * math.pi * tone * at) for tone in TONES_HZ if tone != missing)
    assert judge_tones(recorded(two + noise(8000, -70)), 8000).word == "not_heard"


@pytest.mark.parametrize("rate_hz", RATES)
def test_taps_are_counted(rate_hz: int) -> None:
    verdict = judge_taps(recorded(tapped(rate_hz, 3, -10)), rate_hz)
    assert (verdict.word, verdict.found) == ("heard", 3)


@pytest.mark.parametrize(
    ("sound", "word"),
    [
        (tapped(8000, 1, -10), "not_heard"),
        (tapped(8000, 3, -42), "too_quiet"),
        (tapped(8000, 3, 20), "clipped"),
        (noise(8000, -20), "not_heard"),
        (noise(8000, -55), "too_quiet"),
        (hum(8000, 50), "not_heard"),
        (np.zeros(24_000), "silent"),
        (np.zeros(0), "silent"),
    ],
    ids=["one tap", "faint taps", "overdriven", "loud room", "quiet room", "hum", "zeros", "none"],
)
def test_what_is_no_tapping(sound: np.ndarray, word: str) -> None:
    assert judge_taps(recorded(sound), 8000).word == word


def beating(seed: int) -> np.ndarray:
    """A heart under the chest piece, at 4000/s: two sounds a beat, of 20 to 150 Hz."""
    at = np.arange(20_000) / 4000
    sound = noise(4000, -70, 5.0)
    for begin in np.arange(0.2 + seed / 10, 5.0, 0.8):
        for where, pitch, level in ((begin, 45, 9000), (begin + 0.3, 70, 6000)):
            sound += level * np.exp(-(((at - where) / 0.025) ** 2)) * np.sin(2 * math.pi * pitch * at)
    return sound


@pytest.mark.parametrize("seed", range(3))
def test_a_heart_is_no_hand_and_a_hand_is_heard_over_it(seed: int) -> None:
    heart = recorded(beating(seed))
    assert judge_taps(heart, 4000).word == "not_heard"
    assert judge_taps(scratched(heart, 0, 4000), 4000).word == "heard"


@pytest.mark.parametrize("judge", [judge_tones, judge_taps])
@given(samples=arrays(np.int16, st.integers(0, 3000)), rate_hz=st.sampled_from(RATES))
def test_any_samples_get_a_verdict(
    judge: Callable[[np.ndarray, int], Verdict], samples: np.ndarray, rate_hz: int
) -> None:
    verdict = judge(samples, rate_hz)
    assert -100 <= verdict.rms_dbfs <= verdict.peak_dbfs <= 0
    assert verdict.word in {"heard", "too_quiet", "clipped", "silent", "not_heard"}
