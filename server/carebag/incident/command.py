"""`carebag incident`: what the reports of an incident need, in one file; whether such a file is as it was written."""

import argparse
import platform
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from carebag.admin.command import opened
from carebag.admin.leaves import operator
from carebag.audit import in_words, verdict_of
from carebag.audit_export import narrowed
from carebag.database_argument import database_argument
from carebag.incident.bundle import (
    CHECKPOINT,
    ENTRIES,
    LEAVES,
    BadBundle,
    Bundle,
    check_bundle,
    digest_of,
    new_bundle,
)
from carebag.incident.facts import Facts, deadlines_of, facts_of
from carebag.incident.first_page import first_page
from carebag.incident.parts_list import cyclonedx, installed
from carebag_server.audit import Act, append, entry_of, event_of
from carebag_server.audit_csv import csv_of
from carebag_server.audit_note import NoteKey
from carebag_server.audit_period import rows_upto
from carebag_server.audit_proofs import leaf_hashes
from carebag_server.audit_verifier.log import Examined, examine, open_log
from carebag_server.audit_verifier.note import BadNote, KnownKey
from carebag_server.database import Database
from carebag_server.entered_text import named
from carebag_server.migrate import revision_of
from carebag_server.not_possible import NotPossible
from carebag_server.refusals import Refused
from carebag_server.review_proof import checkpoint_now, log_key
from carebag_server.settings import Settings, settings_from
from carebag_server.staff_lists import Looks, kits
from carebag_server.tables import AuditRow

_STEPS = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    about = "write a new file with the part of the access log, its proof, versions, parts and a first page to fill in"
    write = commands.add_parser("write", help=about, description=about)
    write.set_defaults(run_incident=_write)
    database_argument(write)
    write.add_argument(
        "--from", dest="first", type=_moment, required=True, metavar="TIME", help="2026-11-28T14:30, or a day"
    )
    write.add_argument("--to", dest="last", type=_moment, metavar="TIME", help="not included; else now")
    write.add_argument(
        "--known", type=_moment, metavar="TIME", help="when it was known, from which the hours count; else now"
    )
    write.add_argument("--provider", help="what its medical lead may see; else the whole log")
    write.add_argument("--patient", type=_id, metavar="ID", help="one patient, under all identities")
    write.add_argument("--person", metavar="NAME", help="what one person did, as the log names them")
    write.add_argument("--address", metavar="ADDRESS", help="what came from one network address")
    write.add_argument("--key", type=Path, metavar="FILE", help="the log's signing key (`carebag audit key`)")
    write.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file, such as incident.zip")
    write.add_argument("--by", required=True, metavar="NAME", help="who does it, for the access log")
    write.add_argument("--why", required=True, metavar="TEXT", help="in a few words; stands on the first page")
    about = "check that such a file is what was written and that its events are the log's"
    check = commands.add_parser("check", help=about, description=about)
    check.set_defaults(run_incident=_check)
    check.add_argument("file", type=Path)
    check.add_argument("--public-key", metavar="KEY", help="the verifier's key of the log, or a file that holds it")
    check.add_argument("--sha256", metavar="DIGEST", help="as `write` said: nothing was left out or put in since")


def run(args: argparse.Namespace) -> int:
    """0: written, or whole. 1: the log or the file is not what it was. 2: nothing was written."""
    try:
        return int(args.run_incident(args))
    except (NotPossible, BadNote) as error:
        return _refused(str(error))
    except FileExistsError as error:
        return _refused(f"{error.filename} is there already; nothing is overwritten")
    except OSError as error:
        return _refused(f"{error.filename}: {error.strerror}")
    except DBAPIError as error:
        return _refused(f"the database cannot be used ({type(error.orig).__name__})")


def _refused(why: str) -> int:
    print(f"carebag incident: {why}", file=sys.stderr)
    return 2


@dataclass(frozen=True)
class _Asked:
    """The period, in the hub's zone, and what it was narrowed to."""

    first: datetime
    last: datetime
    known: datetime
    words: str


