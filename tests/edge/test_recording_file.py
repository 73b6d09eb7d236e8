import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge import recording_file
from carebag_edge.data_key import DataKey, Seal
from carebag_edge.recording_file import RecordingFile, content, paths, salvage
from carebag_edge.sample_ledger import Implausible, SampleLedger

FRAMES = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), max_size=30)
TRUTH = np.arange(1, 2000, dtype=np.int16)
"""Sample i is i + 1, so that nothing real is zero."""


def holes_of(there: np.ndarray) -> set[int]:
    return set(np.flatnonzero(~there).tolist())


def members(spans) -> set[int]:
    return {i for start, count in spans for i in range(start, start + count)}


@given(frames=FRAMES)
def test_what_is_there_and_what_is_not_adds_up(frames) -> None:
    ledger, there, end = SampleLedger(10_000), np.zeros(2000, bool), 0
    for first, count in frames:
        placement = ledger.place(first, count)
        new = set(range(first, first + count)) - set(np.flatnonzero(there).tolist())
        assert members(placement.writes) == new
        there[first : first + count] = True
        end = max(end, first + count, first)
        assert ledger.end == end
        assert members(ledger.holes) == holes_of(there[:end])


@pytest.mark.parametrize(("first", "count"), [(-1, 5), (1001, 5)])
def test_a_number_that_cannot_be_is_refused(first: int, count: int) -> None:
    ledger = SampleLedger(1000)
    with pytest.raises(Implausible):
        ledger.place(first, count)
    assert (ledger.end, ledger.holes) == (0, [])


def test_a_sealed_sound_comes_back_sample_by_sample_and_its_gaps_as_zeros(tmp_path: Path, monkeypatch) -> None:
    seal = Seal(DataKey(bytes(32)))
    file = RecordingFile(tmp_path, 3, 4000, seal)
    file.add(0, TRUTH[:100])
    file.add(150, TRUTH[150:200])
    file.forcing()()
    file.add(120, TRUTH[120:130])
    file.close()
    on_disk = paths(tmp_path, 3, is_sealed=True)[0].read_bytes()
    assert TRUTH[:8].tobytes() not in on_disk
    expected = TRUTH[:200].copy()
    for boot, gaps in ((None, ((100, 20), (130, 20))), ("another boot", ((100, 50),))):
        if boot:
            monkeypatch.setattr(recording_file, "boot_id", lambda: "another boot")
        expected[100:150] = 0
        if not boot:
            expected[120:130] = TRUTH[120:130]
        sound = salvage(tmp_path, 3, seal)
        assert sound is not None
        assert (sound.samples, sound.gaps) == (200, gaps)
        assert content(tmp_path, 3, seal, sound.gaps) == expected.astype("<i2").tobytes()
        assert sound.sha256 == hashlib.sha256(expected.astype("<i2").tobytes()).hexdigest()
    recording_file.discard(tmp_path, 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("with_key", [True, False])
def test_a_sealed_sound_without_its_salt_or_key_is_no_noise(tmp_path: Path, with_key: bool) -> None:
    seal = Seal(DataKey(bytes(32)))
    file = RecordingFile(tmp_path, 3, 4000, seal)
    file.add(0, TRUTH[:100])
    file.close()
    if with_key:
        _, holes_path = paths(tmp_path, 3)
        holes_path.write_text(holes_path.read_text().replace("salt", "sal7"))
    assert salvage(tmp_path, 3, seal if with_key else None) is None
    assert content(tmp_path, 3, seal if with_key else None, ()) is None


def test_an_open_sound_of_an_earlier_program_is_salvaged_with_a_seal(tmp_path: Path) -> None:
    cut_off(tmp_path)
    sound = salvage(tmp_path, 3, Seal(DataKey(bytes(32))))
    assert sound is not None
    assert (sound.samples, sound.gaps) == (200, ((100, 20), (130, 20)))


@given(frames=FRAMES, total=st.integers(0, 400))
def test_the_file_is_the_sound_with_gaps_as_zeros(tmp_path_factory, frames, total: int) -> None:
    folder = tmp_path_factory.mktemp("sound")
    file = RecordingFile(folder, 1, 4000)
    expected = np.zeros(2000, np.int16)
    for first, count in frames:
        file.add(first, TRUTH[first : first + count])
        expected[first : first + count] = TRUTH[first : first + count]
    end = max([total, *(first + count for first, count in frames), *(first for first, _ in frames)])
    sound = file.finish(total)
    content = sound.path.read_bytes()
    assert content == expected[:end].astype("<i2").tobytes()
    assert sound.sha256 == hashlib.sha256(content).hexdigest()
    assert sound.samples == end
    assert members(sound.gaps) == set(np.flatnonzero(expected[:end] == 0).tolist())


def cut_off(folder: Path) -> RecordingFile:
    """A recording with a hole, a repaired hole, and no end."""
    file = RecordingFile(folder, 3, 4000)
    file.add(0, TRUTH[:100])
    file.forcing()()
    file.add(150, TRUTH[150:200])
    file.add(120, TRUTH[120:130])
    file.close()
    return file


def test_after_a_crash_of_the_program_all_of_it_is_there(tmp_path: Path) -> None:
    cut_off(tmp_path)
    sound = salvage(tmp_path, 3)
    assert sound is not None
    assert (sound.samples, sound.gaps) == (200, ((100, 20), (130, 20)))
    content = np.frombuffer(sound.path.read_bytes(), "<i2")
    assert (content[120:130] == TRUTH[120:130]).all()


def test_after_a_power_cut_only_what_was_forced_is_believed(tmp_path: Path, monkeypatch) -> None:
    cut_off(tmp_path)
    monkeypatch.setattr(recording_file, "boot_id", lambda: "another boot")
    sound = salvage(tmp_path, 3)
    assert sound is not None
    assert (sound.samples, sound.gaps) == (100, ())


def test_a_torn_line_and_a_torn_sample_are_left_out(tmp_path: Path) -> None:
    cut_off(tmp_path)
    sound_path, holes_path = paths(tmp_path, 3)
    with sound_path.open("ab") as file:
        file.write(b"\x01")
    with holes_path.open("a") as file:
        file.write("filled 100 2")
    sound = salvage(tmp_path, 3)
    assert sound is not None
    assert (sound.samples, sound.gaps) == (200, ((100, 20), (130, 20)))


@given(notes=st.binary(max_size=300))
def test_any_list_of_holes_can_be_read(tmp_path_factory, notes: bytes) -> None:
    folder = tmp_path_factory.mktemp("sound")
    sound_path, holes_path = paths(folder, 1)
    sound_path.write_bytes(b"\x01\x00" * 50)
    holes_path.write_bytes(notes)
    sound = salvage(folder, 1)
    assert sound is None or sound.samples <= 50


def test_nothing_to_salvage(tmp_path: Path) -> None:
    assert salvage(tmp_path, 9) is None
