"""The demo's people, kit and visits of today. Published test identities only; can be run again at any time.

A demo that is started again the same day finds its visits as they were left; a closed one is followed by a new one.
"""

import base64
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from carebag_server.database import Database
from carebag_server.installation import stamp
from carebag_server.migrate import upgrade
from carebag_server.patients import Described, patient_row
from carebag_server.people_tables import CareUnit
from carebag_server.tables import (
    CareAgreement,
    Commission,
    Kit,
    Organization,
    PatientRow,
    Practitioner,
    VisitRow,
)
from carebag_server.visits import NEAR
from carebag_wire.base import uuid7
from carebag_wire.identity.person import read_swedish

_NAMESPACE = uuid.UUID("6f6e2c1a-8d0b-5d6e-9c3a-2b7d4e1f0a55")
COLOURS = 8
TIMRA, PREMICARE = "Timrå kommun", "Premicare"


def demo_id(name: str) -> uuid.UUID:
    """The same id for the same thing in every demo."""
    return uuid.uuid5(_NAMESPACE, name)


@dataclass(frozen=True)
class _Human:
    name: str
    title: str
    role: str
    unit: str
    organization: str
    hsa_ids: tuple[str, str]
    """Of the person and of the commission; invented, of an organisation number that nobody has."""


PEOPLE = (
    _Human("Anna Lind", "sjuksköterska", "nurse", "Timrå hemsjukvård", TIMRA, ("SE0000000000-A1", "SE0000000000-U1")),
    _Human(
        "Elena Ruiz",
        "specialist i allmänmedicin",
        "doctor",
        "Premicare distansvård",
        PREMICARE,
        ("SE0000000000-A2", "SE0000000000-U2"),
    ),
    _Human(
        "Karin Berg",
        "medicinskt ansvarig sjuksköterska",
        "reviewer",
        "Timrå kommun, MAS",
        TIMRA,
        ("SE0000000000-A3", "SE0000000000-U3"),
    ),
    _Human(
        "Lars Åström",
        "it-samordnare",
        "administrator",
        "Timrå kommun, IT",
        TIMRA,
        ("SE0000000000-A4", "SE0000000000-U4"),
    ),
)


@dataclass(frozen=True)
class _Ill:
    personal_id: str
    name: str
    place: str
    own_doctor: str
    reason: str
    background: str
    after: timedelta
    """When the visit is, counted from now."""


PATIENTS = (
    _Ill(
        "191212121212",
        "Tolvan Tolvansson",
        "Vivstavarvsvägen 12, Timrå",
        "Elena Ruiz, Premicare",
        "Trötthet, feber, misstänkt urosepsis",
        "Bor ensam med hemtjänst fyra gånger om dagen. KAD sedan i våras. Tablettbehandlad hypertoni och "
        "förmaksflimmer, står på apixaban. Feber 38,4 i morse, tröttare än vanligt, dricker lite. "
        "Ingen känd läkemedelsallergi.",
        timedelta(0),
    ),
    _Ill(
        "195009072553",
        "Sven Testsson",
        "Köpmangatan 4, Timrå",
        "Elena Ruiz, Premicare",
        "Hosta och andfåddhet sedan fyra dagar",
        "KOL stadium 2, slutade röka 2015. Inhalationer enligt lista. Bor med hustru.",
        timedelta(minutes=75),
    ),
    _Ill(
        "196101182803",
        "Gun Testdotter",
        "Sörberge, Timrå",
        "Elena Ruiz, Premicare",
        "Uppföljning efter hjärtsvikt",
        "Utskriven för en vecka sedan. Väger sig dagligen. Furosemid höjt vid utskrivningen.",
        timedelta(minutes=150),
    ),
)


