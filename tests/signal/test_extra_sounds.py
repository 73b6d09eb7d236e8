"""The pointer between S1 and S2: points where a murmur was made, at the right time, and otherwise keeps silent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from carebag_signal.extra_sounds import FEWEST_BEATS, POINT_FROM, ExtraSound, ExtraSoundMonitor, extra_sounds
from carebag_signal.synthetic import Body, heart_sound

RATE_HZ = 4000
BREATHY = heart_sound(Body(seed=31, murmur="systolic", murmur_level=0.2), 20.0, RATE_HZ)
PLAIN = heart_sound(Body(seed=31), 20.0, RATE_HZ)


def test_it_points_at_sound_between_s1_and_s2() -> None:
    said = extra_sounds(BREATHY.samples, RATE_HZ)
    assert said.probability is not None
    assert said.probability >= POINT_FROM
    assert said.beats >= FEWEST_BEATS
    assert len(said.listen) == 3


def test_what_it_points_at_lies_between_s1_and_s2() -> None:
    for start, end in extra_sounds(BREATHY.samples, RATE_HZ).listen:
        before = BREATHY.s1[start >= BREATHY.s1].max()
        after = BREATHY.s2[before < BREATHY.s2].min()
        assert before <= start < end <= after + 0.08 * RATE_HZ


def test_it_does_not_point_where_nothing_was_made() -> None:
    said = extra_sounds(PLAIN.samples, RATE_HZ)
    assert said.probability is not None
    assert said.probability < POINT_FROM
    assert said.listen == ()


@pytest.mark.parametrize("level", [0.05, 1.0])
@pytest.mark.parametrize("offset", [0, 3000])
def test_loudness_and_offset_do_not_matter(level: float, offset: int) -> None:
    changed = np.round(level * BREATHY.samples).astype(np.int16) + np.int16(offset)
    said, usual = extra_sounds(changed, RATE_HZ).probability, extra_sounds(BREATHY.samples, RATE_HZ).probability
    assert said is not None
    assert usual is not None
    assert abs(said - usual) < 0.1


@pytest.mark.parametrize("rate_hz", [2000, 8000, 44_100])
def test_other_rates(rate_hz: int) -> None:
    assert extra_sounds(heart_sound(Body(seed=31, murmur="systolic", murmur_level=0.2), 20.0, rate_hz).samples, rate_hz)


def test_few_beats_say_nothing() -> None:
    said = extra_sounds(BREATHY.samples[: 6 * RATE_HZ], RATE_HZ)
    assert (said.probability, said.listen) == (None, ())
    assert said.why_not == "too_few_beats"


@pytest.mark.parametrize("size", [0, 1, 3999])
def test_hardly_any_sound_says_nothing(size: int) -> None:
    assert extra_sounds(BREATHY.samples[:size], RATE_HZ) == ExtraSound(size, 0, None, "too_few_beats", ())


@pytest.mark.parametrize("level", [0.0, 3.0, 3000.0])
def test_noise_says_nothing(level: float) -> None:
    noise = np.round(np.random.default_rng(1).normal(0.0, level, 20 * RATE_HZ)).astype(np.int16)
    assert extra_sounds(noise, RATE_HZ).probability is None


def test_a_heart_that_is_drowned_says_nothing() -> None:
    noise = np.random.default_rng(2).normal(0.0, 4000.0, BREATHY.samples.size)
    drowned = np.clip(np.round(0.3 * BREATHY.samples + noise), -32768, 32767).astype(np.int16)
    assert extra_sounds(drowned, RATE_HZ).probability is None


def hear(samples: NDArray[np.int16], cuts: list[int]) -> list[ExtraSound]:
    monitor = ExtraSoundMonitor(RATE_HZ)
    return [said for chunk in np.split(samples, sorted(cuts)) for said in monitor.feed(chunk)]


SHORT = BREATHY.samples[: 12 * RATE_HZ]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, SHORT.size), max_size=30))
def test_what_is_said_does_not_depend_on_the_chunks(cuts: list[int]) -> None:
    whole = hear(SHORT, [])
    assert whole
    assert hear(SHORT, cuts) == whole


def test_behind_a_gap_everything_starts_anew() -> None:
    monitor = ExtraSoundMonitor(RATE_HZ)
    monitor.feed(SHORT)
    monitor.gap(1234)
    again = monitor.feed(SHORT)
    by = SHORT.size + 1234
    assert again == [
        ExtraSound(
            f.at_sample + by,
            f.beats,
            f.probability,
            f.why_not,
            tuple((start + by, end + by) for start, end in f.listen),
        )
        for f in hear(SHORT, [])
    ]
    with pytest.raises(ValueError, match="negative"):
        monitor.gap(-1)


def test_it_remembers_the_last_minute_only() -> None:
    monitor = ExtraSoundMonitor(RATE_HZ)
    said = [f for _ in range(5) for f in monitor.feed(BREATHY.samples)]
    assert 50 <= max(f.beats for f in said) <= 64
    assert all(start >= f.at_sample - 120 * RATE_HZ for f in said for start, _ in f.listen)


@pytest.mark.parametrize("samples", [np.zeros((3, 2), np.int16), np.zeros(3), np.full(3, np.nan)])
def test_other_than_one_channel_of_int16_is_refused(samples: NDArray[np.int16]) -> None:
    with pytest.raises(ValueError, match="int16"):
        extra_sounds(samples, RATE_HZ)


def test_rates_that_cannot_be_judged_are_refused() -> None:
    with pytest.raises(ValueError, match="rate_hz"):
        extra_sounds(PLAIN.samples, 500)
