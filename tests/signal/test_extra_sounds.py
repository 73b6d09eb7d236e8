"""The pointer between S1 and S2: points where a murmur was made, at the right time, and otherwise keeps silent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from carebag_signal.auscultation import HeartSoundMonitor
from carebag_signal.extra_sounds import FEWEST_BEATS, POINT_FROM, ExtraSound, ExtraSoundMonitor, Pointing, extra_sounds
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


@pytest.mark.parametrize("seed", [1, 31])
def test_a_heart_too_fast_for_names_says_nothing(seed: int) -> None:
    fast = heart_sound(Body(seed=seed, heart_per_min=150, murmur="systolic", murmur_level=0.2), 20.0, RATE_HZ)
    said = extra_sounds(fast.samples, RATE_HZ)
    assert (said.probability, said.listen) == (None, ())
    assert said.why_not == "names_unsure"


def test_a_heart_that_becomes_fast_takes_back_what_was_said() -> None:
    slow, fast = (
        heart_sound(Body(seed=31, heart_per_min=per_min, murmur="systolic", murmur_level=0.2), seconds, RATE_HZ).samples
        for per_min, seconds in ((108, 16.0), (126, 10.0))
    )
    said = hear(np.concatenate((slow, fast)), [])
    assert any(f.listen for f in said if f.at_sample <= slow.size)
    # most beats that it remembers have names, those of now have none
    assert {f.why_not for f in said if f.at_sample > slow.size + 5 * RATE_HZ} == {"names_unsure"}


def test_the_places_are_late_beats_one_after_the_other() -> None:
    said = extra_sounds(np.concatenate((BREATHY.samples, BREATHY.samples)), RATE_HZ)
    assert said.listen == tuple(sorted(said.listen))
    first, last = said.listen[0][0], said.listen[-1][1]
    assert last - first < 3 * RATE_HZ
    assert said.at_sample - first < 20 * RATE_HZ


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


def beside(samples: NDArray[np.int16], cuts: list[int]) -> list[ExtraSound]:
    """The same beside rate, marks and quality."""
    monitor = HeartSoundMonitor(RATE_HZ, extra_sounds=True)
    found = [f for chunk in np.split(samples, sorted(cuts)) for f in monitor.feed(chunk)] + monitor.finish()
    return [f for f in found if isinstance(f, ExtraSound)]


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, SHORT.size), max_size=30))
def test_the_monitor_of_a_visit_says_the_same_beside_all_else(cuts: list[int]) -> None:
    assert beside(SHORT, cuts) == hear(SHORT, [])


def test_all_else_is_as_without_it() -> None:
    alone, both = HeartSoundMonitor(RATE_HZ), HeartSoundMonitor(RATE_HZ, extra_sounds=True)
    others = [f for f in both.feed(SHORT) if not isinstance(f, ExtraSound)]
    assert others == alone.feed(SHORT)
    assert not any(isinstance(f, ExtraSound) for f in alone.finish())


def test_a_hole_takes_back_what_was_said() -> None:
    monitor = HeartSoundMonitor(RATE_HZ, extra_sounds=True)
    said = [f for f in monitor.feed(SHORT) if isinstance(f, ExtraSound)]
    assert said[-1].listen
    monitor.gap(100)
    after = [f for f in monitor.feed(SHORT[:0]) if isinstance(f, ExtraSound)]
    assert after == [ExtraSound(SHORT.size, 0, None, "too_few_beats", ())]
    again = [f for f in monitor.feed(SHORT) if isinstance(f, ExtraSound)]
    by = SHORT.size + 100
    assert [(f.at_sample, f.probability) for f in again] == [(f.at_sample + by, f.probability) for f in hear(SHORT, [])]


def test_a_gap_takes_back_what_was_said_below_the_point_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # a page keeps its line down to 0.4, where nothing is named any more
    monkeypatch.setattr("carebag_signal.extra_sounds.POINT_FROM", 1.1)
    monitor = HeartSoundMonitor(RATE_HZ, extra_sounds=True)
    said = [f for f in monitor.feed(SHORT) if isinstance(f, ExtraSound)]
    assert said[-1].probability is not None
    assert not said[-1].listen
    monitor.gap(100)
    after = [f for f in monitor.feed(SHORT[:0]) if isinstance(f, ExtraSound)]
    assert after == [ExtraSound(SHORT.size, 0, None, "too_few_beats", ())]


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


def test_a_page_points_calmly() -> None:
    pointing, shown = Pointing(), []
    for probability in (0.6, 0.3, 0.6, 0.7, 0.45, 0.6, 0.39, 0.45, 0.5, None, 0.6, 0.5, None):
        listen = ((1, 2),) if probability is not None and probability >= POINT_FROM else ()
        pointing.take(ExtraSound(0, 9, probability, None if probability else "unsteady", listen))
        shown.append(bool(pointing.listen))
    assert shown == [False, False, False, True, True, True, False, False, False, False, False, True, False]


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
