"""The played disk: what was forced is always there; of the rest anything may be, by whole sectors."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag.fault_bench.disk import SECTOR, Disk, File, PowerCut, Write, surviving


def filled(disk: Disk, name: str, *writes: tuple[int, bytes]) -> File:
    file = disk.open(name)
    for offset, data in writes:
        file.write(offset, data)
    return file


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=1500)), max_size=8), st.integers(0, 1000)
)
def test_what_was_forced_survives_every_cut(writes: list[tuple[int, bytes]], seed: int) -> None:
    disk = Disk()
    file = filled(disk, "a", *writes)
    disk.sync("a")
    after = disk.after_cut(random.Random(seed))
    assert after.files["a"].seen == file.seen


@given(st.integers(0, 5000), st.binary(min_size=1, max_size=4000), st.integers(0, 1000))
def test_a_torn_write_keeps_whole_sectors_at_their_places(offset: int, data: bytes, seed: int) -> None:
    for at, piece in surviving(Write(offset, data), "torn", random.Random(seed)):
        assert data[at - offset : at - offset + len(piece)] == piece
        assert at == offset or at % SECTOR == 0
        assert (at + len(piece)) % SECTOR == 0 or at + len(piece) == offset + len(data)


def test_an_unforced_write_is_found_kept_lost_and_torn() -> None:
    old, new = bytes(4 * SECTOR), bytes([1]) * 4 * SECTOR
    found = set()
    for seed in range(200):
        disk = Disk()
        filled(disk, "a", (0, old))
        disk.sync("a")
        disk.files["a"].write(0, new)
        found.add(bytes(disk.after_cut(random.Random(seed)).files["a"].seen))
    assert {old, new} < found
    assert len(found) > 4


def test_a_later_write_may_survive_an_earlier_one() -> None:
    def after(seed: int) -> bytes:
        disk = Disk()
        filled(disk, "a", (0, bytes(2)))
        disk.sync("a")
        disk.files["a"].write(0, b"1")
        disk.files["a"].write(1, b"2")
        return bytes(disk.after_cut(random.Random(seed)).files["a"].seen)

    assert {after(seed) for seed in range(100)} == {b"\0\0", b"1\0", b"\x002", b"12"}


def test_a_new_name_that_was_not_forced_may_be_gone_and_a_removed_one_back() -> None:
    names = set()
    for seed in range(100):
        disk = Disk()
        filled(disk, "old", (0, b"x"))
        disk.sync("old")
        disk.delete("old", sync_folder=False)
        filled(disk, "new", (0, b"y"))
        names.add(frozenset(disk.after_cut(random.Random(seed)).files))
    assert names == {frozenset(some) for some in ((), ("old",), ("new",), ("old", "new"))}


def test_forcing_a_new_file_forces_the_folder() -> None:
    disk = Disk()
    filled(disk, "old", (0, b"x"))
    disk.sync("old")
    disk.delete("old", sync_folder=False)
    filled(disk, "new", (0, b"y"))
    disk.sync("new")
    assert all(set(disk.after_cut(random.Random(seed)).files) == {"new"} for seed in range(50))


def test_after_the_cut_nothing_more_is_carried_out() -> None:
    disk = Disk(budget=1)
    disk.open("a")
    for act in (lambda: disk.sync("a"), lambda: disk.delete("a", sync_folder=True), lambda: disk.open("b")):
        with pytest.raises(PowerCut):
            act()
    assert list(disk.files) == ["a"]


def test_a_renaming_is_carried_out_whole_or_not_at_all() -> None:
    def after(seed: int, *, forced: bool) -> dict[str, bytes]:
        disk = Disk()
        for name in ("new", "old"):
            filled(disk, name, (0, name.encode()))
            disk.sync(name)
        disk.rename("new", "old")
        if forced:
            disk.force_names()
        return {name: bytes(file.seen) for name, file in disk.after_cut(random.Random(seed)).files.items()}

    found = [after(seed, forced=False) for seed in range(50)]
    assert all(one in found for one in ({"old": b"new"}, {"new": b"new", "old": b"old"}))
    assert {len(one) for one in found} == {1, 2}
    assert all(one.get("old") == (b"new" if len(one) == 1 else b"old") for one in found)
    assert all(after(seed, forced=True) == {"old": b"new"} for seed in range(20))
