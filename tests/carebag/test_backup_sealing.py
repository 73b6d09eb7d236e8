"""Sealed files: opened by their key in their place, or not at all."""

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carebag.backup.sealing import (
    HEAD,
    PIECE,
    TAG,
    BackupKey,
    NotOpened,
    SealingFile,
    clear_size,
    make_key,
    opened,
    read_address,
    read_key,
    sealed_size,
    write_sealed,
)

KEY = make_key()
SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7]


def sealed(path: Path, content: bytes, what: str = "media x", key: BackupKey = KEY) -> Path:
    write_sealed(path, key.address, what, [content[at : at + 50_000] for at in range(0, len(content), 50_000)])
    return path


def all_of(path: Path, what: str = "media x", key: BackupKey = KEY) -> bytes:
    return b"".join(opened(path, key, what))


@pytest.mark.parametrize("size", SIZES)
def test_what_is_sealed_is_opened(tmp_path: Path, size: int) -> None:
    content = bytes(at % 251 for at in range(size))
    path = sealed(tmp_path / "a", content)
    assert all_of(path) == content
    assert path.stat().st_size == sealed_size(size)
    assert clear_size(path.stat().st_size) == size
    assert path.stat().st_mode & 0o077 == 0
    assert content[:100] not in path.read_bytes() or size < 2


@given(st.integers(0, 10 * PIECE))
def test_sizes_go_both_ways(size: int) -> None:
    assert clear_size(sealed_size(size)) == size


@given(st.integers(0, 4 * PIECE))
def test_a_size_that_nothing_has_is_none(size: int) -> None:
    clear = clear_size(size)
    assert clear is None or sealed_size(clear) == size


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.sampled_from(SIZES), st.integers(0, 10**9), st.integers(0, 7))
def test_one_bit_anywhere_is_found(tmp_path: Path, size: int, at: int, bit: int) -> None:
    path = tmp_path / "flipped"
    path.unlink(missing_ok=True)
    content = bytearray(sealed(path, b"p" * size).read_bytes())
    content[at % len(content)] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(NotOpened):
        all_of(path)


@pytest.mark.parametrize(
    "cut", [0, 10, HEAD, HEAD + TAG, HEAD + PIECE + TAG, HEAD + 2 * (PIECE + TAG), HEAD + 2 * (PIECE + TAG) + 5]
)
def test_what_is_cut_off_is_found(tmp_path: Path, cut: int) -> None:
    path = sealed(tmp_path / "a", b"x" * (2 * PIECE + 100))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(NotOpened):
        all_of(path)


def test_pieces_in_another_order_twice_or_of_another_file_are_found(tmp_path: Path) -> None:
    step = PIECE + TAG
    whole = sealed(tmp_path / "a", b"1" * PIECE + b"2" * PIECE + b"3").read_bytes()
    other = sealed(tmp_path / "b", b"1" * PIECE + b"2" * PIECE + b"3").read_bytes()
    head, one, two, end = whole[:HEAD], whole[HEAD:][:step], whole[HEAD + step :][:step], whole[HEAD + 2 * step :]
    foreign = other[HEAD + step :][:step]
    for spoiled in (two + one + end, one + one + two + end, one + end, one + foreign + end, one + two + end + end):
        (tmp_path / "c").write_bytes(head + spoiled)
        with pytest.raises(NotOpened):
            all_of(tmp_path / "c")


def test_a_file_in_the_place_of_another_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(NotOpened):
        all_of(sealed(tmp_path / "a", b"x"), "media y")


def test_another_key_does_not_open_nor_the_right_one_with_another_hubs_secret(tmp_path: Path) -> None:
    path = sealed(tmp_path / "a", b"x")
    for key in (make_key(), BackupKey(KEY.private, bytes(32))):
        with pytest.raises(NotOpened, match="another key"):
            all_of(path, key=key)


def test_names_in_the_pool_say_nothing_without_the_address() -> None:
    digest = "a" * 64
    assert KEY.address.blinded(digest) == KEY.address.blinded(digest) != digest
    assert KEY.address.blinded(digest) != make_key().address.blinded(digest)


def test_key_and_address_are_read_and_not_mixed_up() -> None:
    assert read_key(f"{KEY}\n") == KEY
    assert read_address(f" {KEY.address} ") == KEY.address
    with pytest.raises(ValueError, match="secret key"):
        read_address(str(KEY))
    with pytest.raises(ValueError, match="only encrypts"):
        read_key(str(KEY.address))
    for text in ("", "carebag-backup-to-1:AAAA", str(KEY.address)[:-4] + "!!!!"):
        with pytest.raises(ValueError, match="no line that begins with"):
            read_address(text)
    assert "private" not in repr(KEY)


def test_what_was_not_closed_does_not_open(tmp_path: Path) -> None:
    written = io.BytesIO()
    SealingFile(written, KEY.address, "media x").write(b"x" * (PIECE + 1))
    (tmp_path / "a").write_bytes(written.getvalue())
    with pytest.raises(NotOpened):
        all_of(tmp_path / "a")
