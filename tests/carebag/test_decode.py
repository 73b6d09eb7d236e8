"""`carebag decode`: the exact JSON, hex in every usual spelling, and a sentence for everything that is refused."""

import io
import json
import sys
from pathlib import Path

import pytest

from carebag.cli import main
from carebag_devices.decoding import CHARACTERISTICS, FILES

CUFF = "16 8a00 5400 6600 ea07 0b 17 09 1e 05 4800 0100"
MESSAGE = b"H|\\^&|||POC-CRP^1^SN1|||||||P|LIS2-A2|20261122101530\rO|1|S\rR|1|^^^48421-2^CRP|<5|mg/L\rL|1|N\r"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["decode", *words])
    out = capsys.readouterr()
    return status, out.out, out.err


def test_json_is_exactly_this(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "2a35", CUFF, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "kind": "blood_pressure",
        "values": [
            {"name": "systolic", "value": "138", "comparator": None, "unit": "mm[Hg]"},
            {"name": "diastolic", "value": "84", "comparator": None, "unit": "mm[Hg]"},
            {"name": "mean", "value": "102", "comparator": None, "unit": "mm[Hg]"},
            {"name": "pulse", "value": "72", "comparator": None, "unit": "/min"},
        ],
        "time": "2026-11-23T09:30:05",
        "status": ["body_moved"],
        "problems": [],
    }


@pytest.mark.parametrize(
    "words",
    [
        ["01b0f070f086f0"],
        ["01B0F070F086F0"],
        ["01 b0 f0 70 f0 86 f0"],
        ["01:B0:F0:70:F0:86:F0"],
        ["0x01b0f070f086f0"],
        ["0x01,0xb0,0xf0,0x70,0xf0,0x86,0xf0"],
        ["01-B0-F0-70-F0-86-F0\n"],
        ["01", "b0f0", "70f0", "86f0"],
        ["(0x) 01-B0-F0-70-F0-86-F0"],  # nRF Connect
    ],
)
def test_hex_in_every_usual_spelling(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "2a35", *words, "--json")
    assert status == 0
    assert json.loads(out)["values"][1] == {
        "name": "systolic_kpa",
        "value": "17.6",
        "comparator": None,
        "unit": "kPa",
    }


def test_words_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "2a5f", "0c 6100 4800 0000 000800")
    assert status == 0
    assert out.splitlines() == [
        "oximetry",
        "  spo2    —  %",
        "  pulse   —  /min",
        "  status  finger_off",
        "  ! spo2, pulse: not shown: the sensor is not on the finger",
    ]


def test_files_and_their_comparator(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "result.txt").write_bytes(MESSAGE)
    status, out, _ = run(capsys, "LIS2", str(tmp_path / "result.txt"))
    assert status == 0
    assert "<5  mg/L" in out


def _stdin(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))


def test_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _stdin(monkeypatch, b"57\n")
    assert "87" in run(capsys, "2a19", "-")[1]
    _stdin(monkeypatch, MESSAGE)
    assert "<5" in run(capsys, "lis2", "-")[1]
    _stdin(monkeypatch, b"\xff\x00")
    assert run(capsys, "2a19", "-")[0] == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["2a35", ""], "no bytes"),
        (["2a35", " : "], "no bytes"),
        (["2a35", "0x"], "no bytes"),
        (["2a35", "123"], "odd number of hex digits (3)"),
        (["2a35", "1g"], "'g' is no hex digit"),
        (["2a35", "10x5"], "'x' is no hex digit"),
        (["2a35", "٣٣"], "no hex digit"),
        (["2a35", "zz"], "wanted in hex, as in 16 8a 00"),
        (
            ["2a35", "/nonexistent"],
            "/nonexistent: there is no such file, and it is no hex. 2a35 wants its bytes in hex",
        ),
        (["2a35", "value.hex"], "value.hex: there is no such file"),
        (["2a35", "{folder}/empty"], "that is a file's name"),
        (["2a35", "00"], "(truncated)"),
        (["2a19", "5700"], "(trailing_bytes)"),
        (["2a19", "65"], "more than 100 percent"),
        (["2a99", "00"], "no characteristic"),
        (["", "00"], "no characteristic"),
        (["lis2", "{folder}/none"], "none: there is no such file"),
        (["lis2", "{folder}"], "that is a folder, not a file"),
        (["lis2", "a\0b"], "no file's name"),
        (["lis2", "{folder}/empty"], "empty"),
        (["lis2", "{folder}/binary"], "lis2: "),
        (["lis2", "{folder}/huge"], "more than 10 MB"),
        (["lis2", "a", "b"], "one file at a time"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_refused_input_is_one_sentence_and_status_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, *, as_json: bool
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 9)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10_000_001)
    words = [word.format(folder=tmp_path) for word in words]
    status, out, err = run(capsys, *words, *(["--json"] if as_json else []))
    assert status == 2
    assert sentence in err
    assert err.startswith("carebag decode: ")
    assert err.count("\n") == 1
    if as_json:
        said = json.loads(out)
        assert said == {"kind": None, "values": [], "time": None, "status": [], "problems": said["problems"]}
        assert sentence in said["problems"][0]
    else:
        assert out == ""


def test_a_devices_text_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "2a24", "c29b33316d58e280ae")
    assert "\\u009b31mX\\u202e" in out


def test_a_narrow_terminal_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert main(["decode", "2a5e", "00ff07ff07"]) == 0
    narrow.seek(0)
    assert "\\u2014" in narrow.read()


def test_help_names_everything_that_can_be_decoded(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["decode", "-h"])
    out = capsys.readouterr().out
    assert "examples:" in out
    assert all(f"  {name} " in out for name in (*CHARACTERISTICS, *FILES))