def _write(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    zone, now = ZoneInfo(settings.time_zone), datetime.now(UTC)
    asked = _asked(args, zone, now)
    by, why = named(args.by, "whoever does it", "--by"), named(args.why, "the reason", "--why")
    key = _signing_key(args.key)
    database = opened(settings.database_url)
    try:
        with new_bundle(args.out) as bundle:
            _said(1, "the log is verified")
            found = _examined(settings.database_url)
            with database.transaction() as session:
                wanted = _wanted(session, args, asked)
                actor = operator()
                actor = replace(
                    actor, practitioner=f"{by} ({actor.practitioner})", care_unit="carebag incident", purpose="review"
                )
                whose = f" patient {args.patient}" if args.patient else ""
                thing = f"incident {_minute(asked.first)}/{_minute(asked.last)}{whose}"
                upto = append(
                    session, actor, Act(action="log_exported", object=thing, patient_id=args.patient), now
                ).seq
                signed = _checkpoint(session, key)
                seen_kits = [kit.model_dump(mode="json") for kit in kits(Looks(session, now))]
            facts = _log(bundle, database, upto, wanted, signed)
            _said(5, "versions, parts and settings")
            versions = _versions(database)
            bundle.add_json("versions.json", dict(versions))
            bundle.add_json(
                "parts.cdx.json", cyclonedx(installed(), version("carebag"), now.isoformat(timespec="seconds"))
            )
            bundle.add_json("settings.json", _safe(settings))
            bundle.add_json("kits.json", seen_kits)
            bundle.add_json("verified.json", verdict_of(found, now))
            _said(6, "the first page")
            page = first_page(
                why=why,
                by=by,
                asked=asked.words,
                made=now,
                known=asked.known,
                zone=zone,
                facts=facts,
                deadlines=deadlines_of(asked.known),
                log_events=found.events,
                log_fault="" if found.intact else in_words(found, {}),
                versions=versions,
            )
            bundle.add("first-page.html", [page.encode()])
            bundle.close({"made": now.isoformat(timespec="seconds"), "asked": asked.words, "signed": key is not None})
    finally:
        database.dispose()
    print(f"{args.out}: {facts.events} events about {len(facts.patients)} patients; the log is {in_words(found, {})}")
    print(f"sha256 {digest_of(args.out)}: note it down elsewhere. The file holds data of patients and staff")
    return 0 if found.intact else 1


def _log(bundle: Bundle, database: Database, upto: int, wanted: list[ColumnElement[bool]], signed: str) -> Facts:
    """The part of the log in three forms, each read anew: what it is narrowed to may be all of it."""
    _said(2, "the events, and what they tell")
    facts = facts_of(event_of(row) for row in rows_upto(database, upto, *wanted))
    bundle.add(ENTRIES, (entry_of(row) + b"\n" for row in rows_upto(database, upto, *wanted)))
    _said(3, "the events as a table")
    bundle.add("log/events.csv", csv_of(event_of(row) for row in rows_upto(database, upto, *wanted)))
    _said(4, "their proof")
    bundle.add(LEAVES, _leaves(database, upto))
    bundle.add(CHECKPOINT, [signed.encode()])
    return facts


def _signing_key(file: Path | None) -> NoteKey | None:
    try:
        return log_key(file)
    except Refused:
        raise NotPossible(f"{file}: no signing key of a log (`carebag audit key`)") from None


def _checkpoint(session: Session, key: NoteKey | None) -> str:
    """Where the log's head is damaged there is none, and what is known is wanted all the more."""
    try:
        return checkpoint_now(session, key)
    except Refused:
        return "none: the stored head of the log is damaged\n"


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _leaves(database: Database, size: int) -> Iterator[bytes]:
    with database.reading() as session:
        for leaf in islice(leaf_hashes(session), size):
            yield leaf.hex().encode() + b"\n"


def _examined(url: str) -> Examined:
    with open_log(url) as connection:
        return examine(connection)


def _wanted(session: Session, args: argparse.Namespace, asked: _Asked) -> list[ColumnElement[bool]]:
    wanted = [AuditRow.at >= asked.first, AuditRow.at < asked.last, *narrowed(session, args)]
    if args.person:
        wanted.append(
            AuditRow.practitioner.in_([args.person])
            | AuditRow.practitioner.startswith(f"{args.person} ·", autoescape=True)
        )
    if args.address:
        wanted.append(AuditRow.origin == args.address)
    return wanted


def _asked(args: argparse.Namespace, zone: ZoneInfo, now: datetime) -> _Asked:
    first, last, known = (_in_zone(one, zone) if one else now for one in (args.first, args.last, args.known))
    if last <= first:
        raise NotPossible("--to is not after --from")
    if known > now:
        raise NotPossible("--known is in the future")
    shown = [one.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z") for one in (first, last)]
    narrow = [f"{name} {given}" for name, given in (
        ("provider", args.provider), ("patient", args.patient), ("person", args.person), ("address", args.address),
    ) if given]  # fmt: skip
    return _Asked(first, last, known, ", ".join([" – ".join(shown), *narrow]))


def _versions(database: Database) -> list[tuple[str, str]]:
    with database.engine.connect() as connection:
        sqlite = database.engine.dialect.name == "sqlite"
        engine = (
            f"SQLite {sqlite3.sqlite_version}" if sqlite else str(connection.execute(text("SELECT version()")).scalar())
        )
        migration = revision_of(connection) or "none"
    return [
        ("Carebag", version("carebag")),
        ("Python", platform.python_version()),
        ("system", platform.platform()),
        ("database", engine),
        ("migration", migration),
    ]


def _safe(settings: Settings) -> dict[str, Any]:
    """What decides who comes in and where data goes, of this command's environment; no key, no password, no address of
    a store with one in it."""
    shown = {"host", "port", "origins", "kit_page_origin", "demo", "time_zone", "news2"}
    said = {one.name: getattr(settings, one.name) for one in fields(settings) if one.name in shown}
    media = "bucket" if settings.media_url else "folder"
    return {
        **said,
        "database": settings.database_url.partition(":")[0],
        "media": media,
        "of": "this command's settings",
    }


def _check(args: argparse.Namespace) -> int:
    key = None
    if args.public_key:
        given = Path(args.public_key)
        key = KnownKey.read(given.read_text(encoding="utf-8") if given.is_file() else args.public_key)
    if args.sha256 and digest_of(args.file) != args.sha256.strip().lower():
        print("NOT AS WRITTEN: its SHA-256 is another than that noted down")
        return 1
    try:
        part = check_bundle(args.file, key)
    except BadBundle as bad:
        print(f"NOT AS WRITTEN: {bad}")
        return 1
    whose = "signed by that key" if key else "NOT checked by a key: whoever wrote the file could have made it up"
    print(f"whole: {part.events} events, each in the log of {part.of} at its place; its checkpoint is {whose}")
    if not args.sha256:
        print("NOT checked by --sha256: events left out and the other parts, also the first page, could be another's")
    return 0


def _said(step: int, what: str) -> None:
    if sys.stderr.isatty():
        print(f"{step} of {_STEPS}: {what}", file=sys.stderr)


def _moment(given: str) -> datetime:
    """A day begins at midnight; without an offset it is in the hub's zone, which is not known yet."""
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a time such as 2026-11-28T14:30, or a day") from None


def _in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _id(given: str) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except ValueError:
        raise argparse.ArgumentTypeError("expected an id: see `carebag admin patient list`") from None
