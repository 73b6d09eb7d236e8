"""`carebag retention`: how long what is kept, what is past its time, holds, and the removal of what is past its time.

Nothing goes by itself, and by nobody alone: one person proposes, another one approves. `approve` without `--removing N`
only says what would go; N is what it said.
"""

import argparse
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from carebag.admin.command import opened
from carebag.admin.leaves import login_name, operator, table
from carebag.backup.command import add_store_arguments, stores
from carebag_server.audit import Actor
from carebag_server.audit_verifier.log import examine, open_log
from carebag_server.database import Database, DatabaseBusy
from carebag_server.entered_text import named
from carebag_server.media import MediaAway, MediaStore
from carebag_server.not_possible import NotPossible
from carebag_server.retention import log_pruning, policies, proposals, record_removal
from carebag_server.retention.rules import Unsettled, rules
from carebag_server.retention.tables import RemovalProposal, RetentionPolicy
from carebag_server.settings import UnsafeSettings, settings_from
from carebag_server.tables import Organization, PatientRow


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

    proposed = command("propose", _propose, "say what is to go, for somebody else to approve; removes nothing")
    add_store_arguments(proposed)
    proposed.add_argument("what", choices=["log", "records"], help="contents of the access log, or patients' records")
    proposed.add_argument("--provider", help="whose records; the log is of all providers")
    proposed.add_argument(
        "--decision", required=True, metavar="REFERENCE", help="of the disposal decision, for the log"
    )
    _by(proposed)
    add_store_arguments(command("proposals", _proposals, "those that wait for somebody else"))
    approved = command("approve", _approve, "remove what somebody else proposed; without --removing only say what")
    add_store_arguments(approved)
    approved.add_argument("proposal", type=uuid.UUID, help="its number, as `proposals` shows it")
    _by(approved, required=False)
    approved.add_argument("--removing", type=int, metavar="N", help="do it; N as a run without it has just said")
    add_store_arguments(command("files", _files, "remove files that an approved removal could not reach"))


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


def _database(args: argparse.Namespace) -> Database:
    """Of this version; what is deleted in an SQLite file is overwritten in it, too."""
    database = opened(settings_from(args).database_url)
    if database.engine.dialect.name == "sqlite":
        event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA secure_delete=ON").close())
        database.engine.dispose()
    return database


def _show(args: argparse.Namespace) -> int:
    database = _database(args)
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
    with _writing(args) as session:
        provider = _provider(session, args.provider)
        policies.set_policy(
            session, _actor(args), provider, args.country.upper(), args.log_years, args.record_years, args.now
        )
    print("set; nothing was removed")
    return 0


def _hold(args: argparse.Namespace) -> int:
    with _writing(args) as session:
        provider = _provider(session, args.provider)
        patient = None if args.everything else _patient(session, args.patient)
        row = policies.place_hold(session, _actor(args), provider, patient, args.why, args.now)
    print(f"held: {row.id}")
    return 0


def _lift(args: argparse.Namespace) -> int:
    with _writing(args) as session:
        policies.lift_hold(session, _actor(args), args.hold, args.now)
    print("lifted")
    return 0


def _holds(args: argparse.Namespace) -> int:
    """Reasons are for whoever reads the database: they may name somebody."""
    database = _database(args)
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


