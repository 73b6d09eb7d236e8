"""A patient's record goes as a whole, with its files, long after its last entry; what is held or younger stays."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from carebag import retention_removal
from carebag_server import patients, sign_in_tables
from carebag_server.audit import Actor, verify_database
from carebag_server.demo_data import demo_id
from carebag_server.patients import Described
from carebag_server.retention import log_pruning, record_removal
from carebag_server.retention.tables import FileToRemove, RemovedRecord, RetentionHold
from carebag_server.stored_records import examine_records
from carebag_server.tables import (
    AuditRow,
    Base,
    FilingRow,
    Finding,
    MediaRow,
    NoteRow,
    Organization,
    PatientRow,
    RecordRow,
    VisitRow,
)

SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"
Says = Callable[..., tuple[int, str]]
SIRI = Actor(
    practitioner="Siri", role="admin", care_unit="x", organization="-", purpose="x", origin="x", request_ref="x"
)
OURS = ("records", "--provider", "Timrå kommun")


def whole_visit(hub: Any) -> Any:
    """Tolvan's visit with a value, a sound and its file, a signed note, a consent, an emergency and a guest's row."""
    doctor = hub.sign_in("doctor")
    head = hub.visits()[0]
    base = f"/api/visits/{head['id']}"
    hub.kit.store("visit_opened", head)

    def act(verb: str, path: str, body: Any) -> Any:
        answer = hub.client.request(verb, base + path, headers=doctor, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    asked = act("POST", "/requests", {"kind": "blood_pressure"})
    reading = hub.kit.store("reading", head, asked["id"])
    act("POST", f"/readings/{reading['id']}/decision", {"decision": "kept"})
    tray = hub.kit.store("reading", None, provenance="stored")
    hub.kit.store("reading_filed", head, reading_id=tray["id"])
    sound = hub.kit.store("sound_recorded", head)
    hub.kit.request("PUT", f"/api/kit/media/{sound['media_sha256']}", SOUND)
    heard = {"stream": 1, "sha256": sound["media_sha256"], "samples": 4, "repaired": 0, "missing": 0}
    act("POST", "/sounds/heard", heard)
    act("POST", "/marks", {"stream": 1, "sample": 2, "rate_hz": 4000, "kind": "murmur"})
    act("POST", "/consent", {"asked_by": "nurse", "how": "spoken", "days": 1})
    act("POST", "/emergency", {"reason": "unconscious"})
    act("PUT", "/note", {"assessment": "urosepsis", "plan": "p", "base_version": 0})
    act("POST", "/note/sign", {"version": 1})
    act("POST", "/outcome", {"outcome": "ambulance_avoided"})
    hub.kit.store("visit_closed", head)
    return head


def others(hub: Any, head: Any) -> None:
    """The demo's other visits end: else its kit has them open for years."""
    with hub.database.transaction() as session:
        for row in session.scalars(select(VisitRow).where(VisitRow.id != uuid.UUID(head["id"]))):
            if row.state == "open":
                row.state = "closed"


def left(hub: Any, table: Any, *where: Any) -> int:
    with hub.database.reading() as session:
        return len(session.scalars(select(table).where(*where)).all())


def remove(office: Any, years: float = 11) -> Any:
    return office.remove(*OURS, years=years)


def test_a_record_goes_as_a_whole(office: Says, hub: Any) -> None:
    head = whole_visit(hub)
    others(hub, head)
    office.settle()  # type: ignore[attr-defined]
    file = hub.app.state.hub.media.path(hashlib.sha256(SOUND).hexdigest())
    assert file.exists()
    watermark = hub.kit.seq
    events = len(hub.actions())
    status, said = remove(office)
    assert (status, "files" in said) == (0, True), said
    assert not file.exists()
    for table in (VisitRow, RecordRow, Finding, FilingRow, NoteRow, MediaRow, FileToRemove, *record_removal.OF_A_VISIT):
        assert left(hub, table) == 0, table
    assert left(hub, PatientRow, PatientRow.personal_id == "191212121212") == 0
    assert left(hub, RemovedRecord) == watermark
    actions = hub.actions()[events:]
    assert actions[:2] == ["removal_proposed", "removal_approved"]
    assert set(actions[2:]) == {"records_removed"}
    assert verify_database(hub.url).intact
    with hub.database.reading() as session:
        assert examine_records(session).faults == [], "what went by a decision is not missing"


