"""Work on the database past the program is in the log, and what it changes of what is signed is found."""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from carebag.cli import main
from carebag_server.maintenance_acts import open_works
from carebag_server.notes import content_sha256
from carebag_server.stored_records import Fault, examine_records
from carebag_server.tables import AuditRow, NoteRow, RecordRow

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "work-on-the-database.md"
SIGNED = ("audit_event", "audit_head", "record", "note_version", "pruned_event", "removed_record", "removed_visit")


@pytest.fixture
def full(hub: Any, doctor: Any, visit: Any) -> Any:
    """A page that locked itself, three records, a note signed twice, a draft."""
    hub.kit.send(hub.kit.record("page_lock_changed", None, change="locked", how="idle", wrong=0))
    hub.kit.send(*(hub.kit.record("reading", visit) for _ in range(3)))
    note = f"/api/visits/{visit['id']}/note"
    for version in (1, 2):
        body = {"assessment": "UVI", "plan": f"Plan {version}", "base_version": version - 1}
        assert hub.client.put(note, headers=doctor, json=body).status_code == 200
        assert hub.client.post(f"{note}/sign", headers=doctor, json={"version": version}).status_code == 200
    body = {"assessment": "", "plan": "Utkast", "base_version": 2}
    assert hub.client.put(note, headers=doctor, json=body).status_code == 200
    return hub


def maintenance(hub: Any, *words: str) -> int:
    return main(["maintenance", words[0], "--database", hub.url, *words[1:]])


def rows(hub: Any, *actions: str) -> list[AuditRow]:
    with hub.database.reading() as session:
        return list(session.scalars(select(AuditRow).where(AuditRow.action.in_(actions)).order_by(AuditRow.seq)))


def faults(hub: Any) -> list[Fault]:
    with hub.database.reading() as session:
        return list(examine_records(session).faults)


