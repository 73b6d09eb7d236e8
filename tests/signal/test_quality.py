"""The quality word: right for each fault, in time, steady; and honest about silence and gaps."""

import itertools
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from carebag_signal.auscultation import Finding, HeartRate, HeartSoundMonitor, QualityWord, SoundMark
from carebag_signal.quality import HOLD_HOPS, Steady, Word
from carebag_signal.quality_track import quality_track
from carebag_signal.synthetic import Body, heart_sound

RATE_HZ = 4000
HEART = heart_sound(Body(seed=21, heart_per_min=74), 30.0, RATE_HZ).samples


def as_int16(values: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.round(values), -32768, 32767), dtype=np.int16)


def noise(seed: int, n: int, level: float) -> NDArray[np.float64]:
    return np.asarray(np.random.default_rng(seed).normal(0.0, level, n))


def rubbing(seed: int, n: int) -> NDArray[np.float64]:
    """Loud strokes of a few hundred milliseconds, one after another."""
    rng, sound = np.random.default_rng(seed), np.zeros(n)
    for start in range(0, n - 3000, 2600):
        length = int(rng.integers(1000, 2400))
        at = start + int(rng.integers(0, 400))
        sound[at : at + length] += np.cumsum(rng.normal(0, 900.0, length)) * np.hanning(length)
    return sound


def words(samples: NDArray[np.int16]) -> list[QualityWord]:
    return [f for f in HeartSoundMonitor(RATE_HZ).feed(samples) if isinstance(f, QualityWord)]


@pytest.mark.parametrize("level", [0.02, 0.3, 1.0, 3.0])
def test_a_heart_is_good_at_any_loudness(level: float) -> None:
    assert {w.word for w in words(as_int16(level * HEART))} <= {"good", "clipped"}
    assert words(as_int16(level * HEART))[-1].word == "good"


@pytest.mark.parametrize("level", [0.0, 0.6, 5.0, 100.0])
def test_nothing_but_the_instrument_is_no_contact(level: float) -> None:
    assert words(as_int16(noise(1, 80_000, level)))[-1].word == "no_contact"


def test_drowned_in_noise_is_noisy() -> None:
    assert words(as_int16(HEART[:80_000] * 0.2 + noise(2, 80_000, 3000.0)))[-1].word in ("noisy", "no_contact")


def test_a_loud_voice_is_noise_or_speech() -> None:
    t = np.arange(80_000) / RATE_HZ
    voice = sum(np.sin(2 * np.pi * 140 * k * t + k) / k for k in range(1, 12))
    talk = 6000 * voice * np.maximum(np.sin(2 * np.pi * 3.3 * t), 0) * (np.sin(2 * np.pi * 0.31 * t) > -0.5)
    assert words(as_int16(HEART[:80_000] * 0.3 + talk))[-1].word in ("noisy", "speaking")


def test_rubbing_is_movement() -> None:
    assert words(as_int16(0.3 * HEART[:80_000] + rubbing(3, 80_000)))[-1].word in ("movement", "noisy")


def test_cut_off_tops_are_clipped() -> None:
    assert words(as_int16(HEART * 20.0))[-1].word == "clipped"


def test_the_first_word_comes_within_three_seconds() -> None:
    for samples in (HEART, np.zeros(40_000, np.int16), as_int16(noise(4, 40_000, 800.0))):
        assert words(samples)[0].at_sample <= 3 * RATE_HZ


def test_words_do_not_flap() -> None:
    """A heart with noise near the border of what is good: words stay for a second at least."""
    for level in (100.0, 300.0, 600.0, 1200.0):
        said = words(as_int16(0.3 * HEART + noise(5, HEART.size, level)))
        assert all(b.at_sample - a.at_sample >= 0.9 * RATE_HZ for a, b in itertools.pairwise(said[1:]))
        assert len(said) <= 8


def test_fault_and_recovery_are_both_said() -> None:
    samples = np.concatenate((HEART[:40_000], np.zeros(32_000, np.int16), HEART[:60_000]))
    said = [w.word for w in words(samples)]
    assert said[0] == "good"
    assert "no_contact" in said
    assert said[-1] == "good"


def test_no_rate_is_shown_without_contact() -> None:
    samples = np.concatenate((HEART[:40_000], as_int16(noise(6, 60_000, 3.0))))
    rates = [f for f in HeartSoundMonitor(RATE_HZ).feed(samples) if isinstance(f, HeartRate)]
    assert any(r.per_min is not None for r in rates)
    assert rates[-1].per_min is None
    assert rates[-1].why_not == "no_contact"


def moved(finding: Finding, by: int) -> Finding:
    """The same finding, later."""
    if isinstance(finding, SoundMark):
        return SoundMark(finding.sample + by, finding.sound)
    if isinstance(finding, HeartRate):
        return HeartRate(finding.at_sample + by, finding.per_min, finding.why_not)
    return QualityWord(finding.at_sample + by, finding.word)


def test_after_a_gap_it_listens_as_if_for_the_first_time() -> None:
    monitor = HeartSoundMonitor(RATE_HZ)
    monitor.feed(HEART[:50_000])
    monitor.gap(1234)
    closed = monitor.feed(np.zeros(0, np.int16))
    fresh = HeartSoundMonitor(RATE_HZ).feed(HEART[60_000:])
    assert monitor.feed(HEART[60_000:]) == [moved(f, 51_234) for f in fresh]
    assert isinstance(closed[-1], HeartRate)
    assert closed[-1].per_min is None
    assert all(f.sample < 50_000 for f in closed if isinstance(f, SoundMark))


