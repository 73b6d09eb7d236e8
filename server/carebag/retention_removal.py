"""`carebag retention propose`, `proposals`, `approve` and `files`: what is past its time goes, by two people.

Nothing goes by itself, and by nobody alone: one person proposes, another one approves. `approve` without `--removing N`
only says what would go; N is what it said.
"""

import argparse
import sys
from dataclasses import replace

from sqlalchemy.orm import Session

from carebag import retention_store as desk
from carebag.backup.command import stores
from carebag_server.audit_verifier.log import examine, open_log
from carebag_server.database import Database
from carebag_server.media import MediaAway, MediaStore
from carebag_server.not_possible import NotPossible
from carebag_server.retention import log_pruning, policies, proposals, record_removal
from carebag_server.retention.tables import RemovalProposal
from carebag_server.tables import Organization


def propose(args: argparse.Namespace) -> int:
    """Say what is to go; removes nothing. Raises: NotPossible, Unsettled: nothing can be proposed, and why."""
    if args.what == "records" and args.provider is None:
        raise NotPossible("say whose records: --provider")
    if args.what == "log" and args.provider is not None:
        raise NotPossible("the log is of all providers: without --provider")
    with desk.writing(args) as session:
        provider = desk.provider(session, args.provider) if args.provider else None
        row = proposals.propose(session, desk.actor(args), desk.someone(args), provider, args.decision, args.now)
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


def waiting(args: argparse.Namespace) -> int:
    """The proposals that wait for somebody else."""
    database = desk.database(args)
    try:
        with database.reading() as session:
            rows = proposals.waiting(session, args.now)
            print("\n".join(_proposed_in_words(session, row) for row in rows) or "no proposal waits")
    finally:
        database.dispose()
    return 0


def approve(args: argparse.Namespace) -> int:
    """Remove what somebody else proposed; 1: files are left. Raises: NotPossible: it may not be done, and why."""
    if args.removing is not None and args.by is None:
        raise NotPossible("--removing needs --by: who approves")
    database = desk.database(args)
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
        row, found = proposals.approve(
            session, desk.actor(args), desk.someone(args), args.proposal, args.removing, args.now
        )
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
            now = log_pruning.prune(session, desk.actor(args), found.before, row.decision, args.now, holds)
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
            went = record_removal.remove(session, desk.actor(args), provider, due, row.decision, args.now)
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


def files(args: argparse.Namespace) -> int:
    """Remove files that an approved removal could not reach; 1: some are left."""
    _, media = stores(args)
    _media_is_there(media)
    database = desk.database(args)
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