class _writing:  # noqa: N801 (reads as a word)
    """One writing transaction on the hub's database."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._database = _database(args)
        self._transaction = self._database.transaction()

    def __enter__(self) -> Session:
        return self._transaction.__enter__()

    def __exit__(self, *failure: Any) -> None:
        try:
            self._transaction.__exit__(*failure)
        finally:
            self._database.dispose()


def _propose(args: argparse.Namespace) -> int:
    if args.what == "records" and args.provider is None:
        raise NotPossible("say whose records: --provider")
    if args.what == "log" and args.provider is not None:
        raise NotPossible("the log is of all providers: without --provider")
    with _writing(args) as session:
        provider = _provider(session, args.provider) if args.provider else None
        row = proposals.propose(session, _actor(args), _someone(args), provider, args.decision, args.now)
        print(_proposed_in_words(session, row))
        print(f"nothing was removed. Somebody else, by a login of their own: carebag retention approve {row.id}")
    return 0


def _proposed_in_words(session: Session, row: RemovalProposal) -> str:
    if row.organization_id is None:
        what = f"contents of {row.count} events of the access log of before {row.before.date()}"
    else:
        name = session.get_one(Organization, row.organization_id).name
        what = f"{row.count} visits and values of no visit of {name}, without an entry since {row.before.date()}"
    return (
        f"proposal {row.id}\n    {what}\n    by decision {row.decision}, proposed by {row.proposed_by} "
        f"({row.proposed_login}) on {row.proposed_at.date()}, until {row.expires_at.date()}\n"
        f"    digest {row.content_sha256}"
    )


def _proposals(args: argparse.Namespace) -> int:
    database = _database(args)
    try:
        with database.reading() as session:
            rows = proposals.waiting(session, args.now)
            print("\n".join(_proposed_in_words(session, row) for row in rows) or "no proposal waits")
    finally:
        database.dispose()
    return 0


def _approve(args: argparse.Namespace) -> int:
    if args.removing is not None and args.by is None:
        raise NotPossible("--removing needs --by: who approves")
    database = _database(args)
    try:
        with database.reading() as session:
            row = proposals.waiting_one(session, args.proposal, args.now)
            print(_proposed_in_words(session, row))
            of_log = row.organization_id is None
            if args.removing is None:
                print(f"nothing was removed. To do it: --removing {row.count} --by NAME")
                return 0
        status = _remove_log(args, database) if of_log else _remove_records(args, database)
        if database.engine.dialect.name == "sqlite":
            with database.engine.connect().execution_options(reading=True) as connection:
                connection.rollback()
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return status
    finally:
        database.dispose()


def _approved(args: argparse.Namespace, database: Database) -> tuple[RemovalProposal, proposals.Content, policies.Held]:
    with database.transaction() as session:
        row, found = proposals.approve(session, _actor(args), _someone(args), args.proposal, args.removing, args.now)
        holds = policies.held(session)
        session.flush()
        session.expunge(row)
    return row, found, holds


def _remove_log(args: argparse.Namespace, database: Database) -> int:
    _verified(database)
    row, found, holds = _approved(args, database)
    removed = 0
    while True:
        with database.transaction() as session:
            now = log_pruning.prune(session, _actor(args), found.before, row.decision, args.now, holds)
        removed += now
        if not now:
            break
    intact = _verified(database)
    print(f"removed the contents of {removed} events; {intact}")
    return 0


def _verified(database: Database) -> str:
    with open_log(database.url) as connection:
        found = examine(connection)
    if not found.intact:
        raise NotPossible(
            f"the log is broken at event {found.broken_at} ({found.why}): nothing more is removed. "
            "Run carebag audit verify"
        )
    return f"intact: {found.events} events, {found.pruned} of them without content, head {found.events}:{found.head}"


def _remove_records(args: argparse.Namespace, database: Database) -> int:
    _, media = stores(args)
    _media_is_there(media)
    row, found, _ = _approved(args, database)
    sums = [0, 0, 0, 0]
    while True:
        with database.transaction() as session:
            provider = session.get_one(Organization, row.organization_id)
            due = _of_these(record_removal.due_records(session, provider, row.proposed_at), found)
            went = record_removal.remove(session, _actor(args), provider, due, row.decision, args.now)
        counts = (went.visits, went.records, went.patients, went.files)
        if not any(counts):
            break
        sums = [before + more for before, more in zip(sums, counts, strict=True)]
    print(f"removed {sums[0]} visits, {sums[1]} signed records, {sums[2]} patients' identities, {sums[3]} files")
    return _rest_of_files(database, media)


def _of_these(due: record_removal.DueRecords, approved: proposals.Content) -> record_removal.DueRecords:
    """Nothing that was not approved, whatever became due or was let go while it runs."""
    records = tuple(one for one in due.records if approved.visits.issuperset(one.visits))
    return replace(due, records=records, tray=tuple(one for one in due.tray if one in approved.tray))


def _files(args: argparse.Namespace) -> int:
    _, media = stores(args)
    _media_is_there(media)
    database = _database(args)
    try:
        return _rest_of_files(database, media)
    finally:
        database.dispose()


def _rest_of_files(database: Database, media: MediaStore) -> int:
    left = remove_files(database, media)
    if left:
        print(
            f"carebag retention: {left} files could not be removed now: run `carebag retention files`", file=sys.stderr
        )
    return 1 if left else 0


def _media_is_there(media: MediaStore) -> None:
    """Raises: NotPossible: nothing is removed while the files' store is away."""
    try:
        media.check()
    except MediaAway as away:
        raise NotPossible(f"the media store does not answer ({away}): nothing was removed") from None


def remove_files(database: Database, media: MediaStore) -> int:
    """Those of this run and those that an earlier one could not. Returns: how many are left."""
    with database.transaction() as session:
        digests = record_removal.files_to_remove(session)
    left = 0
    for digest in digests:
        try:
            media.remove(digest)
        except MediaAway:
            left += 1
            continue
        with database.transaction() as session:
            record_removal.file_removed(session, digest)
    return left


def _provider(session: Session, name: str) -> Organization:
    found = session.scalars(select(Organization).where(Organization.name == name)).all()
    if len(found) != 1:
        raise NotPossible(
            "no care provider has that name" if not found else "more than one care provider has that name"
        )
    return found[0]


def _patient(session: Session, number: str) -> PatientRow:
    found = session.scalars(select(PatientRow).where(PatientRow.personal_id == number)).all()
    if not found:
        try:
            row = session.get(PatientRow, uuid.UUID(number))
        except ValueError:
            row = None
        found = [row] if row else []
    if len(found) != 1:
        raise NotPossible("no patient has that number" if not found else "more than one patient has that number")
    return found[0]


def _actor(args: argparse.Namespace) -> Actor:
    name = f"{_someone(args).name} ({args.login()}, carebag retention)"
    return replace(operator(), practitioner=name, care_unit="carebag retention")


def _someone(args: argparse.Namespace) -> proposals.Someone:
    return proposals.Someone(named(args.by, "whoever does it", "--by"), args.login())
