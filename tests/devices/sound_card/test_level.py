"""Level and clipping: known tones, runs across blocks, a word that does not flicker."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.sound_card.level import (
    CLIPPED_AT,
    GOOD_DBFS,
    HOT_DBFS,
    HYSTERESIS_DB,
    SILENCE_DBFS,
    Clipping,
    Meter,
    Word,
    dbfs,
    peak,
    rms,
    word_for,
)

RATE_HZ = 8000
ORDER: list[Word] = ["quiet", "good", "hot"]


def tone(peak_dbfs: float, seconds: float = 0.25) -> np.ndarray:
    amplitude = 32768 * 10 ** (peak_dbfs / 20)
    return np.round(amplitude * np.sin(np.arange(int(seconds * RATE_HZ)) * 2 * math.pi * 200 / RATE_HZ)).astype(
        np.int16
    )


def test_a_tone_is_three_decibels_below_its_peak() -> None:
    level = Meter(RATE_HZ).feed(tone(-12), clipped=False)
    assert level is not None
    assert level.peak_dbfs == pytest.approx(-12, abs=0.05)
    assert level.rms_dbfs == pytest.approx(-15.01, abs=0.05)
    assert level.word == "good"


def test_silence_has_a_number() -> None:
    level = Meter(RATE_HZ).feed(np.zeros(2000, np.int16), clipped=False)
    assert level is not None
    assert (level.peak_dbfs, level.rms_dbfs, level.word) == (SILENCE_DBFS, SILENCE_DBFS, "quiet")
    assert (dbfs(1), peak(np.zeros(0, np.int16)), rms(np.zeros(0, np.int16))) == (pytest.approx(-90.3, abs=0.1), 0, 0.0)


def test_full_scale_is_zero() -> None:
    assert dbfs(peak(np.array([-32768], np.int16))) == 0.0


def test_one_level_for_each_quarter_second() -> None:
    meter = Meter(RATE_HZ)
    levels = [meter.feed(tone(-12, 0.02), clipped=False) for _ in range(100)]
    assert [n for n, level in enumerate(levels) if level] == list(range(12, 100, 13))


@pytest.mark.parametrize(
    ("samples", "clipped"),
    [
        ([CLIPPED_AT] * 3, True),
        ([-32768, 32767, -32768], True),
        ([CLIPPED_AT, CLIPPED_AT, 0, CLIPPED_AT], False),
        ([CLIPPED_AT - 1] * 9, False),
        ([], False),
    ],
)
def test_three_in_a_row_are_clipped(samples: list[int], clipped: bool) -> None:
    assert Clipping().feed(np.array(samples, np.int16)) is clipped


def test_a_run_goes_on_across_blocks() -> None:
    clipping = Clipping()
    ends = np.array([0, CLIPPED_AT, CLIPPED_AT], np.int16)
    assert not clipping.feed(ends)
    assert not clipping.feed(np.zeros(0, np.int16))
    assert clipping.feed(ends[::-1])
    assert clipping.feed(np.full(3, CLIPPED_AT, np.int16))
    assert not clipping.feed(np.zeros(3, np.int16)), "the run ended in the block before"


@given(st.lists(st.sampled_from([0, 5, CLIPPED_AT, -32768]), max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_blocks_do_not_matter(samples: list[int], cuts: list[int]) -> None:
    whole = np.array(samples, np.int16)
    text = "".join("x" if abs(sample) >= CLIPPED_AT else "." for sample in samples)
    clipping = Clipping()
    parts = np.split(whole, sorted(min(cut, len(samples)) for cut in cuts))
    heard = [clipping.feed(part) for part in parts]
    assert any(heard) is ("xxx" in text)


@given(st.lists(st.floats(-100, 0), min_size=1, max_size=50))
def test_the_word_moves_up_at_once_and_down_only_below_the_hysteresis(peaks: list[float]) -> None:
    word: Word = "quiet"
    for at in peaks:
        before, word = word, word_for(at, word)
        strict: Word = "hot" if at >= HOT_DBFS else "good" if at >= GOOD_DBFS else "quiet"
        assert ORDER.index(word) >= ORDER.index(strict)
        if word != strict:
            assert ORDER.index(word) <= ORDER.index(before), "only what was louder before stays louder"
            limit = HOT_DBFS if word == "hot" else GOOD_DBFS
            assert limit - HYSTERESIS_DB <= at < limit


@given(st.floats(-100, 0), st.sampled_from(["quiet", "good", "hot", "clipped"]))
def test_a_word_is_stable_while_the_sound_is(at: float, before: Word) -> None:
    word = word_for(at, before)
    assert word_for(at, word) == word


def test_the_word_stays_between_two_beats() -> None:
    meter = Meter(RATE_HZ)
    words = [meter.feed(tone(-10 if n % 4 == 0 else -60), clipped=False).word for n in range(12)]  # type: ignore[union-attr]
    assert set(words) == {"good"}
    quiet = [meter.feed(tone(-60), clipped=False).word for _ in range(9)]  # type: ignore[union-attr]
    assert quiet == ["good"] * 4 + ["quiet"] * 5, "the last beat was three windows before"


def test_clipping_is_remembered_for_two_seconds() -> None:
    meter = Meter(RATE_HZ)
    assert meter.feed(tone(-0.1), clipped=True).word == "clipped"  # type: ignore[union-attr]
    after = [meter.feed(tone(-20), clipped=False).word for _ in range(9)]  # type: ignore[union-attr]
    assert after == ["clipped"] * 7 + ["good"] * 2