def past_the_program(hub: Any, *statements: tuple[str, dict[str, Any]]) -> None:
    """As the tables' owner can: triggers off, then whatever she likes."""
    engine = create_engine(hub.database.engine.url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type='trigger'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET session_replication_role = replica"))
        for statement, values in statements:
            assert connection.execute(text(statement), values).rowcount >= 1
    engine.dispose()


def test_begun_and_ended_are_rows_that_every_medical_lead_sees(full: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert maintenance(full, "begin", "--by", "Siri Lund", "--why", "index, ärende 4711") == 0
    [began] = rows(full, "maintenance_began")
    assert f"number {began.seq}" in capsys.readouterr().out
    assert began.object == "database index, ärende 4711"
    assert began.practitioner.startswith("Siri Lund (")
    assert (began.patient_id, began.visit_id, began.purpose) == (None, None, "administration")
    assert maintenance(full, "list") == 0
    assert "index, ärende 4711" in capsys.readouterr().out
    assert maintenance(full, "end", str(began.seq), "--by", "Siri Lund") == 0
    assert "as signed: 5 records and 2 notes" in capsys.readouterr().out
    [ended] = rows(full, "maintenance_ended")
    assert ended.object == f"maintenance {began.seq} records 5 notes 2 faults 0"
    assert maintenance(full, "list") == 0
    assert capsys.readouterr().out == "none\n"
    day = datetime.now(ZoneInfo("Europe/Stockholm")).date().isoformat()
    seen = full.client.post("/api/review/log", headers=full.sign_in("reviewer"), json={"day": day}).json()
    assert {"maintenance_began", "maintenance_ended"} <= {one["action"] for one in seen["events"]}


def test_what_is_not_so_is_refused(full: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = full.actions()
    assert maintenance(full, "end", "3", "--by", "Siri") == 2
    assert "nothing was begun under 3" in capsys.readouterr().err
    assert maintenance(full, "begin", "--by", " ", "--why", "x") == 2
    assert maintenance(full, "begin", "--by", "Siri", "--why", "") == 2
    assert full.actions() == before
    assert maintenance(full, "begin", "--by", "Siri", "--why", "x") == 0
    [began] = rows(full, "maintenance_began")
    assert maintenance(full, "end", str(began.seq), "--by", "Siri") == 0
    capsys.readouterr()
    assert maintenance(full, "end", str(began.seq), "--by", "Siri") == 2
    assert "ended already" in capsys.readouterr().err
    with full.database.reading() as session:
        assert open_works(session) == []


def _record(hub: Any) -> RecordRow:
    with hub.database.reading() as session:
        return session.scalars(select(RecordRow).order_by(RecordRow.kit_seq.desc())).first()  # type: ignore[return-value]


def _note(hub: Any) -> NoteRow:
    with hub.database.reading() as session:
        return session.scalars(select(NoteRow).where(NoteRow.version == 2, NoteRow.state == "signed")).one()


def _changed_record(hub: Any) -> tuple[str, dict[str, Any]]:
    row = _record(hub)
    payload = row.payload.replace('"128"', '"118"', 1) + " "
    return "UPDATE record SET payload=:payload WHERE kit_seq=:seq", {"payload": payload, "seq": row.kit_seq}


def _record_made_to_fit(hub: Any) -> tuple[str, dict[str, Any]]:
    row = _record(hub)
    payload = row.payload + " "
    values = {"payload": payload, "sha": hashlib.sha256(payload.encode()).hexdigest(), "seq": row.kit_seq}
    return "UPDATE record SET payload=:payload, sha256=:sha WHERE kit_seq=:seq", values


def _another_number(hub: Any) -> tuple[str, dict[str, Any]]:
    return "UPDATE record SET kit_seq=99 WHERE kit_seq=:seq", {"seq": _record(hub).kit_seq}


def _record_gone(hub: Any) -> tuple[str, dict[str, Any]]:
    return "DELETE FROM record WHERE kit_seq=:seq", {"seq": _record(hub).kit_seq}


def _last_record_gone(hub: Any) -> tuple[str, dict[str, Any]]:
    """And the kit's watermark made to fit."""
    return _record_gone(hub)


def _another_kind(hub: Any) -> tuple[str, dict[str, Any]]:
    return "UPDATE record SET kind='sound' WHERE kit_seq=:seq", {"seq": _record(hub).kit_seq}


def _another_visit(hub: Any) -> tuple[str, dict[str, Any]]:
    other = "(SELECT max(CAST(id AS VARCHAR(36))) FROM visit WHERE id <> record.visit_id)"
    if hub.database.engine.dialect.name == "postgresql":
        other = f"CAST({other} AS UUID)"
    return f"UPDATE record SET visit_id={other} WHERE kit_seq=:seq", {"seq": _record(hub).kit_seq}


def _out_of_its_visit(hub: Any) -> tuple[str, dict[str, Any]]:
    return "UPDATE record SET visit_id=NULL WHERE kit_seq=:seq", {"seq": _record(hub).kit_seq}


def _lock_gone(hub: Any) -> tuple[str, dict[str, Any]]:
    return "DELETE FROM record WHERE kind='page_lock_changed'", {}


def _of_another_patient(hub: Any) -> tuple[str, dict[str, Any]]:
    other = "(SELECT max(CAST(id AS VARCHAR(36))) FROM patient WHERE id <> visit.patient_id)"
    if hub.database.engine.dialect.name == "postgresql":
        other = f"CAST({other} AS UUID)"
    record = _record(hub)
    sqlite = hub.database.engine.dialect.name == "sqlite"
    visit_id = record.visit_id.hex if sqlite and record.visit_id else record.visit_id
    return f"UPDATE visit SET patient_id={other} WHERE id=:id", {"id": visit_id}


FORGER = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
"""Whoever can write the database can say that a bag had this key."""


def _a_former_key(hub: Any) -> tuple[str, dict[str, Any]]:
    key = FORGER.public_key().public_bytes_raw()
    return "INSERT INTO former_kit_key VALUES (:id, :key, :at)", {**_kit(hub, key), "at": datetime.now(UTC)}


def _forged(payload: str) -> dict[str, Any]:
    signature = base64.b64encode(FORGER.sign(payload.encode())).decode()
    return {"payload": payload, "sha": hashlib.sha256(payload.encode()).hexdigest(), "signature": signature}


def _record_forged(hub: Any) -> tuple[str, dict[str, Any]]:
    row = _record(hub)
    statement = "UPDATE record SET payload=:payload, sha256=:sha, signature=:signature WHERE kit_seq=:seq"
    return statement, {**_forged(row.payload.replace("128", "118", 1) + " "), "seq": row.kit_seq}


def _forged_record_put_in(hub: Any) -> tuple[str, dict[str, Any]]:
    row, new = _record(hub), uuid.uuid4()
    said = json.loads(row.payload)
    said |= {"id": str(new), "binding": {**said["binding"], "kit_seq": 99}}
    columns = "kit_id, kind, visit_id, received_at"
    statement = (
        f"INSERT INTO record (id, kit_seq, payload, sha256, signature, {columns})"
        f" SELECT :id, 99, :payload, :sha, :signature, {columns} FROM record WHERE kit_seq=:seq"
    )
    sqlite = hub.database.engine.dialect.name == "sqlite"
    return statement, {**_forged(json.dumps(said)), "id": new.hex if sqlite else new, "seq": row.kit_seq}


def _changed_note(hub: Any) -> tuple[str, dict[str, Any]]:
    return "UPDATE note_version SET plan='Annat' WHERE version=2 AND state='signed'", {}


def _note_made_to_fit(hub: Any) -> tuple[str, dict[str, Any]]:
    row = _note(hub)
    row.plan = "Annat"
    values = {"sha": content_sha256(row)}
    return "UPDATE note_version SET plan='Annat', sha256=:sha WHERE version=2 AND state='signed'", values


def _note_gone(hub: Any) -> tuple[str, dict[str, Any]]:
    return "DELETE FROM note_version WHERE version=2 AND state='signed'", {}


def _note_put_in(hub: Any) -> tuple[str, dict[str, Any]]:
    row = _note(hub)
    row.version = 7
    columns = "visit_id, author_id, author, assessment, plan, state, changed_at, signed_at"
    statement = (
        f"INSERT INTO note_version (id, version, sha256, {columns})"
        f" SELECT :id, 7, :sha, {columns} FROM note_version WHERE version=2 AND state='signed'"
    )
    new = uuid.uuid4()
    sqlite = hub.database.engine.dialect.name == "sqlite"
    return statement, {"id": new.hex if sqlite else new, "sha": content_sha256(row)}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_changed_record, ["its content is not what was stored", "its kit did not sign this"]),
        (_record_made_to_fit, ["of the access log says another digest", "its kit did not sign this"]),
        (_record_forged, ["of the access log says another digest"]),
        (_forged_record_put_in, ["the access log knows nothing of its being stored"]),
        (_another_number, ["another id, kit or number", "1 of its 5 records are gone"]),
        (_record_gone, ["1 of its 5 records are gone", "it was stored (event"]),
        (_lock_gone, ["1 of its 5 records are gone", "it was stored (event"]),
        (_last_record_gone, ["it was stored (event"]),
        (_another_kind, ["another kind than was signed"]),
        (_another_visit, ["another visit than was signed"]),
        (_out_of_its_visit, ["of the access log says another visit"]),
        (_of_another_patient, ["its row says another patient than was signed"]),
        (_changed_note, ["its content is not what was signed"]),
        (_note_made_to_fit, ["says another digest"]),
        (_note_gone, ["and is gone"]),
        (_note_put_in, ["the access log knows nothing of its signing"]),
    ],
)
def test_what_was_done_past_the_program_is_found(
    full: Any,
    change: Callable[[Any], tuple[str, dict[str, Any]]],
    why: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert faults(full) == []
    assert maintenance(full, "begin", "--by", "Siri", "--why", "x") == 0
    [began] = rows(full, "maintenance_began")
    findings = ("DELETE FROM finding", {})
    forgotten = ("UPDATE kit SET watermark=watermark-1", {})
    before = {
        _record_gone: [findings],
        _last_record_gone: [findings, forgotten],
        _record_forged: [_a_former_key(full)],
        _forged_record_put_in: [_a_former_key(full)],
    }.get(change, [])
    past_the_program(full, *before, change(full))
    found = faults(full)
    assert len(found) == len(why)
    for fault, words in zip(found, why, strict=True):
        assert words in fault.why
    assert maintenance(full, "end", str(began.seq), "--by", "Siri") == 1
    out = capsys.readouterr().out
    assert "NOT AS SIGNED" in out
    assert "Plan" not in out
    assert "191212121212" not in out
    assert rows(full, "maintenance_ended")[0].object.endswith(f"faults {len(why)}")
    assert maintenance(full, "check", "--by", "Siri") == 1
    assert rows(full, "records_checked")[0].object.endswith(f"faults {len(why)}")


def test_a_log_of_before_digests_says_only_that_a_record_was_stored(full: Any) -> None:
    with full.database.reading() as session:
        rows_with = select(AuditRow.seq, AuditRow.object).where(AuditRow.object.contains(" sha256:"))
        without = [{"seq": seq, "object": said.partition(" sha256:")[0]} for seq, said in session.execute(rows_with)]
    assert len(without) == 5
    strip = "UPDATE audit_event SET object=:object WHERE seq=:seq"
    past_the_program(full, *((strip, values) for values in without))
    assert faults(full) == []
    past_the_program(full, _a_former_key(full), _record_forged(full))
    assert faults(full) == [], "nothing of before tells"
    past_the_program(full, _record_gone(full))
    assert [fault.why.split(" (")[0] for fault in faults(full)] == [
        "1 of its 5 records are gone, and no decision says why",
        "it was stored",
    ]


def test_a_bag_with_a_new_key_signed_what_it_signed(full: Any) -> None:
    past_the_program(full, ("UPDATE kit SET public_key=:key WHERE id=:id", _kit(full, b"\0" * 32)))
    assert len(faults(full)) == 5
    old = _kit(full, full.kit.public_key)
    past_the_program(full, ("INSERT INTO former_kit_key VALUES (:id, :key, :at)", {**old, "at": datetime.now(UTC)}))
    assert faults(full) == []


def _kit(hub: Any, key: bytes) -> dict[str, Any]:
    sqlite = hub.database.engine.dialect.name == "sqlite"
    return {"key": key, "id": hub.kit.kit_id.hex if sqlite else hub.kit.kit_id}


@pytest.mark.postgres
def test_the_technicians_role_reads_and_does_not_change_what_is_signed(postgres_url: str) -> None:
    """The statements of the how-to, as they stand there."""
    [statements] = re.findall(r"```sql\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    name = f"siri_{uuid.uuid4().hex[:8]}"
    owner = create_engine(postgres_url)
    with owner.begin() as connection:
        for statement in statements.replace("siri_lund", name).replace("carebag_technician", f"{name}_role").split(";"):
            if statement.strip():
                connection.execute(text(statement))
    try:
        technician = create_engine(owner.url.set(username=name))
        with technician.connect() as connection:
            assert connection.execute(text("SHOW log_statement")).scalar() == "all"
            assert connection.execute(text("SHOW application_name")).scalar() == name
            for table in SIGNED:
                connection.execute(text(f"SELECT count(*) FROM {table}"))
                connection.commit()
                for refused in (
                    f"DELETE FROM {table}",
                    f"INSERT INTO {table} DEFAULT VALUES",
                    f"TRUNCATE {table}",
                    f"ALTER TABLE {table} DISABLE TRIGGER USER",
                ):
                    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
                        connection.execute(text(refused))
                    connection.rollback()
            with pytest.raises(DBAPIError, match="permission denied"):
                connection.execute(text("SET session_replication_role = replica"))
            connection.rollback()
            assert connection.execute(text("UPDATE visit SET reason='x'")).rowcount == 0
        technician.dispose()
    finally:
        with owner.begin() as connection:
            for role in (name, f"{name}_role"):
                connection.execute(text(f"DROP OWNED BY {role}"))
                connection.execute(text(f"DROP ROLE {role}"))
        owner.dispose()
