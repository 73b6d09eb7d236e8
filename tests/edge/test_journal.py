import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from carebag_edge.errors import WrongJournal
from carebag_edge.journal import Journal
from carebag_edge.keys import load_or_create
from carebag_wire.base import uuid7
from carebag_wire.records import Reading, RecordReceipt, payload_sha256
from carebag_wire.values import Binding, DeviceIdentity, Quality, Times

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def reading(journal: Journal, visit_id: UUID | None = None):
    return lambda kit_seq: Reading(
        id=uuid7(0),
        binding=Binding(visit_id=visit_id, patient_id=None, nurse_id=None, kit_id=journal.key.kit_id, kit_seq=kit_seq),
        times=Times(kit_monotonic_ns=1, kit_utc=AT),
        kind="crp",
        quantities=[],
        problem="cassette_error",
        quality=Quality(word="invalid"),
        device=DeviceIdentity(id="x", kind="crp_analyser"),
        provenance="live",
    )


def receipt(*entries, watermark: int, refused=None) -> RecordReceipt:
    return RecordReceipt(
        stored=[e.record.id for e in entries], refused=refused or {}, watermark=watermark, received_at=AT
    )


def test_numbers_have_no_hole_even_where_building_failed(journal: Journal) -> None:
    first = journal.append(reading(journal))
    with pytest.raises(ZeroDivisionError):
        journal.append(lambda kit_seq: 1 / 0)
    second = journal.append(reading(journal))
    assert [first.kit_seq, second.kit_seq] == [1, 2] == journal.numbers()


def test_what_is_sent_is_word_for_word_what_was_signed(journal: Journal) -> None:
    entry = journal.append(reading(journal))
    (sent,) = journal.unsent_records(10)
    assert sent == entry.signed
    assert sent.sha256 == payload_sha256(sent.payload)
    assert sent.signature == journal.key.sign(sent.payload.encode())
    assert json.loads(sent.payload)["binding"]["kit_seq"] == 1


def test_everything_comes_back_after_a_restart(journal: Journal, reopen) -> None:
    visit = UUID(int=5)
    journal.append(reading(journal, visit))
    journal.put_state("open_visit", "x")
    journal.close()
    again = reopen()
    assert [entry.kit_seq for entry in again.of_visit(visit)] == [1]
    assert again.state("open_visit") == "x"
    assert again.append(reading(again)).kit_seq == 2
    again.close()


def test_a_transaction_is_all_or_nothing(journal: Journal) -> None:
    def half() -> None:
        with journal.transaction():
            journal.append(reading(journal))
            journal.put_state("open_visit", "x")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert journal.numbers() == []
    assert journal.state("open_visit") is None


def test_durability_is_what_sqlite_calls_full(journal: Journal) -> None:
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_only_what_the_receipt_names_is_acknowledged(journal: Journal) -> None:
    one, two, three = (journal.append(reading(journal)) for _ in range(3))
    journal.acknowledge(receipt(one, three, watermark=1))
    assert [r.sha256 for r in journal.unsent_records(10)] == [two.signed.sha256]
    assert journal.unsent().count == 1
    assert journal.unsent().oldest_at == AT


def test_a_refused_record_stays_and_does_not_block(journal: Journal) -> None:
    one, two = journal.append(reading(journal)), journal.append(reading(journal))
    journal.acknowledge(receipt(two, watermark=0, refused={one.signed.sha256: "unknown_visit"}))
    assert journal.unsent_records(10) == []
    assert journal.refused() == {1: "unknown_visit"}
    assert journal.unsent().count == 1
    journal.retry_refused()
    assert [r.sha256 for r in journal.unsent_records(10)] == [one.signed.sha256]


def test_a_hub_that_lost_records_gets_them_again(journal: Journal) -> None:
    entries = [journal.append(reading(journal)) for _ in range(4)]
    journal.acknowledge(receipt(*entries, watermark=4))
    assert journal.unsent_records(10) == []
    journal.acknowledge(receipt(watermark=2))
    assert [r.sha256 for r in journal.unsent_records(10)] == [e.signed.sha256 for e in entries[2:]]


def test_a_measurement_delivered_twice_cannot_be_kept_twice(journal: Journal) -> None:
    journal.append(reading(journal), measurement_id="cuff/10:00")
    assert journal.has_measurement("cuff/10:00")
    with pytest.raises(sqlite3.IntegrityError):
        journal.append(reading(journal), measurement_id="cuff/10:00")
    assert journal.append(reading(journal)).kit_seq == 2


