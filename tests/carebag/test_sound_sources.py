"""What the simulated stethoscope plays: recordings without a click at the seam, else a made-up heart."""

from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from carebag.sound_sources import IRREGULAR, REGULAR, endless, following_heart, read_heart, sound_source

RATE = 4000


def first(blocks: object, samples: int) -> np.ndarray:
    return np.concatenate(list(islice(blocks, 8)))[:samples]  # type: ignore[call-overload]


@given(st.integers(1000, 20_000), st.integers(1, 200))
def test_the_seam_makes_no_step_larger_than_the_sound_itself(length: int, cycles: int) -> None:
    wave = np.round(8000 * np.sin(2 * np.pi * cycles * np.arange(length) / length)).astype(np.int16)
    looped = np.concatenate(list(islice(endless(wave, RATE), 5))).astype(np.int64)
    within = np.abs(np.diff(wave.astype(np.int64))).max()
    assert np.abs(np.diff(looped)).max() <= 2 * within + 200


def test_recordings_take_turns(tmp_path: Path) -> None:
    for number in (1, 2):
        wavfile.write(tmp_path / f"{number}.wav", RATE, np.full(RATE, number * 100, np.int16))
    source = sound_source(str(tmp_path), seed=1)
    assert [int(first(source(RATE), 10)[0]) for _ in range(3)] == [100, 200, 100]


def test_another_rate_is_resampled(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", 2000, np.zeros(2000, np.int16))
    assert len(read_heart(tmp_path / "a.wav", RATE)) == RATE


def test_stereo_is_refused(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", RATE, np.zeros((10, 2), np.int16))
    with pytest.raises(ValueError, match="mono"):
        read_heart(tmp_path / "a.wav", RATE)


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no \.wav"):
        sound_source(str(tmp_path), seed=1)


def test_without_recordings_the_same_seed_is_the_same_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAREBAG_RECORDINGS", raising=False)
    one, same, other = (first(sound_source(None, seed)(RATE), 4 * RATE) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("per_min", [62.0, 95.0, 118.0])
def test_the_made_up_heart_beats_as_the_body_says(per_min: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAREBAG_RECORDINGS", raising=False)
    source = sound_source(None, seed=3, pulse=lambda: per_min)
    samples = np.concatenate(list(islice(source(RATE), 8)))
    assert len(samples) / RATE == pytest.approx(32 * 60 / per_min, rel=0.03)


def test_it_follows_a_pulse_that_changes() -> None:
    now = [60.0]
    blocks = following_heart(RATE, 3, lambda: now[0])
    slow = next(blocks)
    now[0] = 120.0
    fast = next(blocks)
    assert len(slow) / len(fast) == pytest.approx(2.0, rel=0.05)


def test_an_irregular_heart_is_irregular() -> None:
    def spread(variability: float) -> float:
        lengths = [len(block) for block in islice(following_heart(RATE, 3, lambda: 80.0, variability), 40)]
        return float(np.std(lengths) / np.mean(lengths))

    assert spread(IRREGULAR) > 0.04
    assert spread(REGULAR) < 0.01


def test_beats_join_without_a_click() -> None:
    blocks = list(islice(following_heart(RATE, 3, lambda: 75.0), 6))
    steps = [abs(int(after[0]) - int(before[-1])) for before, after in pairwise(blocks)]
    assert max(steps) < 0.1 * max(np.abs(block.astype(int)).max() for block in blocks)
