"""Two weeks of the demo before today, for the medical lead: visits with their log, and some accesses to look at.

Among them one that nobody should find in order: a doctor who reads a neighbour's chart at night, days after the visit
and without a part in her care. Published test identities only; written once, into a log that is still empty, because
a log cannot be written backwards.
"""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from carebag_server.access_tables import EmergencyRow
from carebag_server.audit import HEAD_ID, Act, Actor, append
from carebag_server.database import Database
from carebag_server.demo_data import PREMICARE, TIMRA, demo_id
from carebag_server.notes import content_sha256
from carebag_server.patients import Described, patient_row
from carebag_server.policy import EMERGENCY
from carebag_server.review_tables import OutcomeRow
from carebag_server.tables import (
    AuditHead,
    CareAgreement,
    Commission,
    Finding,
    Kit,
    NoteRow,
    Practitioner,
    RecordRow,
    RequestRow,
    VisitRow,
)
from carebag_wire.base import uuid7
from carebag_wire.identity.person import read_swedish

ZONE = ZoneInfo("Europe/Stockholm")
ANNA, ELENA, MARIA, JONAS, KARIN = "Anna Lind", "Elena Ruiz", "Maria Testsson", "Jonas Ek", "Karin Berg"
"""Maria is a nurse who left, with a patient's surname by chance; Jonas a doctor who left."""
_PLACES = {
    ANNA: ("nurse", "Timrå hemsjukvård", TIMRA),
    MARIA: ("nurse", "Timrå hemsjukvård", TIMRA),
    KARIN: ("reviewer", "Timrå kommun, MAS", TIMRA),
    ELENA: ("doctor", "Premicare distansvård", PREMICARE),
    JONAS: ("doctor", "Premicare distansvård", PREMICARE),
}
_WHO_LEFT = ((MARIA, "sjuksköterska"), (JONAS, "leg. läkare"))
_PATIENTS = (
    ("196109732393", "Jan Testlund", "Söråker, Timrå"),
    ("199002222397", "Lina Testdahl", "Laggarberg, Timrå"),
)
TOLVAN, SVEN, GUN, JAN, LINA = "191212121212", "195009072553", "196101182803", "196109732393", "199002222397"
READINGS = {
    "blood_pressure": ("cuff", [("systolic", "134", "mm[Hg]"), ("diastolic", "78", "mm[Hg]")]),
    "temperature": ("thermometer", [("temperature", "37.4", "Cel")]),
    "crp": ("crp_analyser", [("crp", "18", "mg/L")]),
    "oximetry": ("oximeter", [("spo2", "95", "%"), ("pulse", "82", "/min")]),
}


@dataclass(frozen=True)
class _Visit:
    """`asked`: kind, minute of asking, minutes until the reading came, what the doctor decided."""

    patient: str
    day: int
    """Counted from the Monday of the week before this one."""
    hour: int
    nurse: str
    reason: str
    asked: tuple[tuple[str, int, float, str], ...]
    outcome: str = ""


VISITS = (
    _Visit(GUN, -4, 9, ANNA, "Andfådd, uppföljning av hjärtsvikt",
           (("blood_pressure", 4, 2.5, "kept"), ("oximetry", 8, 1.0, "kept")), "ambulance_avoided"),
    _Visit(TOLVAN, -3, 13, ANNA, "Feber", (("temperature", 3, 1.5, "kept"), ("crp", 6, 5.2, "kept")), "not_at_issue"),
    _Visit(SVEN, 0, 10, MARIA, "Hosta", (("oximetry", 5, 1.2, "rejected"), ("oximetry", 8, 0.9, "kept"))),
    _Visit(LINA, 0, 14, ANNA, "Yrsel", (("blood_pressure", 4, 2.8, "kept"),), "ambulance_called"),
    _Visit(JAN, 1, 8, ANNA, "Sår som inte läker", (("temperature", 5, 1.7, "kept"),), "not_at_issue"),
    _Visit(TOLVAN, 3, 9, ANNA, "Kontroll efter feber",
           (("temperature", 3, 1.4, "kept"), ("crp", 7, 4.8, "kept")), "ambulance_avoided"),
    _Visit(JAN, 4, 11, ANNA, "Omläggning", (("blood_pressure", 6, 3.3, "kept"),)),
)  # fmt: skip


def ensure_history(url: str, now: datetime | None = None) -> None:
    """Write the two weeks, if the log has no row yet.

    Args:
        now: aware; default the system's clock.
    """
    at = now or datetime.now(UTC)
    database = Database(url)
    try:
        with database.transaction() as session:
            if session.get(AuditHead, HEAD_ID) is None:
                _Writer(session, at).write()
    finally:
        database.dispose()