def test_what_was_done_is_in_the_log_and_names_nobody(office: Says, hub: Any) -> None:
    head = whole_visit(hub)
    others(hub, head)
    office.settle()  # type: ignore[attr-defined]
    remove(office)
    with hub.database.reading() as session:
        acts = session.scalars(select(AuditRow).where(AuditRow.action == "records_removed")).all()
    assert acts
    for act in acts:
        assert (act.patient_id, act.visit_id) == (None, None)
        assert act.practitioner.startswith("Maj (maj")
        assert "by RS 2026/118" in act.object
        assert head["id"] not in act.object
        assert "Tolvan" not in act.object


def due(hub: Any, at: Any, provider: str = "Timrå kommun") -> record_removal.DueRecords:
    with hub.database.reading() as session:
        row = session.get_one(Organization, demo_id(provider))
        return record_removal.due_records(session, row, at)


def is_due(hub: Any, head: Any, at: Any) -> bool:
    return uuid.UUID(head["id"]) in {visit for one in due(hub, at).records for visit in one.visits}


LATE = {
    "a mark taken back": "UPDATE listening_mark SET taken_back_at = '2031-01-01 00:00:00.000000'",
    "a value decided": "UPDATE finding SET decided_at = '2031-01-01 00:00:00.000000'",
    "a visit closed": "UPDATE visit SET closed_at = '2031-01-01 00:00:00.000000'",
    "a visit planned": "UPDATE visit SET scheduled_at = '2031-01-01 00:00:00.000000'",
    "a visit not closed": "UPDATE visit SET state = 'open'",
    "an outcome said": "UPDATE visit_outcome SET at = '2031-01-01 00:00:00.000000'",
}


def test_one_late_entry_keeps_all_of_it(small_office: Any) -> None:
    hub = small_office.hub
    head = whole_visit(hub)
    others(hub, head)
    small_office.settle()
    assert not is_due(hub, head, small_office.later(9.9))
    later = small_office.later(11)
    assert is_due(hub, head, later)
    for why, statement in LATE.items():
        with hub.database.engine.connect() as connection:
            connection.execute(text(statement))
            with Session(connection) as session:
                found = record_removal.due_records(
                    session, session.get_one(Organization, demo_id("Timrå kommun")), later
                )
            connection.rollback()
        assert uuid.UUID(head["id"]) not in {visit for one in found.records for visit in one.visits}, why


def test_a_hold_keeps_a_patient_until_it_is_lifted(small_office: Any) -> None:
    hub = small_office.hub
    head = whole_visit(hub)
    others(hub, head)
    small_office.settle()
    placing = ("hold", "--provider", "Timrå kommun", "--patient", "191212121212", "--by", "MAS Karin Berg")
    assert small_office(*placing, "--why", " ")[0] == 2
    status, said = small_office(*placing, "--why", "IVO dnr 7")
    assert status == 0
    hold = said.split()[1]
    assert "IVO" not in small_office("holds")[1]
    assert hold in small_office("holds")[1]
    assert not is_due(hub, head, small_office.later(11))
    assert due(hub, small_office.later(11)).held_back == 1
    assert due(hub, small_office.later(11)).tray == ()
    remove(small_office)
    assert left(hub, PatientRow, PatientRow.personal_id == "191212121212") == 1
    assert small_office("lift", hold, "--by", "MAS Karin Berg")[0] == 0
    assert small_office("lift", hold, "--by", "MAS Karin Berg")[0] == 2
    assert is_due(hub, head, small_office.later(11))
    remove(small_office)
    assert left(hub, PatientRow, PatientRow.personal_id == "191212121212") == 0
    assert left(hub, RetentionHold) == 0


