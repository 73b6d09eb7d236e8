"""QR codes are read back by a reader that is not ours, on paper and on a terminal."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.qr_code import LONGEST, QUIET, qr_rows, qr_svg, qr_terminal


def read(modules: np.ndarray) -> str:
    """What a camera would see: dark modules, four pixels each."""
    [found] = zxingcpp.read_barcodes(np.where(np.kron(modules, np.ones((4, 4))) > 0, 0, 255).astype(np.uint8))
    return str(found.text)


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn", "Co"]), min_size=1, max_size=300))
def test_any_text_is_read_back(text: str) -> None:
    rows = qr_rows(text)
    assert len(rows) == len(rows[0])
    assert read(np.pad(np.array([[int(module) for module in row] for row in rows]), QUIET)) == text


def test_the_terminals_half_blocks_are_the_same_code() -> None:
    drawn = re.sub(
        r"\x1b\[[0-9;]*m", "", qr_terminal(qr_rows("https://hub.example.se/enter/#passkey=AbC"))
    ).splitlines()
    upper = [[int(cell in "▀█") for cell in line] for line in drawn]
    lower = [[int(cell in "▄█") for cell in line] for line in drawn]
    assert (
        read(np.stack([upper, lower], axis=1).reshape(-1, len(upper[0]))) == "https://hub.example.se/enter/#passkey=AbC"
    )


def test_the_picture_has_a_quiet_zone_and_each_dark_module() -> None:
    rows = qr_rows("V4-7")
    picture = ET.fromstring(qr_svg(rows, scale=6))
    side = len(rows) + 2 * QUIET
    assert picture.attrib["viewBox"] == f"0 0 {side} {side}"
    dark = picture[1].attrib["d"]
    places = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)", dark)}
    assert places == {
        (x + QUIET, y + QUIET) for y, row in enumerate(rows) for x, module in enumerate(row) if module == "1"
    }


def test_what_does_not_fit_is_said() -> None:
    assert qr_rows("x" * LONGEST)
    with pytest.raises(ValueError, match="too long"):
        qr_rows("x" * (LONGEST + 1))