class _Writer:
    def __init__(self, session: Session, now: datetime) -> None:
        self.session = session
        today = now.astimezone(ZONE).date()
        self.monday = today - timedelta(days=today.weekday() + 7)
        self.key = Ed25519PrivateKey.generate()
        self.kit_id, self.seq = demo_id("Väska före"), 0
        self.log: list[tuple[datetime, Actor, Act]] = []
        self.visits: dict[tuple[str, int], VisitRow] = {}

    def write(self) -> None:
        self._who_was_there()
        for number, visit in enumerate(VISITS):
            self._visit(number, visit)
        self._looked_at()
        for at, actor, act in sorted(self.log, key=lambda one: one[0]):
            append(self.session, actor, act, at)

    def _time(self, day: int, hour: int, minute: float = 0) -> datetime:
        start = datetime.combine(self.monday + timedelta(days=day), time(hour), ZONE)
        return (start + timedelta(minutes=minute)).astimezone(UTC)

    def _who_was_there(self) -> None:
        self.session.get_one(CareAgreement, demo_id("agreement")).valid_from = self._time(-60, 0)
        for name, title in _WHO_LEFT:
            role, unit, organization = _PLACES[name]
            self.session.add(Practitioner(id=demo_id(name), name=name, title=title))
            self.session.flush()
            self.session.add(
                Commission(
                    id=demo_id(f"{name} {role}"),
                    practitioner_id=demo_id(name),
                    organization_id=demo_id(organization),
                    unit=unit,
                    role=role,
                    ended_at=self._time(7, 0),
                )
            )
        for digits, name, place in _PATIENTS:
            identity = read_swedish(digits, self.monday)
            self.session.add(
                patient_row(identity, Described(name, place, "Elena Ruiz, Premicare"), "demo", demo_id(digits))
            )
        self.session.add(
            Kit(
                id=self.kit_id,
                organization_id=demo_id(TIMRA),
                name="Väska 0",
                unit="Timrå hemsjukvård",
                public_key=self.key.public_key().public_bytes_raw(),
                enrolled_at=self._time(-60, 8),
                revoked_at=self._time(7, 0),
            )
        )
        self.session.flush()

    def _say(self, at: datetime, who: str, action: str, thing: str, visit: VisitRow | None, **more: str) -> None:
        role, unit, organization = _PLACES[who]
        name = f"{who} · Väska 0" if role == "nurse" else who
        purpose = more.get("purpose", {"reviewer": "review"}.get(role, "care"))
        actor = Actor(
            practitioner=name,
            role=role,
            care_unit=unit,
            organization=organization,
            purpose=purpose,
            origin=more.get("origin", "127.0.0.1"),
            request_ref=hashlib.sha256(f"{at}{action}".encode()).hexdigest()[:16],
        )
        patient = visit.patient_id if visit else None
        act = Act(action=action, object=thing, patient_id=patient, visit_id=visit.id if visit else None)
        self.log.append((at, actor, act))

    def _visit(self, number: int, said: _Visit) -> None:
        opened = self._time(said.day, said.hour, 2)
        closed = opened + timedelta(minutes=31 + number * 3)
        row = VisitRow(
            id=uuid7(int(opened.timestamp() * 1000)),
            organization_id=demo_id(TIMRA),
            patient_id=demo_id(said.patient),
            kit_id=self.kit_id,
            nurse_commission_id=demo_id(f"{said.nurse} nurse"),
            scheduled_at=self._time(said.day, said.hour),
            reason=said.reason,
            background="",
            colour=(number + 3) % 8,
            state="closed",
            opened_at=opened,
            closed_at=closed,
            doctor_joined_at=opened + timedelta(minutes=1),
        )
        self.session.add(row)
        self.session.flush()
        self.visits[said.patient, said.day] = row
        self._say(opened - timedelta(minutes=3), ELENA, "signed_in", "session", None, purpose="sign_in")
        self._say(opened - timedelta(minutes=2), ELENA, "visits_listed", "visits 3", None)
        self._say(opened, said.nurse, "visit_opened", f"visit {row.id}", row)
        self._say(opened + timedelta(minutes=1), ELENA, "room_joined", f"visit {row.id}", row)
        rejected: uuid.UUID | None = None
        for kind, minute, took, decision in said.asked:
            made = self._asked(row, said.nurse, kind, opened + timedelta(minutes=minute), took, decision, rejected)
            rejected = made if decision == "rejected" else None
        self._signed(row, closed - timedelta(minutes=4))
        self._say(closed, said.nurse, "visit_closed", f"visit {row.id}", row)
        if said.outcome:
            self.session.add(OutcomeRow(visit_id=row.id, outcome=said.outcome, by=ELENA, at=closed))
            self._say(closed, ELENA, "outcome_said", f"visit {row.id} {said.outcome}", row)

    def _asked(
        self, visit: VisitRow, nurse: str, kind: str, at: datetime, took: float, decision: str, again: uuid.UUID | None
    ) -> uuid.UUID:
        request = uuid7(int(at.timestamp() * 1000))
        came = at + timedelta(minutes=took)
        decided = came + timedelta(seconds=25)
        self.session.add(
            RequestRow(
                id=request,
                visit_id=visit.id,
                kind=kind,
                circumstances="{}",
                note="",
                state="done",
                again_of=again,
                asked_by=ELENA,
                asked_at=at,
                changed_at=decided,
            )
        )
        self.session.flush()
        record = self._reading(visit, request, kind, came)
        self.session.add(
            Finding(
                record_id=record,
                visit_id=visit.id,
                kind="reading",
                request_id=request,
                decision=decision,
                decided_by=ELENA,
                decided_at=decided,
                reason="" if decision == "kept" else "Kall hand, svag puls",
            )
        )
        self._say(at, ELENA, "request_made", f"request {request} {kind}", visit)
        self._say(came, nurse, "reading_stored", f"reading {record} {kind}", visit)
        self._say(decided, ELENA, f"reading_{decision}", f"reading {record} {kind}", visit)
        return request

    def _reading(self, visit: VisitRow, request: uuid.UUID, kind: str, at: datetime) -> uuid.UUID:
        """Signed with a key of its own, by a kit that is gone: a record like any other."""
        self.seq += 1
        record = uuid7(int(at.timestamp() * 1000))
        instrument, values = READINGS[kind]
        said = {
            "type": "reading",
            "id": str(record),
            "binding": {
                "visit_id": str(visit.id),
                "patient_id": str(visit.patient_id),
                "nurse_id": str(demo_id(ANNA)),
                "kit_id": str(self.kit_id),
                "kit_seq": self.seq,
                "request_id": str(request),
            },
            "times": {"kit_monotonic_ns": self.seq, "kit_utc": at.isoformat()},
            "kind": kind,
            "quantities": [{"name": name, "value": value, "unit": unit} for name, value, unit in values],
            "quality": {"word": "good"},
            "device": {"id": instrument, "kind": instrument, "maker": "simulerad", "model": kind, "simulated": True},
            "provenance": "live",
        }
        payload = json.dumps(said, ensure_ascii=False)
        self.session.add(
            RecordRow(
                id=record,
                kit_id=self.kit_id,
                kit_seq=self.seq,
                kind="reading",
                visit_id=visit.id,
                payload=payload,
                sha256=hashlib.sha256(payload.encode()).hexdigest(),
                signature=base64.b64encode(self.key.sign(payload.encode())).decode(),
                received_at=at,
            )
        )
        self.session.flush()
        return record

    def _signed(self, visit: VisitRow, at: datetime) -> None:
        note = NoteRow(
            id=uuid7(int(at.timestamp() * 1000)),
            visit_id=visit.id,
            author_id=demo_id(ELENA),
            author=ELENA,
            version=1,
            assessment="Opåverkad. Stabilt läge i hemmet.",
            plan="Fortsatt behandling enligt lista. Nytt besök vid försämring.",
            changed_at=at,
            signed_at=at,
            state="signed",
        )
        note.sha256 = content_sha256(note)
        self.session.add(note)
        self._say(at, ELENA, "note_written", f"note {note.id}", visit)
        self._say(at + timedelta(seconds=20), ELENA, "note_signed", f"note {note.id} {note.sha256}", visit)

    def _looked_at(self) -> None:
        """What a review is for: one improper access, one emergency, and ordinary reading between them."""
        gun, lina, jan = self.visits[GUN, -4], self.visits[LINA, 0], self.visits[JAN, 1]
        for minute, action, thing in (
            (14, "visit_read", "visit"),
            (16, "visit_read", "visit"),
            (19, "visit_exported", "visit"),
        ):
            self._say(self._time(2, 2, minute), JONAS, action, f"{thing} {gun.id}", gun, origin="127.0.0.9")
        self._say(self._time(2, 2, 12), JONAS, "signed_in", "session", None, purpose="sign_in", origin="127.0.0.9")
        opened = self._time(3, 19, 38)
        emergency = EmergencyRow(
            id=demo_id("emergency before"),
            patient_id=lina.patient_id,
            visit_id=lina.id,
            commission_id=demo_id("Elena Ruiz doctor"),
            organization_id=demo_id(PREMICARE),
            doctor="Elena Ruiz",
            reason="Svarar inte i telefon, dottern oroad för andning",
            at=opened,
            expires_at=opened + EMERGENCY,
            ended_at=self._time(3, 19, 55),
        )
        self.session.add(emergency)
        thing = f"emergency {emergency.id}"
        self._say(opened, ELENA, "emergency_opened", thing, lina, purpose="emergency")
        self._say(self._time(3, 19, 40), ELENA, "visit_read", f"visit {lina.id}", lina, purpose="emergency")
        self._say(self._time(3, 19, 55), ELENA, "emergency_ended", thing, lina, purpose="emergency")
        self._say(self._time(1, 15, 5), ELENA, "visit_read", f"visit {jan.id}", jan)
        self._say(self._time(4, 15), KARIN, "signed_in", "session", None, purpose="sign_in")
        self._say(self._time(4, 15, 2), KARIN, "audit_verified", "events intact", None)


def planted_night(now: datetime) -> date:
    """The day of the improper access, for those who look for it."""
    today = now.astimezone(ZONE).date()
    return today - timedelta(days=today.weekday() + 7 - 2)
