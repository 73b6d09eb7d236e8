"""`carebag audit export`: the access log of a period as FHIR Bulk Data: AuditEvents, Patients they name, a manifest.

Files for their owner alone: they hold names of patients and of staff. That it was done is a row in the log.
"""

import argparse
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from carebag.admin.command import opened
from carebag.admin.leaves import operator
from carebag.database_argument import database_argument
from carebag_fhir.accesses import access_lines, patient_lines
from carebag_server.audit import Act, append
from carebag_server.audit_period import events_upto, of_person
from carebag_server.entered_text import named
from carebag_server.not_possible import NotPossible
from carebag_server.patients import turned_out
from carebag_server.review_scope import reach_of
from carebag_server.settings import settings_from
from carebag_server.tables import AuditRow, Organization, PatientRow
from carebag_server.visit_views import patient_of
from carebag_wire.api import AuditEvent
from carebag_wire.visit import Patient

EVENTS, PATIENTS, MANIFEST = "AuditEvent.ndjson", "Patient.ndjson", "manifest.json"


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    database_argument(parser)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True, metavar="DAY")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True, metavar="DAY", help="included")
    parser.add_argument("--provider", help="what its medical lead may see; else the whole log")
    parser.add_argument("--patient", type=uuid.UUID, metavar="ID", help="one patient, under all identities")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    parser.add_argument("--by", required=True, metavar="NAME", help="who does it, for the access log")


def run_export(args: argparse.Namespace) -> int:
    """0: written, and said how much.

    Raises:
        NotPossible: nothing was written.
        OSError: it cannot be written.
    """
    if args.last < args.first:
        raise NotPossible("--to is before --from")
    who = operator()
    name = named(args.by, "whoever does it", "--by")
    actor = replace(who, practitioner=f"{name} ({who.practitioner})", care_unit="carebag audit", purpose="review")
    settings = settings_from(args)
    zone, now = ZoneInfo(settings.time_zone), datetime.now(UTC)
    start = datetime.combine(args.first, time(), zone)
    end = datetime.combine(args.last + timedelta(days=1), time(), zone)
    database = opened(settings.database_url)
    try:
        args.out.mkdir(mode=0o700)
        with database.transaction() as session:
            wanted = [AuditRow.at >= start, AuditRow.at < end, *narrowed(session, args)]
            whose = f" patient {args.patient}" if args.patient else ""
            thing = f"days {args.first}/{args.last} fhir{whose}"
            upto = append(session, actor, Act(action="log_exported", object=thing, patient_id=args.patient), now).seq
        named_in: set[uuid.UUID] = set()
        events = _noting(events_upto(database, upto, *wanted), named_in)
        output = [_written(args.out, "AuditEvent", EVENTS, access_lines(events))]
        with database.reading() as session:
            output.append(_written(args.out, "Patient", PATIENTS, patient_lines(_patients(session, named_in))))
    finally:
        database.dispose()
    manifest = {
        "transactionTime": now.isoformat(timespec="milliseconds"),
        "request": f"carebag audit export, days {args.first} to {args.last}",
        "requiresAccessToken": False,
        "output": output,
        "error": [],
    }
    (args.out / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    print(f"{output[0]['count']} events about {output[1]['count']} patients: {args.out}")
    return 0


def narrowed(session: Session, args: argparse.Namespace) -> list[ColumnElement[bool]]:
    """What `--provider` and `--patient` ask for.

    Raises:
        NotPossible: nobody has that name or id.
    """
    found: list[ColumnElement[bool]] = []
    if args.provider:
        providers = session.scalars(select(Organization).where(Organization.name == args.provider)).all()
        if len(providers) != 1:
            raise NotPossible("no care provider has that name" if not providers else "several providers have that name")
        found.append(reach_of(providers[0].id, providers[0].name))
    if args.patient:
        if session.get(PatientRow, args.patient) is None:
            raise NotPossible("no patient has that id: see `carebag admin patient list`")
        found.append(of_person(session, None, args.patient))
    return found


def _noting(events: Iterable[AuditEvent], named_in: set[uuid.UUID]) -> Iterator[AuditEvent]:
    for event in events:
        if event.patient_id is not None:
            named_in.add(event.patient_id)
        yield event


def _patients(session: Session, ids: set[uuid.UUID]) -> Iterator[Patient]:
    """Those that are still known; of who was removed at the end of the time the events have the id."""
    ends = turned_out(session, ids)
    for one in sorted(ids):
        row = session.get(PatientRow, one)
        if row is not None:
            yield patient_of(session, row, 0, ends.get(one))


def _written(folder: Path, kind: str, name: str, lines: Iterable[bytes]) -> dict[str, Any]:
    count = 0
    with (folder / name).open("xb") as file:
        for line in lines:
            file.write(line)
            count += 1
    return {"type": kind, "url": name, "count": count}
