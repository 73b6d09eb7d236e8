"""Files that hold less than they should are read as far as they go, and it is said."""

import json
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.io import wavfile

from carebag.analyse import _in_words, _one
from carebag.cli import main
from carebag.recording_files import CutShort, UnreadableRecording, read_recording
from carebag_signal.synthetic import Body, heart_sound

RATE_HZ = 4000
HEARD = heart_sound(Body(seed=12, heart_per_min=66), 12.0).samples


def flac(file: Path, samples: NDArray[np.int16]) -> bytes:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("flac", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.read_bytes()


def wav(file: Path, samples: NDArray[np.generic]) -> bytes:
    wavfile.write(file, RATE_HZ, samples)
    return file.read_bytes()


@settings(max_examples=40)
@given(st.integers(45, 44 + 2 * 400), st.sampled_from([np.uint8, np.int16, np.int32, np.float32]))
def test_a_wav_cut_anywhere_says_how_much_is_missing(
    tmp_path_factory: pytest.TempPathFactory, size: int, kind: type[np.generic]
) -> None:
    file = tmp_path_factory.getbasetemp() / "cut.wav"
    told = {np.uint8: HEARD[:400] // 256 + 128, np.float32: HEARD[:400] / 32767}.get(kind, HEARD[:400])
    content = wav(file, told.astype(kind))
    data = content.index(b"data") + 8
    whole = (len(content) - data) // 400
    size = data + size - 44
    file.write_bytes(content[:size])
    there = min(400, (size - data) // whole)
    if not there:
        with pytest.raises(UnreadableRecording) as refused:
            read_recording(file)
        assert refused.value.code == "empty"
        return
    read = read_recording(file)
    assert read.samples.size == there
    assert read.cut_short == (None if there == 400 else CutShort("ends_early", 400 - there))


def test_24_bits_cut_within_a_sample(tmp_path: Path) -> None:
    file = tmp_path / "deep.wav"
    content = bytearray(wav(file, HEARD[:300]))
    content[28:36] = struct.pack("<IHH", 3 * RATE_HZ, 3, 24)  # 600 bytes are 200 samples of three
    file.write_bytes(content[:-4])
    read = read_recording(file)
    assert (read.samples.size, read.cut_short) == (198, CutShort("ends_early", 2))


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_from_a_pipe_has_no_length_to_fall_short_of(tmp_path: Path, size: int) -> None:
    file = tmp_path / "pipe.wav"
    content = bytearray(wav(file, HEARD[:400]))
    content[40:44] = struct.pack("<I", size)
    file.write_bytes(content)
    read = read_recording(file)
    assert (read.samples.size, read.cut_short) == (400, None)


@pytest.mark.parametrize("is_cut", [False, True])
def test_rf64_has_its_length_elsewhere(tmp_path: Path, is_cut: bool) -> None:
    file, sound = tmp_path / "long.wav", HEARD[:400].tobytes()
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    sizes = b"ds64" + struct.pack("<IQQQI", 28, 36 + 24 + 8 + len(sound) + 4, len(sound), 400, 0)
    content = b"RF64\xff\xff\xff\xffWAVE" + sizes + form + b"data\xff\xff\xff\xff" + sound
    file.write_bytes(content[:-100] if is_cut else content)
    read = read_recording(file)
    np.testing.assert_array_equal(read.samples, HEARD[: 350 if is_cut else 400])
    assert read.cut_short == (CutShort("ends_early", 50) if is_cut else None)


def test_what_lies_behind_the_sound_of_a_wav_may_be_cut(tmp_path: Path) -> None:
    file = tmp_path / "tail.wav"
    file.write_bytes(wav(file, HEARD[:400]) + b"LIST\x40\x00\x00\x00INFO")
    assert read_recording(file).cut_short is None


@pytest.mark.parametrize("left", [1.0, 0.999, 0.5])
def test_a_flac_cut_short_is_read_up_to_its_last_whole_frame(tmp_path: Path, left: float) -> None:
    file = tmp_path / "heart.flac"
    content = flac(file, HEARD)
    file.write_bytes(content[: round(left * len(content))])
    read = read_recording(file)
    np.testing.assert_array_equal(read.samples, HEARD[: read.samples.size])
    missing = HEARD.size - read.samples.size
    assert read.cut_short == (CutShort("ends_early", missing) if left < 1.0 else None)
    assert read.samples.size >= (left - 0.15) * HEARD.size


def test_a_flac_is_not_read_beyond_a_hole(tmp_path: Path) -> None:
    """Behind it every beat would lie too early."""
    file = tmp_path / "heart.flac"
    content = bytearray(flac(file, HEARD))
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    file.write_bytes(content)
    read = read_recording(file)
    np.testing.assert_array_equal(read.samples, HEARD[: read.samples.size])
    assert 0.3 * HEARD.size < read.samples.size < 0.6 * HEARD.size
    assert read.cut_short == CutShort("damaged_within", HEARD.size - read.samples.size)


@pytest.mark.parametrize(
    ("end", "samples", "is_open"),
    [("\n12\n", [1, 2, 12], False), ("\n12", [1, 2, 12], True), ("\n-", [1, 2], True), ("\n", [1, 2], False)],
)
def test_a_csv_whose_last_line_is_open(tmp_path: Path, end: str, samples: list[int], is_open: bool) -> None:
    file = tmp_path / "heart.csv"
    file.write_text("# rate_hz=4000\n1\n2" + end)
    read = read_recording(file)
    assert read.samples.tolist() == samples
    assert read.cut_short == (CutShort("last_line_open", None) if is_open else None)


def test_it_is_said_in_words_json_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "heart.wav"
    content = wav(file, HEARD)
    file.write_bytes(content[: 44 + 2 * 32_000])
    found = _one(file, kind="heart", rate_hz=None, plot=tmp_path / "x.svg", several=False, markers=False)
    assert found["cut_short"] == {"code": "ends_early", "missing_s": 4.0}
    assert "8.0 s (cut short, 4.0 s of what its header promises are missing), heart rate" in _in_words(found)
    assert "· cut short" in (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert main(["analyse", str(file), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["cut_short"]["missing_s"] == 4.0
    assert "heart.wav: cut short, 4.0 s" in told.err


@pytest.mark.parametrize("kind", ["heart", "lung", "ppg"])
def test_of_a_whole_file_nothing_is_said(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "whole.csv"
    file.write_text("# rate_hz=2000\n" + "".join(f"{v}\n" for v in HEARD[:8000] // 16))
    if kind == "ppg":
        file.write_text("# rate_hz=125\n" + "".join(f"{v}\n" for v in HEARD[:2000]))
    found = _one(file, kind=kind, rate_hz=None, plot=None, several=False, markers=False)
    assert found["cut_short"] is None
    assert "cut short" not in _in_words(found)
