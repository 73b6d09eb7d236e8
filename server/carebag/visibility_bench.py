"""`python -m carebag.visibility_bench`: what it costs that consent and blocks follow a person over merged identities.

Fills an empty store (patients, visits, merges, consents, blocks), then asks what a doctor's pages ask: which visits she
is called to, and one visit of the past. Beside it the same questions of each identity alone, as if nobody were merged.
"""

import argparse
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, exists, insert
from sqlalchemy.orm import Session

from carebag_server import relations, tables
from carebag_server.access_tables import BlockRow, ConsentRow
from carebag_server.callers import PersonCaller
from carebag_server.database import Database
from carebag_server.migrate import upgrade
from carebag_server.one_person import any_of_person
from carebag_server.people_tables import PatientMerge
from carebag_server.tables import PatientRow, VisitRow
from carebag_wire.visit import Person

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
HOME, CLINIC, KIT, DOCTOR = (uuid.UUID(int=one) for one in range(1, 5))


def patient(number: int) -> uuid.UUID:
    return uuid.UUID(int=10_000_000 + number)


def fill(session: Session, patients: int, visits: int, merged: int, seed: int) -> None:
    """Merged people have two or three identities; one patient of ten consented, one of a hundred has a block."""
    rng = random.Random(seed)  # noqa: S311 (the same store again)
    session.add_all(tables.Organization(id=one, name=str(one)) for one in (HOME, CLINIC))
    session.add(tables.Practitioner(id=DOCTOR, name="n", title="t"))
    session.flush()
    session.add(
        tables.CareAgreement(
            id=uuid.uuid4(),
            home_organization_id=HOME,
            doctor_organization_id=CLINIC,
            valid_from=NOW - timedelta(days=900),
        )
    )
    session.add(tables.Kit(id=KIT, organization_id=HOME, name="k", unit="u", public_key=b"", enrolled_at=NOW))
    session.flush()
    told = {"name": "n", "birth_date": "", "place": "", "own_doctor": "", "personal_id_system": "urn:x"}
    session.execute(insert(PatientRow), [{"id": patient(n), "personal_id": str(n), **told} for n in range(patients)])
    of = {"organization_id": HOME, "kit_id": KIT, "reason": "", "background": "", "colour": 0, "state_kit_seq": 0}
    rows = []
    for number in range(visits):
        at = NOW - timedelta(days=2 + rng.randrange(700)) if number >= visits // 200 else NOW
        state = "open" if at == NOW else "closed"
        who = number if at == NOW else rng.randrange(patients)
        closed = None if at == NOW else at
        rows.append(
            {"id": uuid.UUID(int=20_000_000 + number), "patient_id": patient(who), "state": state, "scheduled_at": at}
            | {"closed_at": closed, **of}
        )
    session.execute(insert(VisitRow), rows)
    for number in range(merged):
        first = patients - 1 - 2 * number
        for of_it, into in ((first, number), (first - 1, first))[: 1 + number % 2]:
            session.add(
                PatientMerge(
                    id=uuid.uuid4(), patient_id=patient(of_it), into_id=patient(into),
                    said_by=DOCTOR, at=NOW - timedelta(days=1), reason="r",
                )
            )  # fmt: skip
    for number in range(0, patients, 10):
        session.add(
            ConsentRow(
                id=uuid.uuid4(), patient_id=patient(number), organization_id=CLINIC, at=NOW - timedelta(days=3),
                valid_until=NOW + timedelta(days=30), visit_id=uuid.UUID(int=20_000_000), asked_by="doctor",
                how="spoken",
                recorded_by="n", recorded_by_id=DOCTOR,
            )
        )  # fmt: skip
    for number in range(5, patients, 100):
        session.add(
            BlockRow(
                id=uuid.uuid4(), patient_id=patient(number), organization_id=HOME, at=NOW - timedelta(days=3),
                recorded_by="n",
            )
        )  # fmt: skip


def alone(patient_id: Any, of: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """`any_of_person`, of one identity."""
    return exists().where(patient_id == of, *conditions)


_FORMS = (("over identities", any_of_person), ("each alone", alone), ("over identities", any_of_person))


def measure(database: Database, times: int) -> list[tuple[float, float]]:
    """Milliseconds (p50), by the wall and of this process's processor: her list of visits, one visit of now by id, one
    of the past by id. SQLite works in this process, PostgreSQL beside it."""
    told = {"commission_id": uuid.uuid4(), "practitioner_id": DOCTOR, "name": "n", "title": "t", "role": "doctor"}
    person = Person.model_validate({**told, "unit": "c", "organization": "o"})
    caller = PersonCaller(person=person, organization_id=CLINIC, session_id=DOCTOR, address="", request_ref="")
    now_id, past_id = uuid.UUID(int=20_000_000), uuid.UUID(int=20_000_000 + 15_000)
    questions: list[Callable[[], Any]] = [
        lambda: relations.visible_visits(caller, NOW),
        lambda: relations.visible_visits(caller, NOW).where(VisitRow.id == now_id),
        lambda: relations.readable_visits(caller, NOW).where(VisitRow.id == past_id),
    ]
    found = []
    for ask in questions:
        took, worked = [], []
        for _ in range(times):
            with database.reading() as session:
                began, work = time.perf_counter(), time.process_time()
                session.scalars(ask()).all()
                took.append((time.perf_counter() - began) * 1000)
                worked.append((time.process_time() - work) * 1000)
        found.append((median(took), median(worked)))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="an empty one; default: SQLite in a folder of its own")
    parser.add_argument("--patients", type=int, default=5500)
    parser.add_argument("--visits", type=int, default=20_000)
    parser.add_argument("--merged", type=int, default=200)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        url = args.database or f"sqlite:///{Path(folder) / 'hub.sqlite'}"
        database = Database(url)
        upgrade(database.engine)
        with database.transaction() as session:
            fill(session, args.patients, args.visits, args.merged, args.seed)
        print("p50 in ms, wall (processor): list, one of now, one of the past")
        for name, form in _FORMS:
            relations.any_of_person = form  # type: ignore[attr-defined]
            print(f"{name:16}", " ".join(f"{wall:8.1f} ({work:.1f})" for wall, work in measure(database, args.times)))
        relations.any_of_person = any_of_person  # type: ignore[attr-defined]
        database.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