def test_marks_are_final_within_a_second_and_in_order() -> None:
    monitor, last = HeartSoundMonitor(RATE_HZ), -1
    for start in range(0, HEART.size, 160):
        for finding in monitor.feed(HEART[start : start + 160]):
            if isinstance(finding, SoundMark):
                assert last < finding.sample
                assert start + 160 - finding.sample <= RATE_HZ
                last = finding.sample
    assert last > 0


def test_gaps_of_nothing_and_less() -> None:
    monitor = HeartSoundMonitor(RATE_HZ)
    whole = HeartSoundMonitor(RATE_HZ).feed(HEART[:40_000])
    found = monitor.feed(HEART[:20_000])
    monitor.gap(0)
    assert found + monitor.feed(HEART[20_000:40_000]) == whole
    with pytest.raises(ValueError, match="negative"):
        monitor.gap(-1)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(get_args(Word)), st.booleans()), max_size=60))
def test_a_word_stands_for_two_seconds_unless_what_comes_is_clearly_worse(found: list[tuple[Word, bool]]) -> None:
    steady, changes = Steady(), []
    for hop, (word, clearly_worse) in enumerate(found):
        before = steady.word
        said = steady.take(word, clearly_worse)
        assert said is None or said == steady.word == word != before
        if said is not None:
            changes.append((hop, before, said))
    for (earlier, *_), (later, before, said) in itertools.pairwise(changes):
        assert later - earlier >= (2 if before == "good" and said != "good" else HOLD_HOPS)


def test_what_stays_is_said() -> None:
    for before, after in itertools.permutations(get_args(Word), 2):
        steady = Steady()
        said = [steady.take(word, clearly_worse=False) for word in [before] * 6 + [after] * 6]
        assert [s for s in said if s] == [before, after]


def test_one_odd_window_changes_nothing() -> None:
    steady = Steady()
    said = [steady.take(word, clearly_worse=True) for word in ["good"] * 6 + ["movement"] + ["good"] * 6]
    assert [s for s in said if s] == ["good"]


def test_a_clearly_worse_sound_is_told_sooner() -> None:
    def told_after(clearly_worse: bool) -> int:
        steady = Steady()
        steady.take("noisy", clearly_worse=False)
        said = [steady.take(w, clearly_worse) for w in ["good"] * 4 + ["movement"] * 6]
        return said.index("movement")

    assert told_after(True) < told_after(False)


def speech(seed: int, n: int) -> NDArray[np.float64]:
    """Vowels of moving pitch, in syllables, with pauses."""
    rng, t = np.random.default_rng(seed), np.arange(n) / RATE_HZ
    pitch = np.cumsum(2 * np.pi * (130 + 25 * np.sin(2 * np.pi * 0.7 * t + rng.uniform(0, 6))) / RATE_HZ)
    voice = sum(np.sin(k * pitch + k) * np.exp(-(((130 * k - 450) / 350) ** 2)) for k in range(1, 9))
    syllables = np.maximum(np.sin(2 * np.pi * 3.7 * t + 1.5 * np.sin(2 * np.pi * 0.9 * t)), 0.0) ** 0.7
    return np.asarray(voice * syllables * (np.sin(2 * np.pi * 0.23 * t + 1) > -0.6))


def test_loud_speech_is_speaking() -> None:
    said = words(as_int16(0.3 * HEART[:80_000] + 5000 * speech(1, 80_000)))
    assert "speaking" in [w.word for w in said]


def test_scores_are_shares_and_fall_with_the_noise() -> None:
    means = []
    for level in (0.0, 300.0, 3000.0):
        track = quality_track(as_int16(0.3 * HEART[:60_000] + noise(7, 60_000, level)), RATE_HZ)
        assert all(0.0 <= p.score <= 1.0 for p in track)
        means.append(np.mean([p.score for p in track]))
    assert means[0] > means[1] > means[2]


def test_the_track_has_the_words_of_a_live_visit() -> None:
    samples = np.concatenate((HEART[:40_000], as_int16(noise(8, 40_000, 3000.0)), HEART[:40_000]))
    track = quality_track(samples, RATE_HZ)
    assert track[0].at_sample <= 3 * RATE_HZ
    said = [track[0], *(b for a, b in itertools.pairwise(track) if a.word != b.word)]
    assert [QualityWord(p.at_sample, p.word) for p in said] == words(samples)


@pytest.mark.parametrize("samples", [np.zeros(0, np.int16), HEART[:1], HEART[: 2 * RATE_HZ]])
def test_too_little_sound_has_no_quality(samples: NDArray[np.int16]) -> None:
    assert quality_track(samples, RATE_HZ) == ()


@pytest.mark.parametrize("changed", [0.05 * HEART, 0.5 * HEART + 9000.0, -1.0 * HEART])
def test_loudness_offset_and_sign_do_not_matter_to_the_score(changed: NDArray[np.float64]) -> None:
    usual = np.array([p.score for p in quality_track(HEART[:60_000], RATE_HZ)])
    scores = np.array([p.score for p in quality_track(as_int16(changed[:60_000]), RATE_HZ)])
    assert np.median(np.abs(scores - usual)) < 0.1


@pytest.mark.parametrize("rate_hz", [2000, 8000, 44_100])
def test_a_heart_is_good_at_any_rate(rate_hz: int) -> None:
    samples = heart_sound(Body(seed=21, heart_per_min=74), 12.0, rate_hz).samples
    assert quality_track(samples, rate_hz)[-1].word == "good"


@given(arrays(np.int16, 12_000, elements=st.integers(-32768, 32767)))
@settings(max_examples=10, deadline=None)
def test_whatever_comes_the_score_is_a_share(samples: NDArray[np.int16]) -> None:
    assert all(0.0 <= p.score <= 1.0 for p in quality_track(samples, RATE_HZ))
