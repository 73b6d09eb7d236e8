"""`carebag admin`: care providers, units, people, commissions, links, kits, patients and visits, entered on the hub's
machine. Whoever may write the hub's database may do this; each change is in the access log with who was signed in.
"""

import argparse
import sys
from pathlib import Path

from sqlalchemy.exc import ArgumentError, DBAPIError

from carebag.admin import kits, patients, people
from carebag.admin.leaves import change_of, shown
from carebag_server.database import Database, DatabaseBusy
from carebag_server.migrate import NewerStore, newest, revision_of
from carebag_server.not_possible import NotPossible
from carebag_wire.identity.refusal import BadIdentity, IdentityCode

_IDENTITY: dict[IdentityCode, str] = {
    "identity_too_short": "characters are missing in the number",
    "identity_too_long": "the number has too many characters",
    "not_a_digit": "there is a letter where a digit belongs in the number",
    "letter_not_used": "there is a letter that such a number does not have at that place (small ones are none)",
    "wrong_separator": "there is a sign in the number that does not belong there",
    "century_missing": "write the number with its century: twelve digits",
    "no_such_century": "the number begins with a century that such a number does not have",
    "no_such_day": "the number names a day that there is not",
    "born_in_future": "the number's day of birth is after today",
    "no_such_serial": "such a number is never given",
    "bad_check_digit": "something in the number is mistyped: its check digit does not fit",
    "unknown_identity_system": "that is no system of patients' numbers: name one, or give its OID (urn:oid:1.2.752.…)",
    "not_plain_identity": "the number is empty, longer than 64 characters, or has characters that no number has",
    "test_identity_in_production": "that is a published test number: it belongs into a demo, not into this database",
    "real_identity_in_demo": "a demo takes published test numbers only",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    groups = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    people.add(groups)
    kits.add(groups)
    patients.add(groups)


def run(args: argparse.Namespace) -> int:
    """Exit status 0: done. 2: refused, with words on standard error; nothing was changed."""
    try:
        if not args.database:
            raise NotPossible("say which database: --database, or CAREBAG_DATABASE as the hub has it")
        database = opened(args.database)
        try:
            with database.transaction() as session:
                answer = args.run_admin(args, change_of(session))
        finally:
            database.dispose()
    except NotPossible as refused:
        return _refused(str(refused))
    except BadIdentity as bad:
        return _refused(_IDENTITY[bad.code])
    except DatabaseBusy:
        return _refused("the database is busy: another program holds it. Try again")
    except DBAPIError as error:
        return _refused(
            f"the database cannot be used ({type(error.orig).__name__}): is it running, and may you write it?"
        )
    print(shown(args, answer))
    return 0


def opened(url: str) -> Database:
    """The hub's database, of this version; none is made or changed here.

    Raises:
        NotPossible
    """
    try:
        database = Database(url)
    except (ArgumentError, ModuleNotFoundError):
        raise NotPossible("the database's address must be sqlite:///FILE or postgresql+psycopg://…") from None
    file = database.engine.url.database if database.engine.dialect.name == "sqlite" else None
    if file and not Path(file).exists():
        database.dispose()
        raise NotPossible("there is no database: start the hub once, it makes one (carebag hub --database …)")
    try:
        with database.engine.connect() as connection:
            revision = revision_of(connection)
    except NewerStore:
        raise NotPossible("the database is of a newer Carebag than this program") from None
    if revision != newest():
        what = "has no tables yet" if revision is None else "is of an older Carebag than this program"
        database.dispose()
        raise NotPossible(f"the database {what}: start this version's hub once, it sees to it")
    return database


def _refused(why: str) -> int:
    print(f"carebag admin: {why}", file=sys.stderr)
    return 2