def test_a_hold_on_everything(small_office: Any) -> None:
    hub = small_office.hub
    others(hub, whole_visit(hub))
    small_office.settle()
    placed = small_office("hold", "--provider", "Timrå kommun", "--everything", "--why", "tvist", "--by", "Siri")
    assert placed[0] == 0
    found = due(hub, small_office.later(11))
    assert (found.count, found.records, found.tray) == (0, (), ())
    assert found.held_back > 0


def test_a_merged_identity_is_one_person(small_office: Any) -> None:
    """A young visit under the other identity keeps the old one's record; afterwards both go."""
    hub = small_office.hub
    head = whole_visit(hub)
    others(hub, head)
    small_office.settle()
    at = hub.clock()
    with hub.database.transaction() as session:
        mine = session.get_one(VisitRow, uuid.UUID(head["id"]))
        unknown = patients.register_temporary(session, SIRI, Described("Okänd man"), at)
        young = VisitRow(id=uuid.uuid4(), organization_id=mine.organization_id, patient_id=unknown.id,
                         kit_id=mine.kit_id, scheduled_at=at + timedelta(days=365 * 6), reason="", background="",
                         colour=1, state="closed")  # fmt: skip
        session.add(young)
        session.flush()
    assert is_due(hub, head, small_office.later(11))
    with hub.database.transaction() as session:
        of, into = session.get_one(PatientRow, unknown.id), session.get_one(PatientRow, mine.patient_id)
        patients.merge(session, SIRI, of, into, patients.Stated(demo_id("Anna Lind"), "anhörig kom"), at)
    assert not is_due(hub, head, small_office.later(11))
    assert is_due(hub, head, small_office.later(17))
    remove(small_office, 17)
    assert left(hub, PatientRow, PatientRow.id.in_([unknown.id, mine.patient_id])) == 0


def test_a_kit_that_sends_it_again_is_told_that_it_was_stored(small_office: Any) -> None:
    hub = small_office.hub
    head = whole_visit(hub)
    others(hub, head)
    record = hub.kit.record("reading", None, provenance="stored")
    envelope = hub.kit.envelope(record)
    assert hub.kit.send_envelopes(envelope)["stored"] == [record["id"]]
    other = hub.kit.envelope({**record, "provenance": "live"})
    small_office.settle()
    remove(small_office)
    assert left(hub, RecordRow) == 0
    receipt = hub.kit.send_envelopes(envelope)
    assert (receipt["stored"], receipt["watermark"]) == ([record["id"]], hub.kit.seq)
    assert hub.kit.send_envelopes(other)["refused"] == {other["sha256"]: "other_content"}
    assert left(hub, RecordRow) == 0
    hub.kit.store("reading", None)
    assert left(hub, RecordRow) == 1


def test_the_store_lets_no_record_and_no_signed_note_go_without_the_act(office: Says, hub: Any) -> None:
    whole_visit(hub)
    for statement in ("DELETE FROM record WHERE kind = 'visit_closed'", "DELETE FROM note_version"):
        with pytest.raises(DBAPIError, match="append_only"), hub.database.engine.begin() as connection:
            connection.execute(text(statement))


def test_a_file_that_could_not_go_goes_the_next_time(small_office: Any) -> None:
    hub = small_office.hub
    others(hub, whole_visit(hub))
    small_office.settle()
    file = hub.app.state.hub.media.path(hashlib.sha256(SOUND).hexdigest())
    file.unlink()
    file.mkdir()  # cannot be unlinked, whoever asks
    status, said = remove(small_office)
    assert (status, "1 files could not be removed" in said) == (1, True)
    assert left(hub, FileToRemove) == 1
    file.rmdir()
    assert remove_files(hub) == 0
    assert left(hub, FileToRemove) == 0


def remove_files(hub: Any) -> int:
    return retention_removal.remove_files(hub.database, hub.app.state.hub.media)


