"""The bag's own instruments across restarts."""

import json
import stat
from pathlib import Path

from carebag_devices.book import DeviceBook, Entry
from carebag_devices.events import UdiSaid

CUFF = Entry("C6:00:00:00:00:01", "cuff", "blood_pressure_service", name="CB Cuff", serial="BP-0001", bond="bonded")


def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "kit" / "instruments.json"
    book = DeviceBook(path)
    book.put(CUFF)
    book.change(CUFF.id, last_sequence=12, doubtful_until="2026-11-26T12:00:00")
    udi = UdiSaid("manual", "(01)02000000000015(21)BP-0001", "02000000000015", "2.51.1.1")
    book.change(CUFF.id, udi=udi)
    book.change("another", last_sequence=1)
    again = DeviceBook(path)
    assert [(entry.last_sequence, entry.udi) for entry in again] == [(12, udi)]
    assert CUFF.id in again
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_forgotten_stays_forgotten_until_it_is_put_again(tmp_path: Path) -> None:
    path = tmp_path / "instruments.json"
    book = DeviceBook(path)
    book.put(CUFF)
    book.forget(CUFF.id)
    assert (CUFF.id in DeviceBook(path), DeviceBook(path).forgotten) == (False, {CUFF.id})
    book.put(CUFF)
    assert DeviceBook(path).forgotten == set()


def test_a_damaged_file_is_set_aside_and_an_unknown_field_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "instruments.json"
    for damaged in ("", "{", "[]", '{"version": 2}', '{"version": 1, "devices": [{}], "forgotten": []}'):
        path.write_text(damaged)
        assert list(DeviceBook(path)) == []
        assert path.with_suffix(".damaged").read_text() == damaged
    path.write_text('{"version": 1, "devices": [{"id": "x", "kind": "cuff", "udi": {"x": 1}}], "forgotten": []}')
    assert list(DeviceBook(path)) == []
    newer = {"id": "x", "kind": "cuff", "something": 1}
    path.write_text(json.dumps({"version": 1, "devices": [newer], "forgotten": []}))
    assert [entry.id for entry in DeviceBook(path)] == ["x"]


def test_a_book_without_a_file_remembers_while_it_lives() -> None:
    book = DeviceBook()
    book.put(CUFF)
    assert book.get(CUFF.id) == CUFF
    identity = CUFF.identity(simulated=True)
    assert (identity.model, identity.serial, identity.simulated) == ("CB Cuff", "BP-0001", True)
