"""`carebag retention`: how long what is kept, what is past its time, and holds.

What removes is in `retention_removal.py`.
"""

import argparse
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from carebag import retention_removal as removal
from carebag import retention_store as desk
from carebag.admin.leaves import login_name, table
from carebag.backup.command import add_store_arguments
from carebag_server.database import DatabaseBusy
from carebag_server.not_possible import NotPossible
from carebag_server.retention import log_pruning, policies, record_removal
from carebag_server.retention.rules import Unsettled, rules
from carebag_server.retention.tables import RetentionPolicy
from carebag_server.settings import UnsafeSettings
from carebag_server.tables import Organization


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="verb", required=True, metavar="WHAT")

    def command(name: str, run_it: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run_retention=run_it)
        return made

    command("rules", _rules, "the table of countries: how long, since when counted, and the source of each figure")

    show = command("show", _show, "what is past its time, by kind; changes nothing")
    add_store_arguments(show)

    said = command("set", _set, "say in which country a care provider is, and its own years")
    _acting(said)
    said.add_argument("--country", required=True, metavar="CC", help="SE, FI, ES or DK")
    said.add_argument("--log-years", type=int, metavar="N", help="keep the access log so long; never less than the law")
    said.add_argument("--record-years", type=int, metavar="N", help="keep patients' records so long; likewise")

    hold = command("hold", _hold, "keep a patient's record and log, or all of a provider's, until it is lifted")
    _acting(hold)
    whose = hold.add_mutually_exclusive_group(required=True)
    whose.add_argument("--patient", metavar="NUMBER", help="the personal number as it is stored, or the patient's id")
    whose.add_argument("--everything", action="store_true", help="all patients of the provider, and the whole log")
    hold.add_argument("--why", required=True, help="which inquiry, complaint or court")

    lift = command("lift", _lift, "end a hold")
    add_store_arguments(lift)
    lift.add_argument("hold", type=uuid.UUID, help="its number, as `holds` shows it")
    _by(lift)
    add_store_arguments(command("holds", _holds, "the holds that stand"))

    proposed = command("propose", removal.propose, "say what is to go, for somebody else to approve; removes nothing")
    add_store_arguments(proposed)
    proposed.add_argument("what", choices=["log", "records"], help="contents of the access log, or patients' records")
    proposed.add_argument("--provider", help="whose records; the log is of all providers")
    proposed.add_argument(
        "--decision", required=True, metavar="REFERENCE", help="of the disposal decision, for the log"
    )
    _by(proposed)
    add_store_arguments(command("proposals", removal.waiting, "those that wait for somebody else"))
    approved = command(
        "approve", removal.approve, "remove what somebody else proposed; without --removing only say what"
    )
    add_store_arguments(approved)
    approved.add_argument("proposal", type=uuid.UUID, help="its number, as `proposals` shows it")
    _by(approved, required=False)
    approved.add_argument("--removing", type=int, metavar="N", help="do it; N as a run without it has just said")
    add_store_arguments(command("files", removal.files, "remove files that an approved removal could not reach"))


def _acting(parser: argparse.ArgumentParser) -> None:
    add_store_arguments(parser)
    parser.add_argument("--provider", required=True, help="the care provider's name, as the hub knows it")
    _by(parser)