def ensure_demo(url: str, kit_id: uuid.UUID, kit_public_key: str | bytes, now: datetime | None = None) -> None:
    """Bring a demo's database to the demo's state of today.

    Args:
        kit_public_key: Ed25519, raw 32 bytes or their base64.

    Raises:
        WrongInstallation: the database is a production one.
        ValueError: the key is not 32 bytes.
    """
    at = now or datetime.now(UTC)
    database = Database(url)
    try:
        upgrade(database.engine)
        stamp(database, demo=True, now=at)
        with database.transaction() as session:
            _people(session, at)
            _kit(session, kit_id, _raw(kit_public_key), at)
            for number, ill in enumerate(PATIENTS):
                _visit(session, _patient(session, ill, at), ill, number, kit_id, at)
    finally:
        database.dispose()


def _raw(key: str | bytes) -> bytes:
    raw = base64.b64decode(key, validate=True) if isinstance(key, str) else key
    if len(raw) != 32:
        raise ValueError("an Ed25519 public key has 32 bytes")
    return raw


def _people(session: Session, now: datetime) -> None:
    for name in (TIMRA, PREMICARE):
        session.merge(Organization(id=demo_id(name), name=name))
    session.flush()
    for human in PEOPLE:
        person, commission = human.hsa_ids
        session.merge(Practitioner(id=demo_id(human.name), name=human.name, title=human.title, hsa_id=person))
        session.flush()
        session.merge(
            Commission(
                id=demo_id(f"{human.name} {human.role}"),
                practitioner_id=demo_id(human.name),
                organization_id=demo_id(human.organization),
                unit=human.unit,
                role=human.role,
                hsa_id=commission,
            )
        )
        unit = (demo_id(human.organization), human.unit)
        session.merge(CareUnit(id=demo_id(f"unit {human.unit}"), organization_id=unit[0], name=unit[1]))
    if session.get(CareAgreement, demo_id("agreement")) is None:
        session.add(
            CareAgreement(
                id=demo_id("agreement"),
                home_organization_id=demo_id(TIMRA),
                doctor_organization_id=demo_id(PREMICARE),
                valid_from=now - timedelta(days=1),
            )
        )


def _kit(session: Session, kit_id: uuid.UUID, public_key: bytes, now: datetime) -> None:
    kit = session.get(Kit, kit_id)
    if kit is None:
        number = (session.scalar(select(func.count()).select_from(Kit)) or 0) + 1
        kit = Kit(
            id=kit_id,
            organization_id=demo_id(TIMRA),
            name=f"Väska {number}",
            unit="Timrå hemsjukvård",
            public_key=public_key,
            enrolled_at=now,
        )
        session.add(kit)
    kit.public_key = public_key
    session.flush()


def _patient(session: Session, ill: _Ill, now: datetime) -> uuid.UUID:
    identity = read_swedish(ill.personal_id, now.date())
    patient_id = demo_id(identity.value)
    if session.get(PatientRow, patient_id) is None:
        session.add(patient_row(identity, Described(ill.name, ill.place, ill.own_doctor), "demo", patient_id))
        session.flush()
    return patient_id


def _visit(session: Session, patient_id: uuid.UUID, ill: _Ill, number: int, kit_id: uuid.UUID, now: datetime) -> None:
    """A visit of today for this kit that is not closed yet; one planned on an earlier day is left as it was."""
    since = now - NEAR
    unfinished = select(VisitRow).where(
        VisitRow.patient_id == patient_id, VisitRow.kit_id == kit_id, VisitRow.state != "closed"
    )
    if session.scalars(unfinished.where(VisitRow.scheduled_at >= since)).first() is not None:
        return
    session.add(
        VisitRow(
            id=uuid7(int(now.timestamp() * 1000)),
            organization_id=demo_id(TIMRA),
            patient_id=patient_id,
            kit_id=kit_id,
            nurse_commission_id=demo_id("Anna Lind nurse"),
            scheduled_at=_at(now, ill.after),
            reason=ill.reason,
            background=ill.background,
            colour=number % COLOURS,
        )
    )


def _at(now: datetime, after: timedelta) -> datetime:
    """A full quarter of an hour near now, so that the visit is of today whenever the demo is started."""
    quarter = now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
    return quarter + after