def test_a_file_that_another_visit_names_stays(small_office: Any) -> None:
    hub = small_office.hub
    head = whole_visit(hub)
    other = hub.visits()[1]
    hub.kit.store("sound_recorded", other, stream=2)
    others(hub, head)
    with hub.database.transaction() as session:
        session.get_one(VisitRow, uuid.UUID(other["id"])).closed_at = hub.clock() + timedelta(days=365 * 5)
    small_office.settle()
    assert remove(small_office)[0] == 0
    assert not is_due(hub, head, small_office.later(11))
    assert left(hub, VisitRow, VisitRow.id == uuid.UUID(other["id"])) == 1
    assert hub.app.state.hub.media.path(hashlib.sha256(SOUND).hexdigest()).exists()
    assert (left(hub, MediaRow), left(hub, FileToRemove)) == (1, 0)


def test_a_record_whose_value_was_moved_goes_after_the_one_it_was_moved_to(small_office: Any) -> None:
    hub = small_office.hub
    head = whole_visit(hub)
    other = hub.visits()[1]
    hub.kit.store("visit_opened", other)
    doctor, lead = hub.sign_in("doctor"), hub.sign_in("reviewer")
    shown = hub.client.get(f"/api/visits/{head['id']}", headers=doctor).json()
    path = f"/api/visits/{head['id']}/moves/{shown['readings'][0]['reading']['id']}"
    move = hub.client.post(path, headers=doctor, json={"to_visit_id": other["id"], "reason": "r"}).json()
    hub.client.post(f"/api/review/moves/{move['id']}", headers=lead, json={"decision": "moved"})
    others(hub, head)
    with hub.database.transaction() as session:
        session.get_one(VisitRow, uuid.UUID(other["id"])).closed_at = hub.clock() + timedelta(days=365 * 5)
    small_office.settle()
    assert not is_due(hub, head, small_office.later(11))
    assert remove(small_office, years=17)[0] == 0
    assert left(hub, VisitRow, VisitRow.id == uuid.UUID(other["id"])) == 0
    assert left(hub, VisitRow, VisitRow.id == uuid.UUID(head["id"])) == 1
    assert remove(small_office, years=17)[0] == 0
    assert left(hub, VisitRow, VisitRow.id == uuid.UUID(head["id"])) == 0


def test_a_hold_on_one_identity_holds_the_person(small_office: Any) -> None:
    hub = small_office.hub
    head = whole_visit(hub)
    others(hub, head)
    small_office.settle()
    with hub.database.transaction() as session:
        unknown = patients.register_temporary(session, SIRI, Described("Okänd man"), hub.clock())
        into = session.get_one(VisitRow, uuid.UUID(head["id"])).patient_id
        stated = patients.Stated(demo_id("Anna Lind"), "anhörig kom")
        patients.merge(session, SIRI, unknown, session.get_one(PatientRow, into), stated, hub.clock())
    placed = small_office("hold", "--provider", "Timrå kommun", "--patient", str(unknown.id), "--why", "x", "--by", "S")
    assert placed[0] == 0
    assert not is_due(hub, head, small_office.later(11))
    events = len([one for one in hub.actions() if one in ("reading_stored", "visit_read", "note_signed")])
    assert events > 0
    with hub.database.reading() as session:
        found = log_pruning.due_events(session, small_office.later(6))
    assert found.held_back >= events


def test_every_table_that_hangs_on_visit_or_patient_is_thought_of() -> None:
    assert sign_in_tables.OidcFlow.__table__.metadata is Base.metadata
    named = {table.__tablename__ for table in (*record_removal.OF_A_VISIT, *record_removal.OF_A_PATIENT)}
    hanging = {
        table.name
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name in ("visit", "patient", "record", "request")
    }
    assert hanging - named == {"visit", "record"}


def test_it_is_removed_from_the_sqlite_file_too(small_office: Any, tmp_path: Any) -> None:
    hub = small_office.hub
    others(hub, whole_visit(hub))
    small_office.settle()
    remove(small_office)
    hub.database.dispose()
    everything = b"".join(file.read_bytes() for file in tmp_path.glob("hub.db*"))
    assert b"urosepsis" not in everything