def _by(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("--by", required=required, metavar="NAME", help="who does it, for the access log")


def utc_now() -> datetime:
    return datetime.now(UTC)


def run(
    args: argparse.Namespace, clock: Callable[[], datetime] = utc_now, login: Callable[[], str] = login_name
) -> int:
    """0: done. 1: done, but files could not be removed yet. 2: refused, with words on standard error."""
    args.now, args.login = clock(), login
    try:
        return int(args.run_retention(args))
    except (NotPossible, Unsettled) as why:
        said = str(why)
    except UnsafeSettings as why:
        said = f"the media's address cannot be used: {why}"
    except DatabaseBusy:
        said = "the database is busy: another program holds it. Try again"
    except DBAPIError as error:
        said = f"the database cannot be used ({type(error.orig).__name__}): is it running, and may you write it?"
    print(f"carebag retention: {said}", file=sys.stderr)
    return 2


def _rules(_args: argparse.Namespace) -> int:
    for rule in rules():
        years = f"{rule.years} years" if rule.years else "no figure"
        print(f"{rule.country}  {rule.what}: {years} from {rule.counted_from.replace('_', ' ')} ({rule.status})")
        print(f"    {rule.source}")
        if rule.note:
            print(f"    {rule.note}")
    return 0


def _show(args: argparse.Namespace) -> int:
    database = desk.database(args)
    try:
        with database.reading() as session:
            for line in _shown(session, args.now):
                print(line)
    finally:
        database.dispose()
    return 0


def _shown(session: Session, now: datetime) -> list[str]:
    lines = []
    providers = session.scalars(select(Organization).order_by(Organization.name, Organization.id)).all()
    rows: list[dict[str, Any]] = []
    for provider in providers:
        policy = session.get(RetentionPolicy, provider.id)
        row: dict[str, Any] = {"provider": provider.name, "country": policy.country if policy else None}
        for what, column in (("access_log", "log"), ("records", "records")):
            try:
                period = policies.period_of(session, provider, what)  # type: ignore[arg-type]
                row[column] = f"{period.years} y"
            except Unsettled:
                row[column] = "not said"
        rows.append(row)
    lines.append(table(rows, ["provider", "country", "log", "records"], "there is no care provider"))
    lines += ["", _log_in_words(session, now)]
    for provider in providers:
        lines.append(_records_in_words(session, provider, now))
    holds = policies.standing_holds(session)
    lines += ["", f"holds that stand: {len(holds)}", _NEVER]
    return lines


_NEVER = (
    "never removed by this command: the medical lead's samples, judgements and minutes; who removed what; people, "
    "kits and agreements; what kits keep themselves; backups"
)


def _log_in_words(session: Session, now: datetime) -> str:
    try:
        due = log_pruning.due_events(session, now)
    except Unsettled as why:
        return f"access log: nothing is past its time. {why}"
    oldest = f", the oldest of {due.oldest.date()}" if due.oldest else ""
    return (
        f"access log: {due.count} events of before {due.before.date()} are past their time{oldest}; "
        f"{due.held_back} more are under a hold"
    )


def _records_in_words(session: Session, provider: Organization, now: datetime) -> str:
    try:
        due = record_removal.due_records(session, provider, now)
    except Unsettled as why:
        return f"records: nothing is past its time. {why}"
    return (
        f"records of {provider.name}: {len(due.records)} patients with {due.visits} visits, and {len(due.tray)} values "
        f"of no visit, without an entry since {due.before.date()}, are past their time; {due.held_back} more patients "
        "are under a hold"
    )


def _set(args: argparse.Namespace) -> int:
    with desk.writing(args) as session:
        provider = desk.provider(session, args.provider)
        policies.set_policy(
            session, desk.actor(args), provider, args.country.upper(), args.log_years, args.record_years, args.now
        )
    print("set; nothing was removed")
    return 0


def _hold(args: argparse.Namespace) -> int:
    with desk.writing(args) as session:
        provider = desk.provider(session, args.provider)
        patient = None if args.everything else desk.patient(session, args.patient)
        row = policies.place_hold(session, desk.actor(args), provider, patient, args.why, args.now)
    print(f"held: {row.id}")
    return 0


def _lift(args: argparse.Namespace) -> int:
    with desk.writing(args) as session:
        policies.lift_hold(session, desk.actor(args), args.hold, args.now)
    print("lifted")
    return 0


def _holds(args: argparse.Namespace) -> int:
    """Reasons are for whoever reads the database: they may name somebody."""
    database = desk.database(args)
    try:
        with database.reading() as session:
            rows = [
                {"hold": row.id, "since": row.placed_at, "of": "a patient" if row.patient_id else "everything"}
                | {"by": row.placed_by}
                for row in policies.standing_holds(session)
            ]
    finally:
        database.dispose()
    print(table(rows, ["hold", "since", "of", "by"], "no hold stands"))
    return 0
