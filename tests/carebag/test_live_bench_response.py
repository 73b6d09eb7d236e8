"""The response is flat for what came through unchanged, and shows what was filtered; gaps are left out, not judged."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from carebag.live_bench.command import SOURCE_S
from carebag.live_bench.response import response, runs, sweep
from carebag.live_bench.sounds import RATE_HZ, swept, write_sounds
from carebag.sound_sources import heart_recordings


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    folder = write_sounds(tmp_path_factory.mktemp("sounds"), 1)
    return swept(folder, RATE_HZ, SOURCE_S)


def test_unchanged_samples_have_no_response_of_their_own(source: np.ndarray) -> None:
    played = source[5000:41000] / 32768
    found = response([played.tolist()], source, RATE_HZ)
    assert found.used == found.segments > 10
    assert found.worst_db is not None
    assert found.worst_db < 1e-6
    assert (min(found.hz) < 21, max(found.hz) > 999) == (True, True)


def test_silence_before_and_after_is_no_part_of_it(source: np.ndarray) -> None:
    played = np.concatenate([np.zeros(1856), source[40:20000] / 32768, np.zeros(900)])
    found = response([played.tolist(), [0.0] * 5000], source, RATE_HZ)
    assert found.used == found.segments > 5
    assert found.worst_db is not None
    assert found.worst_db < 0.001


def test_a_cut_of_the_lows_is_seen(source: np.ndarray) -> None:
    heard = sosfilt(butter(1, 40, "high", fs=RATE_HZ, output="sos"), source / 32768)
    found = response([heard[5000:41000].tolist()], source, RATE_HZ)
    at_20 = found.db[int(np.argmin(np.abs(np.array(found.hz) - 20)))]
    at_800 = found.db[int(np.argmin(np.abs(np.array(found.hz) - 800)))]
    assert at_20 == pytest.approx(-7, abs=0.5)  # 1/sqrt(5) by the filter's formula
    assert abs(at_800) < 0.1


def test_a_gap_is_left_out_and_counted(source: np.ndarray) -> None:
    played = source[5000:41000] / 32768
    played = np.concatenate([played[:12000], np.zeros(400), played[12000:]])
    found = response([played.tolist()], source, RATE_HZ)
    assert 0 < found.used < found.segments
    assert found.worst_db is not None
    assert found.worst_db < 0.1


def test_silence_in_place_of_sound_is_no_filter(source: np.ndarray) -> None:
    played = source[5000:41000] / 32768
    played[9000:9300] = 0
    found = response([played.tolist()], source, RATE_HZ)
    assert found.worst_db is not None
    assert found.worst_db < 0.1


def test_the_tail_of_a_filter_before_the_sound_is_no_part_of_it(source: np.ndarray) -> None:
    played = np.concatenate([np.full(1900, -1.4e-40), np.zeros(40), source[5000:41000] / 32768])
    found = response([played.tolist()], source, RATE_HZ)
    assert (found.used, found.worst_db) == (found.segments, pytest.approx(0, abs=1e-6))


@pytest.mark.parametrize("samples", [2, 4, 20])
def test_a_segment_with_a_hole_is_left_out(source: np.ndarray, samples: int) -> None:
    """Half a millisecond and more: the ear waited for a chunk that came a little late."""
    played = source[5000:41000] / 32768
    played[9000 : 9000 + samples] = 0
    found = response([played.tolist()], source, RATE_HZ)
    assert found.used in (found.segments - 1, found.segments - 2)
    assert found.worst_db == pytest.approx(0, abs=1e-6)


def test_something_else_is_not_judged(source: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 20_000)
    found = response([noise.tolist()], source, RATE_HZ)
    assert (found.used, found.worst_db) == (0, None)
    assert found.segments > 3
    assert response([], source, RATE_HZ).segments == 0


def test_the_sweeps_hold_the_whole_band_and_join_without_a_jump() -> None:
    one = sweep(RATE_HZ).astype(float)
    power = np.abs(np.fft.rfft(one)) ** 2
    hz = np.fft.rfftfreq(len(one), 1 / RATE_HZ)
    octaves = [power[(hz >= low) & (hz < 2 * low)].sum() for low in (20, 40, 80, 160, 320, 500)]
    assert min(octaves) > max(octaves) / 3
    assert np.abs(np.diff(one)).max() < 22_000  # of its highest tone


def test_segments_beside_a_gap_are_not_judged() -> None:
    assert runs([5, 6, 5, 5], 3) == [(5, range(4))]
    assert runs([5, 5, 5, 99, 99, 99], 3) == [(5, range(2)), (99, range(4, 6))]
    assert runs([1, 100, 200, 300], 3) == []
    assert runs([], 3) == []


def test_the_heart_is_heard_before_the_sweep(tmp_path: Path) -> None:
    names = [path.name for path in heart_recordings(write_sounds(tmp_path, 1))]
    assert names == ["1-heart.wav", "2-sweep.wav"]
