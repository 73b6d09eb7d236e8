"""`carebag block`: a patient's block (spärr) and protected identity, by whom the care provider has charged with it.

Works on the database while the hub runs: each question is answered by what is so then. What is done here is in the
access log, with the name given by `--by`.
"""

import argparse
import getpass
import socket
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag.database_argument import database_argument
from carebag_server import blocks, protection
from carebag_server.access_tables import BlockRow
from carebag_server.audit import Actor
from carebag_server.database import Database
from carebag_server.entered_text import named
from carebag_server.not_possible import NotPossible
from carebag_server.refusals import Refused
from carebag_server.tables import Kit, Organization, PatientRow
from carebag_wire.visit import Protection

_WORDS = {
    "already_so": "nothing was changed: it is so already",
    "not_found": "there is no such block",
}
KINDS = [kind for kind in get_args(Protection) if kind]


class Unusable(Exception):
    """What was given cannot be used; the text is for an operator."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    def command(
        name: str, run_it: Callable[[argparse.Namespace, Session], None], about: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run_block=run_it)
        database_argument(made)
        made.add_argument("--provider", required=True, help="the care provider's name, as the hub knows it")
        made.add_argument("--by", required=True, type=_someone, metavar="NAME", help="who does it, for the access log")
        return made

    add = command("add", _add, "hide what the care provider documented about a patient from all others")
    _patient(add)
    add.add_argument("--unit", default="", help="only what this unit documented; then also from the other units")
    add.add_argument(
        "--visits-before", type=_time, metavar="TIME", help="only visits planned before (2026-11-27T08:00+01:00)"
    )
    lift = command("lift", _lift, "end a block; it stays on record")
    lift.add_argument("block", type=_number, help="its number, as `list` shows it")
    lift.add_argument("--why", required=True, choices=get_args(blocks.Why), help="the patient agrees, or an emergency")
    shown = command("list", _list, "the blocks of a patient on this care provider that are in force")
    _patient(shown)
    protect = command("protect", _protect, "mark a patient's identity as protected")
    _patient(protect)
    protect.add_argument("kind", choices=KINDS)
    _patient(command("unprotect", _unprotect, "end that mark"))


def utc_now() -> datetime:
    return datetime.now(UTC)


def run(args: argparse.Namespace, clock: Callable[[], datetime] = utc_now) -> int:
    """0: done; 1: not done, and said why."""
    args.now = clock()
    database = Database(args.database)
    try:
        with database.transaction() as session:
            args.run_block(args, session)
    except Refused as refused:
        print(_WORDS.get(refused.code, refused.code))
        return 1
    except Unusable as error:
        print(error)
        return 1
    finally:
        database.dispose()
    return 0


def _patient(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "patient", help="the personal number as it is stored: twelve digits, or a Finnish one with its mark; or the id"
    )


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a time is written 2026-11-27T08:00+01:00") from None
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError("a time needs its zone, such as +01:00")
    return at


def _number(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError("that is no number of a block: `carebag block list` shows them") from None


def _moment(at: datetime) -> str:
    """In this machine's zone, which is named."""
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"


def _add(args: argparse.Namespace, session: Session) -> None:
    provider, patient = _provider(args, session), _patient_row(args, session)
    units = set(session.scalars(select(Kit.unit).where(Kit.organization_id == provider.id)))
    if args.unit and args.unit not in units:
        raise Unusable(f"no bag of {provider.name} belongs to such a unit; there are: {', '.join(sorted(units))}")
    row = blocks.block(session, _actor(args), patient.id, provider.id, args.now, args.unit, args.visits_before)
    what = f"what {args.unit or provider.name} documented"
    when = f" in visits planned before {_moment(row.covers_until)}" if row.covers_until else ", in visits to come too"
    print(f"blocked: {row.id}\n{what}{when} is hidden from all others; open pages follow within some seconds")


def _lift(args: argparse.Namespace, session: Session) -> None:
    provider = _provider(args, session)
    found = session.get(BlockRow, args.block)
    if found is None or found.organization_id != provider.id:
        raise Refused(404, "not_found")
    blocks.lift(session, _actor(args), args.block, args.why, args.now)
    print("lifted; open pages follow within some seconds, and the block stays on record")


def _list(args: argparse.Namespace, session: Session) -> None:
    provider, patient = _provider(args, session), _patient_row(args, session)
    ours = [row for row in blocks.blocks_of(session, patient.id) if row.organization_id == provider.id]
    for row in ours:
        until = f", visits before {_moment(row.covers_until)}" if row.covers_until else ""
        print(f"{row.id}  since {_moment(row.at)}  {row.unit or 'all units'}{until}")
    if not ours:
        print("no block is in force")
    blocks.listed(session, _actor(args), patient.id, len(ours), args.now)


def _protect(args: argparse.Namespace, session: Session) -> None:
    _provider(args, session)
    kind = cast("Protection", args.kind)
    protection.protect(session, _actor(args), _patient_row(args, session).id, kind, args.now)
    print("protected: the address is shown nowhere, and lists have no name; open pages follow within some seconds")


def _unprotect(args: argparse.Namespace, session: Session) -> None:
    _provider(args, session)
    protection.end_protection(session, _actor(args), _patient_row(args, session).id, args.now)
    print("no longer protected; open pages follow within some seconds")


def _someone(text: str) -> str:
    """A row of the access log without a name cannot be mended later (HSLF-FS 2016:40 ch. 4 s. 9)."""
    try:
        return named(text, "whoever does it", "--by")
    except NotPossible as why:
        raise argparse.ArgumentTypeError(str(why)) from None


def _provider(args: argparse.Namespace, session: Session) -> Organization:
    found = session.scalars(select(Organization).where(Organization.name == args.provider)).all()
    if len(found) != 1:
        raise Unusable("no care provider has that name" if not found else "more than one care provider has that name")
    return found[0]


def _patient_row(args: argparse.Namespace, session: Session) -> PatientRow:
    """Two systems may have the same number: then the patient's id is needed."""
    found = session.scalars(select(PatientRow).where(PatientRow.personal_id == args.patient)).all()
    if len(found) > 1:
        raise Unusable("patients of two systems have that number: give the id of one (carebag admin patient list)")
    try:
        one = found[0] if found else session.get(PatientRow, uuid.UUID(args.patient))
    except ValueError:
        one = None
    if one is None:
        raise Unusable("no patient has that number (carebag admin patient list shows them)")
    return one


def _actor(args: argparse.Namespace) -> Actor:
    return Actor(
        practitioner=args.by,
        role="operator",
        care_unit=args.provider,
        organization=args.provider,
        purpose="patient_wish",
        origin=f"{getpass.getuser()}@{socket.gethostname()}",
        request_ref=f"block {uuid.uuid4().hex[:16]}",
    )
