"""Journal and files as a kit opens them: encrypted, taken over once, and never with a key that does not fit."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from carebag_edge import sealed_journal
from carebag_edge.errors import KitError, NoRoomToEncrypt, WrongJournal
from carebag_edge.journal import Journal
from carebag_edge.journal_swap import NEXT, PART
from carebag_edge.keys import KitKey
from carebag_edge.media_files import MediaFiles
from carebag_edge.numbers_given import NumbersGiven
from carebag_edge.sealed_journal import is_plain
from carebag_edge.settings import KitSettings
from carebag_edge.store import open_store
from carebag_wire.base import uuid7
from carebag_wire.records import VisitClosed
from carebag_wire.values import Binding

SECRET = "Tolvansson-19121212"


def note(journal: Journal, hands: Any) -> int:
    def build(kit_seq: int) -> VisitClosed:
        return VisitClosed(
            id=uuid7(0),
            binding=Binding(
                visit_id=UUID(int=3), patient_id=None, nurse_id=None, kit_id=journal.key.kit_id, kit_seq=kit_seq
            ),
            times=hands.clock.times(),
            plan_read=True,
        )

    journal.put_state("nurse_names", SECRET)
    return journal.append(build).kit_seq


def everything(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def before(tmp_path: Path, key: KitKey, hands: Any, *, killed: bool = False) -> None:
    """A journal of an earlier program."""
    folder = tmp_path / "other" if killed else tmp_path
    journal = Journal(folder / "journal.sqlite", key)
    for _ in range(3):
        note(journal, hands)
    if killed:
        for file in folder.glob("journal.sqlite*"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    journal.close()


@pytest.fixture
def settings(tmp_path: Path) -> KitSettings:
    return KitSettings(data=tmp_path)


def test_nothing_of_a_patient_is_to_be_read_on_the_disk(settings: KitSettings, key: KitKey, hands: Any) -> None:
    journal, media, _ = open_store(settings, key)
    note(journal, hands)
    media.keep(SECRET.encode())
    assert settings.journal.with_name("journal.sqlite-wal").stat().st_size > 0
    assert SECRET.encode() not in everything(settings.data)
    journal.close()
    assert SECRET.encode() not in everything(settings.data)
    with pytest.raises(sqlite3.DatabaseError):
        Journal(settings.journal, key)


def test_everything_comes_back(settings: KitSettings, key: KitKey, hands: Any) -> None:
    journal, media, _ = open_store(settings, key)
    seq, sha256 = note(journal, hands), media.keep(b"sound")
    journal.close()
    again, files, _ = open_store(settings, key)
    assert again.numbers() == [seq]
    assert again.state("nurse_names") == SECRET
    assert files.read(sha256) == b"sound"
    assert again._db.execute("PRAGMA synchronous").fetchone() == (2,)
    again.close()


@pytest.mark.parametrize("killed", [False, True])
def test_a_journal_of_before_is_taken_over(settings: KitSettings, key: KitKey, hands: Any, killed: bool) -> None:
    before(settings.data, key, hands, killed=killed)
    sha256 = MediaFiles(settings.media).keep(SECRET.encode())
    journal, media, _ = open_store(settings, key)
    assert journal.numbers() == [1, 2, 3]
    assert note(journal, hands) == 4
    assert media.read(sha256) == SECRET.encode()
    assert [file.suffix for file in settings.media.glob("*/*")] == [".sealed"]
    journal.close()
    assert SECRET.encode() not in everything(settings.data).replace(everything(settings.data / "other"), b"")


def test_a_copy_that_is_not_equal_takes_no_place(
    settings: KitSettings, key: KitKey, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(settings.data, key, hands)

    def forgetful(plain: Path, part: Path, data_key: Any) -> None:
        copy(plain, part, data_key)
        db = sealed_journal.open_sealed(part, data_key)
        db.execute("UPDATE state SET value = 'x' WHERE key = 'nurse_names'")
        db.close()

    copy = sealed_journal._copy
    monkeypatch.setattr(sealed_journal, "_copy", forgetful)
    with pytest.raises(WrongJournal, match="not equal"):
        open_store(settings, key)
    assert is_plain(settings.journal)
    monkeypatch.undo()
    journal, _, _ = open_store(settings, key)
    assert journal.numbers() == [1, 2, 3]
    journal.close()


def test_a_disk_without_room_for_the_copy_stops_the_kit_and_changes_nothing(
    settings: KitSettings, key: KitKey, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an open journal nothing would tell that a page rotted."""
    before(settings.data, key, hands)
    found = settings.journal.read_bytes()

    def full(_plain: Path, part: Path, _key: Any) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealed_journal, "_copy", full)
    with pytest.raises(NoRoomToEncrypt, match=r"make 8 MB of room and start again\. Nothing was changed"):
        open_store(settings, key)
    assert settings.journal.read_bytes() == found
    assert not settings.journal.with_name("journal.sqlite" + PART).exists()
    monkeypatch.undo()
    journal, _, _ = open_store(settings, key)
    assert journal.numbers() == [1, 2, 3]
    assert not is_plain(settings.journal)
    journal.close()


