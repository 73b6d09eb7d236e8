"""`carebag analyse`: files in, JSON and pictures out; every damage by name."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile

from carebag.analyse import _in_words, _one
from carebag.progress import Progress
from carebag.recording_files import UnreadableRecording, read_recording
from carebag.spectrogram import colours, log_power
from carebag_signal.synthetic import Body, heart_sound, lung_sound, pulse_wave

HEARD = heart_sound(Body(seed=12, heart_per_min=66), 12.0)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "carebag.cli", "analyse", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    file = tmp_path / "heart.wav"
    wavfile.write(file, HEARD.rate_hz, HEARD.samples)
    return file


def test_one_file_to_json_and_picture(wav: Path, tmp_path: Path) -> None:
    answer = run(wav, "--json", "--plot", tmp_path / "heart.svg")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["heart_rate_bpm"] == pytest.approx(66, rel=0.05)
    assert len(found["s1_s"]) == pytest.approx(len(HEARD.s1), abs=2)
    assert found["quality"][-1]["word"] == "good"
    picture = ElementTree.parse(tmp_path / "heart.svg").getroot()  # our own file
    assert picture.tag.endswith("svg")
    shown = f"{found['heart_rate_bpm']:.0f}/min"
    assert any(shown in (text.text or "") for text in picture.iter() if text.tag.endswith("text"))


def words_in(picture: Path) -> str:
    return " ".join(text.text or "" for text in ElementTree.parse(picture).iter() if text.tag.endswith("text"))


def saved(folder: Path, body: Body) -> Path:
    wavfile.write(folder / "heard.wav", 4000, heart_sound(body, 15.0).samples)
    return folder / "heard.wav"


def test_a_fast_heart_is_not_named(tmp_path: Path) -> None:
    file = saved(tmp_path, Body(seed=8, heart_per_min=150, murmur="systolic"))
    found = _one(file, kind="heart", rate_hz=None, plot=tmp_path / "fast.svg", several=False, markers=False)
    assert found["names_sure"] is False
    assert found["unnamed_s"] == sorted(found["s1_s"] + found["s2_s"])
    assert (found["listen_here"], found["extra_sound_why_not"]) == ([], "names_unsure")
    shown = words_in(tmp_path / "fast.svg")
    assert "not named where the heart beats too fast" in shown
    assert f"heart sound ({len(found['unnamed_s'])})" in shown
    assert "S1 (0)" not in shown
    assert f"{len(found['unnamed_s'])} heart sounds not named S1 or S2" in _in_words(found)
    assert "0 S1" not in _in_words(found)


def test_where_to_listen_again_is_drawn_and_said_only_where_it_points(tmp_path: Path) -> None:
    for level, points in ((0.2, True), (0.0, False)):
        file = saved(tmp_path, Body(seed=31, murmur="systolic" if points else "none", murmur_level=level))
        found = _one(file, kind="heart", rate_hz=None, plot=tmp_path / "heard.svg", several=False, markers=False)
        assert found["names_sure"] is True
        assert bool(found["listen_here"]) == (found["extra_sound_probability"] >= 0.5) == points
        assert ("listen here" in words_in(tmp_path / "heard.svg")) == points
        assert ("listen here: more sound than expected between S1 and S2 (at " in _in_words(found)) == points
        assert "murmur" not in words_in(tmp_path / "heard.svg") + _in_words(found)


def test_several_files_in_a_folder_and_one_that_is_none(wav: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(wav.read_bytes()[:30])
    answer = run(wav, broken, "--json", "--out", tmp_path / "out", "--plot", tmp_path / "pictures")
    assert answer.returncode == 1
    first, second = (json.loads(line) for line in answer.stdout.splitlines())
    assert first["heart_rate_bpm"] is not None
    assert second["error"] == "damaged"
    assert "broken.wav" in answer.stderr
    assert (tmp_path / "out" / "heart.json").exists()
    assert (tmp_path / "pictures" / "heart.png").read_bytes().startswith(b"\x89PNG")
    assert "\r" not in answer.stderr  # progress is for terminals


def test_a_pulse_wave(tmp_path: Path) -> None:
    wave = pulse_wave(Body(seed=13, heart_per_min=72), 60.0)
    np.savez(tmp_path / "finger.npz", pleth=wave.values, other=wave.values, fs=wave.rate_hz)
    answer = run(tmp_path / "finger.npz", "--kind", "ppg", "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert len(found["beats_s"]) == pytest.approx(len(wave.feet_s), abs=4)
    assert found["pulse_rate"][-1][1] == pytest.approx(72, rel=0.08)


def test_one_picture_cannot_hold_several_files(wav: Path, tmp_path: Path) -> None:
    assert run(wav, wav, "--plot", tmp_path / "one.svg").returncode == 2


def test_every_format_gives_the_same_samples(wav: Path, tmp_path: Path) -> None:
    csv, npz = tmp_path / "heart.csv", tmp_path / "heart.npz"
    csv.write_text("# rate_hz=4000\nsample\n" + "\n".join(map(str, HEARD.samples)))
    np.savez(npz, samples=HEARD.samples, rate_hz=4000)
    wide = tmp_path / "wide.npz"  # as Windows' numpy makes integers
    np.savez(wide, samples=HEARD.samples.astype(np.int32), rate_hz=4000.0)
    as_float, as_int32 = tmp_path / "float.wav", tmp_path / "int32.wav"
    wavfile.write(as_float, 4000, (HEARD.samples / 32767).astype(np.float32))
    wavfile.write(as_int32, 4000, HEARD.samples.astype(np.int32) << 16)
    as_double = tmp_path / "double.wav"
    wavfile.write(as_double, 4000, HEARD.samples / 32767)
    for file in (wav, csv, npz, wide, as_float, as_double, as_int32):
        rate_hz, samples, _ = read_recording(file)
        assert rate_hz == 4000
        np.testing.assert_array_equal(samples, HEARD.samples)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("x.mp3", b"", "unknown_format"),
        ("x.csv", b"1\n2\n3\n", "no_rate"),
        ("x.csv", b"# rate_hz=4000\n1\nnan\n", "not_finite"),
        ("x.csv", b"# rate_hz=4000\n1\nx\n", "damaged"),
        ("x.csv", b"# rate_hz=4000\n", "empty"),
        ("x.npz", b"PK", "damaged"),
        ("x.flac", b"fLaC", "damaged"),
    ],
)
def test_damage_by_name(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableRecording) as refused:
        read_recording(tmp_path / name)
    assert refused.value.code == code


def test_stereo_and_absent_files_are_refused(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "stereo.wav", 4000, np.zeros((100, 2), np.int16))
    for name, code in (("stereo.wav", "not_one_channel"), ("absent.wav", "not_found")):
        with pytest.raises(UnreadableRecording) as refused:
            read_recording(tmp_path / name)
        assert refused.value.code == code


@settings(max_examples=60)
@given(st.binary(max_size=200), st.sampled_from([".wav", ".csv", ".npz", ".flac"]), st.booleans())
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str, with_head: bool
) -> None:
    file = tmp_path_factory.getbasetemp() / f"any{suffix}"
    head = b"RIFF\xff\x00\x00\x00WAVEfmt \x10\x00\x00\x00" if suffix == ".wav" and with_head else b""
    file.write_bytes(head + content)
    try:
        rate_hz, samples, _ = read_recording(file, 4000)
    except UnreadableRecording:
        pass
    else:
        assert samples.dtype == np.int16
        assert samples.ndim == 1
        assert rate_hz


def test_lung_sound_and_places_to_listen_to(tmp_path: Path) -> None:
    body = Body(
        seed=14,
        breaths_per_min=18,
        breath_variability=0.05,
        inspired_share=0.4,
        expired_share=0.7,
        wheeze_level=1.0,
    )
    heard = lung_sound(body, 30.0)
    wavfile.write(tmp_path / "back.wav", heard.rate_hz, heard.samples)
    answer = run(tmp_path / "back.wav", "--kind", "lung", "--json", "--plot", tmp_path / "back.png")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["breathing_rate_per_min"] == pytest.approx(18, abs=2)
    assert "listen_here" not in found
    with Image.open(tmp_path / "back.png") as picture:
        assert picture.width == 2400
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50
    marked = json.loads(run(tmp_path / "back.wav", "--kind", "lung", "--json", "--markers").stdout)
    assert {place["kind"] for place in marked["listen_here"]} == {"wheeze"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.wav", "b/a.wav", "--out", "x"],
        ["a.wav", "--plot", "x.gif"],
        ["a.wav", "--markers"],
        ["a.wav", "--jobs", "-1"],
        ["a.wav", "--rate", "0"],
    ],
)
def test_arguments_that_do_not_fit_together(arguments: list[str]) -> None:
    answer = run(*arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith("carebag analyse: ")


@pytest.mark.parametrize(
    ("samples", "rate_hz", "code"),
    [
        (np.zeros(1000, np.int16), 500, "not_analysable"),
        (np.zeros(1000, np.int16), 400_000, "not_analysable"),
        (np.array([0.0, np.nan, 0.1]), 4000, "not_finite"),
        (np.zeros((500, 2), np.int16), 4000, "not_one_channel"),
        (np.zeros(0, np.int16), 4000, "empty"),
        (np.linspace(-900.5, 900.5, 20_000), 4000, "wrong_scale"),
        (np.full(20_000, 40_000, np.int64), 4000, "damaged"),
        (np.full(20_000, 1j), 4000, "damaged"),
        (np.zeros(20_000, np.int16), 4000.5, "damaged"),
        (np.zeros(20_000, np.int16), np.nan, "damaged"),
        (np.zeros(20_000, np.int16), 0, "no_rate"),
        (np.zeros(20_000, np.int16), -4000, "not_analysable"),
    ],
)
@pytest.mark.parametrize("kind", ["heart", "lung"])
def test_bad_recordings_by_name(
    tmp_path: Path, samples: NDArray[np.generic], rate_hz: float, code: str, kind: str
) -> None:
    np.savez(tmp_path / "bad.npz", samples=samples, rate_hz=rate_hz)
    assert _one(tmp_path / "bad.npz", kind=kind, rate_hz=None, plot=None, several=False, markers=False)["error"] == code


@pytest.mark.parametrize(
    ("values", "rate_hz", "code"),
    [
        (np.zeros(1000), 10, "not_analysable"),
        (np.zeros(1000), 4000, "not_analysable"),
        (np.full(1000, np.inf), 125, "not_finite"),
        (np.full(1000, 1e13), 125, "not_analysable"),
        (np.zeros((500, 2)), 125, "not_one_channel"),
        (np.zeros(0), 125, "empty"),
        (np.full(1000, "x"), 125, "damaged"),
        (np.zeros(1000), 29.97, "damaged"),
    ],
)
def test_bad_pulse_waves_by_name(tmp_path: Path, values: NDArray[np.generic], rate_hz: float, code: str) -> None:
    np.savez(tmp_path / "bad.npz", pleth=values, fs=rate_hz)
    answer = _one(tmp_path / "bad.npz", kind="ppg", rate_hz=None, plot=None, several=False, markers=False)
    assert answer["error"] == code


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(1, np.int16),
        np.zeros(20_000, np.int16),
        np.full(20_000, 12_000, np.int16),
        np.where(np.arange(20_000) % 200 < 100, 32767, -32768).astype(np.int16),
        np.zeros(20_000, np.int8),
        np.linspace(-1, 1, 20_000),
    ],
)
@pytest.mark.parametrize("kind", ["heart", "lung", "ppg"])
def test_senseless_recordings_show_nothing_and_draw(tmp_path: Path, samples: NDArray[np.generic], kind: str) -> None:
    np.savez(tmp_path / "x.npz", samples=samples, rate_hz=4000 if kind != "ppg" else 1000)
    picture = tmp_path / "x.svg"
    answer = _one(tmp_path / "x.npz", kind=kind, rate_hz=None, plot=picture, several=False, markers=False)
    assert "error" not in answer
    json.dumps(answer, allow_nan=False)
    assert answer.get("heart_rate_bpm") is None
    assert answer.get("breathing_rate_per_min") is None
    ElementTree.parse(picture)


def test_progress_says_count_rate_and_time_left() -> None:
    now = iter([0.0, 10.0, 20.0])
    terminal = StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    progress = Progress(4, terminal, lambda: next(now))
    progress.step()
    progress.step()
    assert "2 of 4, 0.1 a second, 0:20 left" in terminal.getvalue()
    silent = StringIO()
    Progress(4, silent).step()
    assert silent.getvalue() == ""


def test_a_spectrogram_shows_a_tone_where_it_is() -> None:
    tone = 1000 * np.sin(2 * np.pi * 250 * np.arange(8000) / 4000)
    power = log_power(tone, 4000, 1000.0, columns=50)
    assert power.shape[1] == 50
    row = power.shape[0] - 1 - int(power[:, 25].argmax())
    assert row / power.shape[0] * 1000 == pytest.approx(250, abs=20)
    assert colours(power).shape == (*power.shape, 3)
    assert log_power(tone[:10], 4000, 1000.0, columns=5).size == 0
