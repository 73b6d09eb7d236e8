from pathlib import Path

from carebag_edge.numbers_given import FILE, NumbersGiven


def test_the_highest_is_known_at_the_next_start(tmp_path: Path) -> None:
    given = NumbersGiven(tmp_path)
    assert given.highest == 0
    for number in (3, 7, 5):
        given.note(number)
    assert NumbersGiven(tmp_path).highest == 7


def test_a_note_that_rotted_says_nothing(tmp_path: Path) -> None:
    NumbersGiven(tmp_path).note(12)
    for content in (b"", b"12", b"\xff\xfe 7", b"00000000000000000012 00000000000000000013\n"):
        (tmp_path / FILE).write_bytes(content)
        assert NumbersGiven(tmp_path).highest == 0


def test_a_disk_that_takes_nothing_holds_nothing_back(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    given = NumbersGiven(tmp_path)
    given.note(4)
    assert given.highest == 4
