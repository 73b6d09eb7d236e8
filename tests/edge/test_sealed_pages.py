"""Pages against SQLCipher itself: what it wrote is true, what was changed is not, one bit is found."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_edge.data_key import DataKey
from carebag_edge.sealed_journal import journal_secret, open_sealed
from carebag_edge.sealed_pages import MAGIC, PAGE, SALT, USABLE, Cipher4

KEY = DataKey(bytes(range(32)))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    path = tmp_path_factory.mktemp("sealed") / "journal.sqlite"
    with closing(open_sealed(path, KEY)) as db:
        db.execute("CREATE TABLE t (a TEXT)")
        db.execute("INSERT INTO t VALUES (?)", ("Tolvan " * 1000,))
    content = path.read_bytes()
    return [content[at : at + PAGE] for at in range(0, len(content), PAGE)]


@pytest.fixture(scope="module")
def cipher(pages: list[bytes]) -> Cipher4:
    return Cipher4(journal_secret(KEY), pages[0][:SALT])


def test_what_sqlcipher_wrote_is_true_and_opens(pages: list[bytes], cipher: Cipher4, tmp_path: Path) -> None:
    assert len(pages) > 2
    assert all(cipher.is_true(number, page) for number, page in enumerate(pages, 1))
    opened = [cipher.opened(number, page) for number, page in enumerate(pages, 1)]
    assert opened[0].startswith(MAGIC)
    assert all(page[USABLE:] == bytes(PAGE - USABLE) for page in opened)
    (tmp_path / "open.sqlite").write_bytes(b"".join(opened))
    with closing(sqlite3.connect(tmp_path / "open.sqlite")) as db:
        assert db.execute("SELECT a FROM t").fetchall() == [("Tolvan " * 1000,)]


def test_a_page_is_true_in_its_own_place_and_with_its_own_key(pages: list[bytes], cipher: Cipher4) -> None:
    assert not cipher.is_true(3, pages[1])
    assert not Cipher4(bytes(32), cipher.salt).is_true(2, pages[1])
    assert not Cipher4(cipher.key, bytes(SALT)).is_true(2, pages[1])


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 2), st.integers(0, PAGE * 8 - 1))
def test_any_one_bit_is_turned_back(pages: list[bytes], cipher: Cipher4, number: int, bit: int) -> None:
    page = turned(pages[number - 1], bit)
    if number == 1 and bit < SALT * 8:
        assert cipher.is_true(1, page)  # the salt is the file's, not the page's
        return
    assert not cipher.is_true(number, page)
    assert cipher.mended(number, page) == pages[number - 1]


def test_two_bits_are_not_guessed(pages: list[bytes], cipher: Cipher4) -> None:
    assert cipher.mended(2, turned(turned(pages[1], 100), 2000)) is None


def turned(page: bytes, bit: int) -> bytes:
    content = bytearray(page)
    content[bit // 8] ^= 1 << bit % 8
    return bytes(content)