@pytest.mark.parametrize("where", ["beginning", "schema", "pages", "end"])
def test_an_open_journal_that_rotted_is_mended_and_encrypted(
    settings: KitSettings, key: KitKey, hands: Any, where: str
) -> None:
    """What the kit signed is taken from any page; no number is given twice."""
    before(settings.data, key, hands)
    NumbersGiven(settings.data).note(5 if where == "end" else 2)
    content = bytearray(settings.journal.read_bytes())
    at, size = {"beginning": (3, 3), "schema": (2000, 2000), "pages": (0, 0), "end": (0, 0)}[where]
    content[at : at + size] = bytes(byte ^ 1 for byte in content[at : at + size])
    if where == "pages":
        leaf = next(
            n for n in range(4096, len(content), 4096) if content[n] == 0x0D and b'"plan_read"' in content[n : n + 4096]
        )
        content[leaf] = 0x02
    settings.journal.write_bytes(content)
    journal, _, _ = open_store(settings, key)
    assert journal.mendings == 1
    visit = [one.kit_seq for one in journal.of_visit(UUID(int=3))]
    assert visit == [1, 2, 3]
    assert note(journal, hands) == (6 if where == "end" else 4)
    assert not is_plain(settings.journal)
    journal.close()
    journal, _, _ = open_store(settings, key)
    assert journal.mendings == 0
    journal.close()


def test_an_open_journal_with_a_hole_gets_its_numbers_taken(settings: KitSettings, key: KitKey, hands: Any) -> None:
    """A row that SQLite leaves out without a word."""
    before(settings.data, key, hands)
    with contextlib.closing(sqlite3.connect(settings.journal)) as db:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("DELETE FROM record WHERE kit_seq = 2")
        db.commit()
    journal, _, _ = open_store(settings, key)
    assert journal.numbers() == [1, 2, 3]
    assert journal.what_is_damaged() == ["2"]
    journal.close()


def test_a_half_written_copy_is_begun_anew_and_a_whole_one_takes_the_place(
    settings: KitSettings, key: KitKey, hands: Any
) -> None:
    before(settings.data, key, hands)
    settings.journal.with_name("journal.sqlite" + PART).write_bytes(b"half")
    journal, _, _ = open_store(settings, key)
    journal.close()
    # as if the power had gone before the last rename, with a WAL of the journal before still there: valid in itself
    before(settings.data / "old", key, hands, killed=True)
    wal = (settings.data / "old" / "journal.sqlite-wal").read_bytes()
    settings.journal.rename(settings.journal.with_name("journal.sqlite" + NEXT))
    settings.journal.write_bytes(b"SQLite format 3\x00 of before")
    settings.journal.with_name("journal.sqlite-wal").write_bytes(wal)
    journal, _, _ = open_store(settings, key)
    assert journal.numbers() == [1, 2, 3]
    journal.close()


def test_another_key_opens_nothing_and_changes_nothing(settings: KitSettings, key: KitKey, hands: Any) -> None:
    journal, _, _ = open_store(settings, key)
    note(journal, hands)
    journal.close()
    right = (settings.data / "data_key").read_bytes()
    (settings.data / "data_key").write_bytes(bytes(32))
    found = everything(settings.data)
    with pytest.raises(WrongJournal, match=r"does not fit.*Nothing was changed"):
        open_store(settings, key)
    assert everything(settings.data) == found
    (settings.data / "data_key").write_bytes(right)
    open_store(settings, key)[0].close()


def test_a_mark_that_rotted_does_not_lock_out(settings: KitSettings, key: KitKey, hands: Any) -> None:
    journal, _, _ = open_store(settings, key)
    note(journal, hands)
    journal.close()
    (settings.data / "data_key_mark").write_bytes(b"\xff\xff")
    open_store(settings, key)[0].close()


def test_a_damaged_open_file_is_not_taken_over(settings: KitSettings, key: KitKey) -> None:
    plain = MediaFiles(settings.media)
    sha256 = plain.keep(b"sound")
    plain.path(sha256).write_bytes(b"s0und")
    journal, media, _ = open_store(settings, key)
    with pytest.raises(KitError):
        media.read(sha256)
    assert plain.path(sha256).read_bytes() == b"s0und"
    journal.close()
