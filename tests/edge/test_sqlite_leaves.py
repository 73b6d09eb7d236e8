"""Rows out of single pages, against SQLite itself."""

import random
import sqlite3
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.sqlite_leaves import Row, Value, rows_of

PAGE = 4096
value = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6000),
    st.binary(max_size=6000),
)


def pages_of(path: Path, rows: list[tuple[int, Value, Value]]) -> dict[int, bytes]:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA page_size = {PAGE}")
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, a, b)")
    db.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    db.close()
    content = path.read_bytes()
    return {at // PAGE + 1: content[at : at + PAGE] for at in range(0, len(content), PAGE)}


def in_table(pages: dict[int, bytes], searched: int = 0) -> list[Row]:
    found = [row for number, page in pages.items() for row in rows_of(number, page, PAGE, pages.get, searched=searched)]
    return [row for row in found if len(row.values) == 3 and row.values[0] is None]


@given(st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.tuples(value, value), max_size=12))
def test_every_row_that_sqlite_wrote(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[int, tuple[Value, Value]]
) -> None:
    written = [(rowid, *values) for rowid, values in rows.items()]
    pages = pages_of(tmp_path_factory.mktemp("rows") / "t.sqlite", written)
    found = {(row.rowid, *row.values[1:]) for row in in_table(pages)}
    assert found == set(written)


@pytest.mark.parametrize("size", [3900, 4050, 4056, 4057, 4060, 4100, 8200, 8300, 20_000])
def test_long_rows_go_on_in_other_pages(tmp_path: Path, size: int) -> None:
    text = "".join(chr(33 + at % 90) for at in range(size))
    pages = pages_of(tmp_path / "t.sqlite", [(1, "before", None), (2, text, 7), (3, text[::-1], None)])
    assert {row.rowid: row.values[1] for row in in_table(pages)} == {1: "before", 2: text, 3: text[::-1]}


def test_a_page_whose_list_rotted_gives_its_rows_all_the_same(tmp_path: Path) -> None:
    pages = pages_of(tmp_path / "t.sqlite", [(n, f"value {n}", n) for n in range(1, 40)])
    (leaf,) = [number for number, page in pages.items() if number > 1 and page[0] == 0x0D]
    pages[leaf] = b"\xff" * 100 + pages[leaf][100:]
    assert in_table(pages) == []
    assert {row.rowid for row in in_table(pages, 3)} >= set(range(1, 40))


def test_a_chain_that_is_broken_gives_no_row(tmp_path: Path) -> None:
    pages = pages_of(tmp_path / "t.sqlite", [(1, "x" * 20_000, None), (2, "short", None)])
    chained = [number for number, page in pages.items() if b"xxxx" in page and page[0] != 0x0D]
    del pages[chained[-1]]
    assert [row.rowid for row in in_table(pages)] == [2]


@given(st.binary(max_size=40), st.integers(0, 1000), st.sampled_from([0, 3, 11]), st.integers(1, 2))
def test_whatever_stands_there_is_no_error(head: bytes, seed: int, searched: int, number: int) -> None:
    page = (head + random.Random(seed).randbytes(PAGE))[:PAGE]
    for row in rows_of(number, page, PAGE - 80, lambda at: page, searched=searched):
        assert row.values


def test_a_chain_in_a_ring_ends() -> None:
    """A length that rotted to the largest, and pages that point at each other."""
    cell = b"\xff" * 8 + b"\x7f" + b"\x01"
    page = bytearray(PAGE)
    page[0] = 0x0D
    struct.pack_into(">HHH", page, 3, 1, 100, 100)
    struct.pack_into(">H", page, 8, 100)
    page[100 : 100 + len(cell)] = cell
    assert list(rows_of(2, bytes(page), PAGE - 80, lambda at: bytes(page))) == []
