"""`carebag maintenance`: when somebody works on the database past the program, who, why, and what it left behind.

HSLF-FS 2016:40 chapter 4 section 9 asks that every access is logged, also one that no page made. The program cannot see
what a database's own tools do: `begin` and `end` say it, `check` finds what was changed of what is signed, and the
database's own log has the statements (`docs/how-to/work-on-the-database.md`).
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from carebag.admin.command import opened
from carebag.admin.leaves import operator
from carebag.database_argument import database_argument
from carebag_server.audit import Actor
from carebag_server.database import Database
from carebag_server.entered_text import named
from carebag_server.maintenance_acts import begin_work, end_work, note_check, open_works, the_open
from carebag_server.not_possible import NotPossible
from carebag_server.stored_records import Looked, examine_records, in_words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    def command(
        name: str, run_it: Callable[[argparse.Namespace, Database], int], about: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run_maintenance=run_it)
        database_argument(made)
        return made

    begin = command("begin", _begin, "say in the access log that you begin to work on the database itself")
    begin.add_argument("--by", required=True, metavar="NAME", help="who does it")
    begin.add_argument("--why", required=True, metavar="TEXT", help="a reference or a few words, without patient data")
    end = command("end", _end, "say that you have ended, and check what is signed")
    end.add_argument("number", type=int, help="as `begin` said; `list` knows it")
    end.add_argument("--by", required=True, metavar="NAME", help="who does it")
    check = command("check", _check, "check that what is signed is as it was signed, and say so in the access log")
    check.add_argument("--by", required=True, metavar="NAME", help="who does it")
    command("list", _list, "what was begun and not ended")


def run(args: argparse.Namespace) -> int:
    """0: done. 1: something is not as it was signed. 2: refused, nothing was done."""
    try:
        database = opened(args.database)
        try:
            return int(args.run_maintenance(args, database))
        finally:
            database.dispose()
    except NotPossible as error:
        return _refused(str(error))
    except DBAPIError as error:
        return _refused(f"the database cannot be used ({type(error.orig).__name__})")


def _refused(why: str) -> int:
    print(f"carebag maintenance: {why}", file=sys.stderr)
    return 2


def _actor(args: argparse.Namespace) -> Actor:
    who, name = operator(), named(args.by, "whoever does it", "--by")
    return replace(who, practitioner=f"{name} ({who.practitioner})", care_unit="carebag maintenance")


def _begin(args: argparse.Namespace, database: Database) -> int:
    actor, why = _actor(args), named(args.why, "the reason", "--why")
    with database.transaction() as session:
        number = begin_work(session, actor, why, datetime.now(UTC))
    print(f"begun: number {number}. When you have ended:  carebag maintenance end {number} --by …")
    return 0


def _end(args: argparse.Namespace, database: Database) -> int:
    actor = _actor(args)
    with database.reading() as session:
        the_open(session, args.number)
        looked = examine_records(session)
    with database.transaction() as session:
        end_work(session, actor, args.number, looked, datetime.now(UTC))
    return _tell(looked)


def _check(args: argparse.Namespace, database: Database) -> int:
    actor = _actor(args)
    with database.reading() as session:
        looked = examine_records(session)
    with database.transaction() as session:
        note_check(session, actor, looked, datetime.now(UTC))
    return _tell(looked)


def _list(_args: argparse.Namespace, database: Database) -> int:
    with database.reading() as session:
        works = open_works(session)
    for one in works:
        print(f"{one.number}  {one.at.isoformat(timespec='minutes')}  {one.by}  {one.why}")
    if not works:
        print("none")
    return 0


def _tell(looked: Looked) -> int:
    if looked.faults:
        print(in_words(looked.faults))
        print(f"NOT AS SIGNED: {len(looked.faults)} faults in {looked.records} records and {looked.notes} notes")
        return 1
    print(f"as signed: {looked.records} records and {looked.notes} notes")
    return 0
