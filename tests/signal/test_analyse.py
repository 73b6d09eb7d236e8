"""Whole recordings: known truth, gaps, gain; and the same for any rate that carries the sounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from carebag_signal.analyse import Analysis, analyse
from carebag_signal.synthetic import Body, HeartSound, heart_sound


def found_share(truth: NDArray[np.int64], marks: tuple[int, ...], rate_hz: int) -> float:
    """F1 within 100 ms, one to one; the first second is for settling."""
    wanted = [t for t in truth if t > rate_hz]
    left = [m for m in marks if m > 0.9 * rate_hz]
    total, hits = len(wanted) + len(left), 0
    for onset in wanted:
        near = min(left, key=lambda m: abs(m - onset), default=None)
        if near is not None and abs(near - onset) <= 0.1 * rate_hz:
            left.remove(near)
            hits += 1
    return 2 * hits / total


def check(heard: HeartSound, analysis: Analysis, per_min: float) -> None:
    assert found_share(heard.s1, analysis.s1, heard.rate_hz) > 0.93
    assert found_share(heard.s2, analysis.s2, heard.rate_hz) > 0.93
    assert analysis.heart_rate_per_min == pytest.approx(per_min, rel=0.05)


@pytest.mark.parametrize("per_min", [45, 60, 75, 95, 120, 150, 180])
@pytest.mark.parametrize("murmur", ["none", "systolic", "diastolic"])
def test_finds_what_is_there(per_min: float, murmur: str) -> None:
    heard = heart_sound(Body(seed=77, heart_per_min=per_min, murmur=murmur), 20.0)  # type: ignore[arg-type]
    check(heard, analyse(heard.samples, heard.rate_hz), per_min)


@pytest.mark.parametrize("rate_hz", [2000, 4000, 8000, 11025, 16000, 44100])
def test_any_rate_will_do(rate_hz: int) -> None:
    heard = heart_sound(Body(seed=8, heart_per_min=72), 15.0, rate_hz)
    check(heard, analyse(heard.samples, rate_hz), 72)


@pytest.mark.parametrize("level", [0.01, 0.1, 0.9])
def test_loudness_does_not_matter(level: float) -> None:
    heard = heart_sound(Body(seed=9, heart_per_min=80), 15.0, level=level)
    check(heard, analyse(heard.samples, heard.rate_hz), 80)


@pytest.mark.parametrize("offset", [-4000, 4000])
def test_a_standing_offset_does_not_matter(offset: int) -> None:
    heard = heart_sound(Body(seed=9, heart_per_min=80), 15.0)
    check(heard, analyse((heard.samples + offset).astype(np.int16), heard.rate_hz), 80)


def test_gaps_are_gaps() -> None:
    heard = heart_sound(Body(seed=10, heart_per_min=70), 30.0)
    holes = ((40_000, 8000), (80_000, 500))
    analysis = analyse(heard.samples, heard.rate_hz, gaps=holes)
    assert analysis.gaps == holes
    for start, count in holes:
        assert not [m for m in (*analysis.s1, *analysis.s2) if start <= m < start + count]
    assert analysis.heart_rate_per_min == pytest.approx(70, rel=0.05)
    assert any(r.per_min is None and 40_000 <= r.at_sample <= 48_000 for r in analysis.heart_rates)


@pytest.mark.parametrize("holes", [((10, -1),), ((-5, 2),), ((10, 5), (12, 1)), ((99, 2),)])
def test_impossible_gaps_are_refused(holes: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="gaps"):
        analyse(np.zeros(100, np.int16), 4000, gaps=holes)


@settings(max_examples=25)
@given(st.integers(0, 3000), st.integers(0, 2**16))
def test_short_and_senseless_sound_gives_no_rate(n: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(-32768, 32768, n).astype(np.int16)
    analysis = analyse(noise, 4000)
    assert analysis.heart_rate_per_min is None
    assert analysis.heart_rate_why_not is not None
    assert analysis.n_samples == n


def test_other_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        analyse(np.zeros(10, np.int16), 4000, "brain")  # type: ignore[arg-type]


def test_names_are_sure_or_the_sounds_bear_none() -> None:
    for per_min, sure in ((70, True), (150, False)):
        heard = heart_sound(Body(seed=8, heart_per_min=per_min), 12.0)
        found = analyse(heard.samples, heard.rate_hz)
        assert found.names_sure is sure
        assert found.unnamed == (() if sure else tuple(sorted(found.s1 + found.s2)))
        assert found.extra_sound.why_not == (None if sure else "names_unsure")
    few = analyse(heard.samples[: 2 * heard.rate_hz], heard.rate_hz)
    assert (few.names_sure, few.unnamed) == (None, ())