def test_a_batch_ends_before_it_is_too_large_but_is_never_empty(journal: Journal) -> None:
    for _ in range(3):
        journal.append(reading(journal))
    size = len(journal.unsent_records(1)[0].payload)
    assert len(journal.unsent_records(10, max_chars=2 * size + 10)) == 2
    assert len(journal.unsent_records(10, max_chars=1)) == 1


def rot(path: Path, kit_seq: int, sql: str) -> None:
    """Change a row behind the journal's back."""
    with sqlite3.connect(path) as db:
        assert db.execute(f"UPDATE record SET {sql} WHERE kit_seq = ?", (kit_seq,)).rowcount == 1
    db.close()


@pytest.mark.parametrize(
    "sql",
    [
        "payload = replace(payload, 'cassette', 'cas5ette')",
        "payload = '{'",
        "id = replace(id, '-', '+')",
        "signature = replace(signature, '==', '=!')",
        "sha256 = replace(sha256, substr(sha256, 1, 1), 'x')",
        "payload = CAST(X'7b22ff' AS TEXT)",
        "(payload, sha256) = (SELECT payload, sha256 FROM record WHERE kit_seq = 1)",
    ],
)
def test_what_rotted_is_neither_shown_nor_sent_and_blocks_nothing(
    journal: Journal, reopen, tmp_path: Path, sql: str
) -> None:
    visit = UUID(int=5)
    entries = [journal.append(reading(journal, visit)) for _ in range(3)]
    rot(tmp_path / "journal.sqlite", 2, sql)
    whole = [entries[0].signed, entries[2].signed]
    assert [one.signed for one in journal.of_visit(visit)] == whole
    assert journal.unsent_records(10) == whole
    assert journal.record(entries[1].record.id) is None
    assert (journal.damaged(), journal.unsent().count) == (1, 2)
    journal.retry_refused()
    journal.close()
    again = reopen()
    assert (again.damaged(), again.unsent_records(1)) == (1, whole[:1])
    again.acknowledge(receipt(entries[0], entries[2], watermark=1))
    assert (again.unsent_records(10), again.append(reading(again)).kit_seq) == ([], 4)
    again.close()


def test_many_rotten_ones_in_front_do_not_end_the_sending(journal: Journal, tmp_path: Path) -> None:
    entries = [journal.append(reading(journal)) for _ in range(7)]
    for seq in range(1, 7):
        rot(tmp_path / "journal.sqlite", seq, "payload = ''")
    assert journal.unsent_records(2) == [entries[6].signed]
    journal._db.execute("PRAGMA query_only = ON")  # as on a full disk: the mark cannot be written
    journal._set_aside.clear()
    assert journal.unsent_records(2) == [entries[6].signed]


def test_what_the_hub_has_is_not_missed_when_it_rots(journal: Journal, tmp_path: Path) -> None:
    entry = journal.append(reading(journal, UUID(int=5)))
    journal.acknowledge(receipt(entry, watermark=1))
    rot(tmp_path / "journal.sqlite", 1, "payload = ''")
    assert (journal.of_visit(UUID(int=5)), journal.damaged()) == ([], 0)


def test_a_rotten_value_of_the_tray_is_offered_for_nobody(journal: Journal, tmp_path: Path) -> None:
    value = journal.append(lambda seq: reading(journal)(seq).model_copy(update={"problem": None}))
    rot(tmp_path / "journal.sqlite", 1, "payload = replace(payload, 'crp', 'crq')")
    assert (journal.in_tray(None, 10), journal.of_tray(value.record.id)) == ([], None)


def test_another_kits_journal_and_a_newer_one_are_refused(journal: Journal, tmp_path: Path) -> None:
    journal.close()
    stranger = load_or_create(tmp_path / "stranger", UUID(int=99), 0)
    with pytest.raises(WrongJournal):
        Journal(tmp_path / "journal.sqlite", stranger)
    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(WrongJournal):
        Journal(tmp_path / "journal.sqlite", journal.key)


def test_a_journal_of_the_version_before_gets_its_tray(journal: Journal, reopen, tmp_path: Path) -> None:
    value = journal.append(lambda seq: reading(journal)(seq).model_copy(update={"problem": None}))
    journal.append(lambda seq: reading(journal, UUID(int=5))(seq).model_copy(update={"problem": None}))
    journal.append(reading(journal))
    journal.close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as old:
        old.execute("DROP TABLE tray")
        old.execute("PRAGMA user_version = 1")
    old.close()
    again = reopen()
    assert [one.reading.record for one in again.in_tray(None, 10)] == [value.record]
    assert (again.tray_count(), again.of_tray(value.record.id).decided) == (1, None)
    again.close()
    reopen().close()
