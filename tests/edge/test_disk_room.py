"""Room kept for values: on a disk that is really full, and said before."""

import contextlib
import os
import shutil
import subprocess
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carebag_edge.bedside import Bedside
from carebag_edge.disk_room import FILE, LITTLE_BYTES, DiskRoom
from carebag_edge.errors import NoRoomToEncrypt, NotSaved, Refused
from carebag_edge.journal import Journal
from carebag_edge.keys import load_or_create
from carebag_edge.media_files import MediaFiles
from carebag_edge.sealed_journal import is_plain
from carebag_edge.settings import KitSettings
from carebag_edge.store import open_store
from carebag_wire.image_strip import strip
from carebag_wire.nurse_messages import OpenVisit

MIB = 2**20
Disk = namedtuple("Disk", "total used free")


class Played:
    """A disk of so many bytes of which `others` are taken."""

    def __init__(self, total: int, others: int = 0) -> None:
        self.total, self.others = total, others

    def __call__(self, folder: Path) -> Disk:
        used = self.others + sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        return Disk(self.total, used, max(0, self.total - used))


def test_what_is_kept_is_really_there_and_private(tmp_path: Path) -> None:
    room = DiskRoom(tmp_path, 3 * MIB, Played(1000 * MIB))
    reserve = (tmp_path / FILE).stat()
    assert room.is_kept
    assert reserve.st_blocks * 512 >= 3 * MIB
    assert reserve.st_mode & 0o077 == 0


def test_what_was_kept_counts_as_free(tmp_path: Path) -> None:
    room = DiskRoom(tmp_path, 3 * MIB, Played(100 * MIB, 50 * MIB))
    assert room.used_percent == 50
    assert room.word == "ok"


@pytest.mark.parametrize(
    ("others", "word"), [(79, "ok"), (80, "filling"), (90, "filling"), (97, "full"), (100, "full")]
)
def test_said_from_eighty_percent_on(tmp_path: Path, others: int, word: str) -> None:
    disk = Played(100 * MIB, 10 * MIB)
    room = DiskRoom(tmp_path, 3 * MIB, disk)
    disk.others = others * MIB
    room.look()
    assert room.word == word
    assert room.takes_photos is (word != "full")


def test_let_go_only_where_room_is_what_is_lacking(tmp_path: Path) -> None:
    disk = Played(100 * MIB)
    room = DiskRoom(tmp_path, 3 * MIB, disk)
    assert not room.let_go()
    assert room.is_kept
    disk.others = 97 * MIB
    assert room.let_go()
    assert not room.is_kept
    assert not room.let_go()


def test_kept_again_when_there_is_room_again(tmp_path: Path) -> None:
    disk = Played(100 * MIB)
    room = DiskRoom(tmp_path, 3 * MIB, disk)
    disk.others = 97 * MIB
    room.let_go()
    disk.others = 100 * MIB - 2 * 3 * MIB - LITTLE_BYTES + 1
    room.look()
    assert not room.is_kept
    disk.others = 50 * MIB
    room.look()
    assert room.is_kept
    assert room.word == "ok"


def test_a_folder_that_does_not_answer_is_full(tmp_path: Path) -> None:
    def gone(folder: Path) -> Disk:
        raise OSError(5, "Input/output error")

    room = DiskRoom(tmp_path, MIB, gone)
    assert room.word == "full"
    assert not room.let_go()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    """Until not a block is left."""
    with contextlib.suppress(OSError), (place / "others").open("wb", buffering=0) as file:
        while True:
            file.write(os.urandom(4096))


def test_on_a_full_disk_values_are_saved_and_photos_refused(
    small_disk: Path, hands: Any, world: Any, photo: bytes
) -> None:
    """Not a block is free: the value goes where room was kept for it."""
    settings = KitSettings(data=small_disk / "kit")
    journal, media, _ = open_store(settings, load_or_create(settings.data, world.kit_id, 0))
    room = DiskRoom(settings.data, 6 * MIB)
    bedside = Bedside(journal, media, hands.clock)
    visit = world.visit()
    bedside.hub_said(world.told(visit))
    bedside.open(OpenVisit(visit_id=visit.visit.id, identifiers=["name", "personal_id"]), world.nurse())
    fill(small_disk)
    numbers = iter(range(100_000))

    def measure() -> None:
        hands.forward(1)
        bedside.keep_measured(world.pressure(measurement_id=f"cuff {next(numbers)}"))

    def measure_on() -> None:
        for _ in range(200):  # the log has some room in hand
            measure()

    with pytest.raises(NotSaved):
        measure_on()
    bedside.make_room, bedside.takes_photos = room.let_go, lambda: room.takes_photos
    measure()
    assert bedside.retry_unsaved() == 0
    saved = len(journal.numbers())
    for _ in range(50):
        measure()
    assert len(journal.numbers()) == saved + 50
    assert room.word == "full"
    photo_of_visit = strip(photo)
    with pytest.raises(Refused, match="no_room_for_photos"):
        bedside.keep_photo(visit.visit.id, photo_of_visit)
    journal.close()


def test_an_open_journal_is_encrypted_in_the_room_that_was_kept_and_else_the_kit_does_not_start(
    small_disk: Path, hands: Any, world: Any
) -> None:
    """Of an earlier program, on a disk with room for the key and not for the copy."""
    settings = KitSettings(data=small_disk / "kit", reserve_bytes=6 * MIB)
    key = load_or_create(settings.data, world.kit_id, 0)
    journal = Journal(settings.journal, key)
    bedside = Bedside(journal, MediaFiles(settings.media), hands.clock)
    for number in range(100):
        hands.forward(1)
        bedside.keep_measured(world.pressure(measurement_id=f"cuff {number}"))
    journal.close()
    (small_disk / "key").write_bytes(bytes(64 * 1024))
    fill(small_disk)
    (small_disk / "key").unlink()
    with pytest.raises(NoRoomToEncrypt, match="Nothing was changed"):
        open_store(settings, key)
    (small_disk / "others").unlink()
    assert DiskRoom(settings.data, settings.reserve_bytes).is_kept
    fill(small_disk)
    journal, _, _ = open_store(settings, key)
    assert not is_plain(settings.journal)
    assert journal.numbers() == list(range(1, 101))
    journal.close()
