"""`carebag catalog`, and the worked example of docs/how-to/add-a-device.md."""

import re
import textwrap
from pathlib import Path

import pytest

from carebag.cli import main

GUIDE = Path(__file__).parents[2] / "docs/how-to/add-a-device.md"


def example() -> str:
    found = re.search(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return textwrap.dedent("   " + found[1])


def test_the_guides_example_is_an_entry_that_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "and_uc352_mine.toml").write_text(example(), encoding="utf-8")
    assert main(["catalog", "--check", str(tmp_path)]) == 0
    assert main(["catalog", str(tmp_path)]) == 0
    assert "and_uc352_mine" in capsys.readouterr().out


def test_bytes_that_mean_something_else_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text(example().replace("72.120", "72.1"), encoding="utf-8")
    assert main(["catalog", "--check", str(tmp_path)]) == 1
    assert "mine, vector 0: values: written ('weight 72.1 kg',), read ('weight 72.120 kg',)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("kind = ", "kinds = ", "mine"),
        ('"weight_scale"', '"scales"', "mine.driver"),
        ("match.names", "match.name", "mine.match: unknown name"),
        ('"leaves_quickly"]', '"leaves_quick"]', "unknown leaves_quick"),
        ('about = "leaves_quickly"', 'about = ""', "no evidence for leaves_quickly"),
        ("hex = ", "hex = 7 #", "mine.vector[0].hex"),
        ('"02 5838', '"0Z 5838', "expected hex digits"),
        ("tolerance_s = 60", 'tolerance_s = "60"', "expected float"),
        ('clock.characteristic = "2A08"', "", "a clock without characteristic"),
        ('memory.how = "pushes"', 'memory.how = "command"', "without the command"),
        ("quirks = [", "quirks = ", "mine"),
        ('"181D"', "181", "mine"),
        ('"181D"', '"18ZD"', "mine.match.services: '18ZD' is no UUID"),
        ('"hold_set"', '"hold_sit"', "mine.pairing.press: 'hold_sit' is none of"),
        ('kind = "scale"', 'kind = "cuff"', "driver weight_scale does not read a cuff"),
        ('"battery_in_steps", "', '"unit_by_exponent", "', "no evidence for unit_by_exponent"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_with_its_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], was: str, becomes: str, said: str
) -> None:
    text = example()
    assert was in text
    (tmp_path / "mine.toml").write_text(text.replace(was, becomes, 1), encoding="utf-8")
    assert main(["catalog", str(tmp_path)]) == 2
    assert said in capsys.readouterr().out


def test_a_quirk_about_bytes_without_bytes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = example().replace("battery_in_steps", "unit_by_exponent")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert main(["catalog", "--check", str(tmp_path)]) == 2
    assert "mine: no vector shows unit_by_exponent" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "mine.toml"
    written.write_text(example().replace("A&D Medical", "Vågar i Åre"), encoding="latin-1")
    assert main(["catalog", str(tmp_path)]) == 2
    assert "mine.toml: not UTF-8" in capsys.readouterr().out
    written.unlink()
    written.mkdir()
    assert main(["catalog", str(tmp_path)]) == 2
    assert "mine.toml: Is a directory" in capsys.readouterr().out


def test_no_folder_is_said() -> None:
    with pytest.raises(SystemExit, match="is not a folder"):
        main(["catalog", "nowhere"])
