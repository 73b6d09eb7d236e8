"""Power cuts of the encrypted journal: a slice of the long run, and the reader of what strace saw."""

from pathlib import Path

import pytest

from carebag.fault_bench.disk import Disk
from carebag.fault_bench.lives import can_trace
from carebag.fault_bench.sealed import sealed
from carebag.fault_bench.traced import Change, changes, disk_of, play, put_down


@pytest.mark.skipif(bool(can_trace()), reason=can_trace() or "strace works")
def test_an_encrypted_journal_and_its_taking_over_survive_power_cuts() -> None:
    outcome = sealed(seed=1, cuts=80)
    assert (outcome.n, outcome.wrong) == (80, {}), outcome.examples
    assert outcome.counts["found open"] > 5
    assert outcome.counts["found encrypted"] > 20
    assert outcome.controls[0].found


def hexed(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


FOLDER = hexed("/d")
FILE = hexed("/d/a")
LINES = [
    f'7 openat(AT_FDCWD<{hexed("/")}>, "{FILE}", O_RDWR|O_CREAT|O_TRUNC, 0600) = 3<{FILE}>',
    f'7 write(3<{FILE}>, "{hexed("hello")}", 5) = 5',
    f'7 write(3<{FILE}>, "{hexed("!")}", 1) = 1',
    f'7 pwrite64(3<{FILE}>, "{hexed("J")}", 1, 0) = 1',
    f"7 fsync(3<{FILE}>) = 0",
    f"7 lseek(3<{FILE}>, 2, SEEK_SET) = 2",
    f'7 write(3<{FILE}>, "{hexed("LL")}", 2) = 2',
    f"7 ftruncate(3<{FILE}>, 5) = 0",
    f'7 write(1<pipe:[5]>, "{hexed("1 ab")}", 4) = 4'.replace("pipe:[5]", hexed("pipe:[5]")),
    f'7 rename("{FILE}", "{hexed("/d/b")}") = 0',
    f'7 rename("{hexed("/d/none")}", "{hexed("/d/b")}") = -1 ENOENT (No such file or directory)',
    f'7 link("{hexed("/d/b")}", "{hexed("/d/c")}") = 0',
    f"7 fsync(4<{FOLDER}>) = 0",
    f'7 unlink("{hexed("/d/b")}") = 0',
    f'7 openat(AT_FDCWD<{hexed("/")}>, "{hexed("/d/x-shm")}", O_RDWR|O_CREAT, 0600) = 5<{hexed("/d/x-shm")}>',
    f'7 pwrite64(6<{hexed("/elsewhere/a")}>, "{hexed("J")}", 1, 0) = 1',
    "+++ exited with 0 +++",
]


def test_what_strace_saw_is_read_call_by_call() -> None:
    assert changes(iter(LINES), Path("/d")) == [
        Change("create", "a"),
        Change("truncate", "a"),
        Change("write", "a", data=b"hello"),
        Change("write", "a", offset=5, data=b"!"),
        Change("write", "a", data=b"J"),
        Change("force", "a"),
        Change("write", "a", offset=2, data=b"LL"),
        Change("truncate", "a", offset=5),
        Change("said", data=b"1 ab"),
        Change("rename", "a", "b"),
        Change("link", "b", "c"),
        Change("force_folder"),
        Change("unlink", "b"),
    ]


def test_it_is_played_on_a_disk_and_put_down(tmp_path: Path) -> None:
    disk = Disk()
    for change in changes(iter(LINES), Path("/d")):
        if change.kind != "said":
            play(disk, change)
    put_down(disk, tmp_path / "found")
    assert {file.name: file.read_bytes() for file in (tmp_path / "found").iterdir()} == {"c": b"JeLLo"}
    assert disk_of(tmp_path / "found").safe_names["c"].safe == b"JeLLo"
