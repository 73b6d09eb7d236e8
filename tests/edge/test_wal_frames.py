"""Frames against the log of SQLite itself, which has the same form as SQLCipher's."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.wal_frames import FRAME, HEADER, checksum, frames, has_true_header


@pytest.fixture
def log(tmp_path: Path) -> bytes:
    with closing(sqlite3.connect(tmp_path / "t.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA page_size = 4096")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (a TEXT)")
        for number in range(5):
            db.execute("INSERT INTO t VALUES (?)", (f"{number} " * 1500,))
        return (tmp_path / "t.sqlite-wal").read_bytes()


def test_every_frame_that_sqlite_wrote_fits(log: bytes) -> None:
    found = list(frames(log))
    assert len(found) == (len(log) - HEADER) // FRAME > 5
    assert has_true_header(log)
    assert all(one.fits for one in found)
    assert [one.pages_after for one in found if one.pages_after] == sorted(
        one.pages_after for one in found if one.pages_after
    )


def test_the_one_that_changed_fits_no_more_and_the_next_follows_what_it_notes(log: bytes) -> None:
    spoiled = bytearray(log)
    spoiled[HEADER + 2 * FRAME + 500] ^= 1
    assert [one.fits for one in frames(bytes(spoiled))][:5] == [True, True, False, True, True]


def test_a_changed_header_is_found_and_the_frames_are_read_all_the_same(log: bytes) -> None:
    for at in (0, 3, 10, 17, 20):
        spoiled = bytearray(log)
        spoiled[at] ^= 1
        assert not has_true_header(bytes(spoiled))
        assert all(one.fits for one in frames(bytes(spoiled)))


def test_an_empty_log_has_nothing_to_be_read() -> None:
    for content in (b"", bytes(HEADER), bytes(HEADER + FRAME - 1)):
        assert has_true_header(content)
        assert list(frames(content)) == []


@given(st.binary(max_size=64), st.integers(0, 3), st.integers(0, 1000))
def test_whatever_lies_there_is_no_error(head: bytes, count: int, seed: int) -> None:
    content = (head + random.Random(seed).randbytes(HEADER + count * FRAME))[: HEADER + count * FRAME + 7]
    assert len(list(frames(content))) == max(0, (len(content) - HEADER) // FRAME)


def test_the_sum_of_the_file_format() -> None:
    """Section 4.2, by hand: s0 += x0 + s1; s1 += x1 + s0."""
    assert checksum(bytes((1, 0, 0, 0, 2, 0, 0, 0)), (0, 0), "<") == (1, 3)
    assert checksum(bytes((0, 0, 0, 1, 0, 0, 0, 2)), (1, 3), ">") == (5, 10)
