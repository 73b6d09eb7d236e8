"""Places to listen to: off by default, found where they were put, and nowhere else."""

import numpy as np
import pytest
from numpy.typing import NDArray

from carebag_signal.adventitious import Tones
from carebag_signal.lung_markers import LungMark, LungMonitor, ridges
from carebag_signal.synthetic import Body, LungSound, lung_sound


def body(**extra: object) -> Body:
    usual = {"seed": 41, "breaths_per_min": 17, "breath_variability": 0.08, "inspired_share": 0.42}
    return Body(**{**usual, "expired_share": 0.7, **extra})  # type: ignore[arg-type]


def marks(samples: NDArray[np.int16], kind: str) -> list[LungMark]:
    monitor = LungMonitor(4000, markers=True)
    found = monitor.feed(samples) + monitor.finish()
    return [f for f in found if isinstance(f, LungMark) and f.kind == kind]


def f1(truth: list[tuple[int, int]], found: list[LungMark]) -> float:
    """A mark is right if it overlaps a truth, a truth is found if a mark overlaps it."""
    right = sum(any(a < m.end and m.start < b for a, b in truth) for m in found)
    hit = sum(any(a < m.end and m.start < b for m in found) for a, b in truth)
    return 2 * right * hit / (right * len(truth) + hit * len(found))


def crackles(heard: LungSound) -> list[tuple[int, int]]:
    return [(int(at), int(at) + 40) for at in heard.crackles]


def test_off_unless_asked_for() -> None:
    monitor = LungMonitor(4000)
    found = monitor.feed(lung_sound(body(wheeze_level=1.5), 30.0).samples) + monitor.finish()
    assert not [f for f in found if isinstance(f, LungMark)]


@pytest.mark.parametrize("pitch_hz", [180, 400, 700])
def test_long_tones_are_found(pitch_hz: float) -> None:
    heard = lung_sound(body(wheeze_level=1.0, wheeze_hz=pitch_hz), 40.0)
    assert f1([(int(a), int(b)) for a, b in heard.wheezes], marks(heard.samples, "wheeze")) >= 0.95


@pytest.mark.parametrize("kind", ["fine", "coarse"])
def test_clicks_are_found(kind: str) -> None:
    heard = lung_sound(body(crackles_per_breath=3.0, crackle_kind=kind, crackle_level=12.0), 40.0)
    assert f1(crackles(heard), marks(heard.samples, "crackle")) >= 0.9


def test_nothing_is_found_where_nothing_was_put() -> None:
    for heart in (0.3, 2.0):
        sound = lung_sound(body(heart_behind=heart), 40.0).samples
        assert not marks(sound, "wheeze")
        assert not marks(sound, "crackle")


def test_a_clock_and_a_whistle_keep_no_time_with_the_breath() -> None:
    heard = lung_sound(body(), 40.0).samples.astype(np.float64)
    t = np.arange(heard.size) / 4000
    ticks = 6000.0 * (t % 0.71 < 0.0015)
    whistle = np.zeros(t.size)
    for start in np.random.default_rng(6).uniform(0, 39, 14):
        whistle += 400 * np.sin(2 * np.pi * 500 * t) * ((t >= start) & (t < start + 0.5))
    spoilt = np.clip(heard + ticks + whistle, -32768, 32767).astype(np.int16)
    assert not marks(spoilt, "crackle")
    assert not marks(spoilt, "wheeze")


def test_any_chunking_gives_what_one_piece_gives() -> None:
    sound = lung_sound(body(wheeze_level=1.0, crackles_per_breath=3.0), 24.0).samples
    whole, pieces = LungMonitor(4000, markers=True), LungMonitor(4000, markers=True)
    expected = whole.feed(sound) + whole.finish()
    found = [f for piece in np.array_split(sound, 61) for f in pieces.feed(piece)] + pieces.finish()
    assert found == expected
    assert [f for f in found if isinstance(f, LungMark)]


def test_a_gap_starts_anew() -> None:
    monitor = LungMonitor(4000, markers=True)
    sound = lung_sound(body(wheeze_level=1.0), 30.0).samples
    monitor.feed(sound)
    monitor.gap(4000)
    again = [f for f in monitor.feed(sound) + monitor.finish() if isinstance(f, LungMark)]
    assert again
    assert min(f.start for f in again) >= sound.size + 4000
    with pytest.raises(ValueError, match="negative"):
        monitor.gap(-1)


def test_a_ridge_is_strong_steady_and_neither_short_nor_endless() -> None:
    frequency, strength = np.full(100, 400.0), np.zeros(100)
    strength[10:13], strength[20:30], strength[32:98] = 30, 30, 30
    frequency[25] = 600.0
    assert ridges(Tones(frequency, strength)) == [(20, 25), (26, 30)]
