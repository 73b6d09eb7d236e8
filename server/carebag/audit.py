"""`carebag audit`: keys and checkpoints of the access log, proofs about it, their verification, and its export.

`verify`, `check` and `witness` use `carebag_server.audit_verifier` alone, which shares nothing with what wrote the log.
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchTableError
from sqlalchemy.orm import Session

from carebag.audit_export import add_export_arguments, run_export
from carebag.database_argument import database_argument
from carebag_server.audit_note import BadKey, NoteKey
from carebag_server.audit_proofs import NotProvable, prove_event, prove_growth, signed_checkpoint
from carebag_server.audit_verifier.log import Examined, Head, examine, open_log
from carebag_server.audit_verifier.note import BadNote, Checkpoint, KnownKey, open_checkpoint
from carebag_server.audit_verifier.proofs import check_event, check_growth
from carebag_server.audit_verifier.tree import BadProof
from carebag_server.not_possible import NotPossible

_LONGEST_FILE = 1_000_000


class Unusable(Exception):
    """What was given cannot be used; the text is for an operator."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    def command(name: str, run_it: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run_audit=run_it)
        return made

    verify = command("verify", _verify, "recompute the whole log and compare it with what was kept elsewhere")
    _database(verify)
    verify.add_argument(
        "--head",
        type=written_head,
        action="append",
        default=[],
        metavar="N:HASH",
        help="a head written down earlier, which must be in the log",
    )
    verify.add_argument(
        "--checkpoint",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="signed checkpoints kept elsewhere, whose events must be the beginning of the log",
    )
    _public_key(verify, required=False)
    verify.add_argument("--json", action="store_true", help="print the result as JSON")

    key = command("key", _key, "print the verifier's key of a signing key, which is made if it is not there")
    key.add_argument("file", type=Path, help="the signing key: for its owner only, never beside the checkpoints")
    key.add_argument("--name", help="of a new key and so of the log, such as hub.example.se/access-log")

    checkpoint = command("checkpoint", _checkpoint, "print a signed checkpoint of the log as it is now")
    _signing(checkpoint)
    checkpoint.add_argument(
        "--since", type=Path, metavar="FILE", help="an earlier checkpoint: print what its witness needs to follow"
    )
    prove = command("prove", _prove, "print a proof that an event is in the log; it holds that event")
    prove.add_argument("number", type=int, help="of the event")
    _signing(prove)

    add_export_arguments(command("export", run_export, "write the log of a period as FHIR Bulk Data (IHE BALP)"))

    check = command("check", _check, "check a proof of an event, without the database, and print the event")
    check.add_argument("file", type=Path, help="as `carebag audit prove` wrote it")
    _public_key(check, required=True)

    witness = command("witness", _witness, "accept a checkpoint only if the log begins with the one known here")
    witness.add_argument(
        "file", type=Path, help="as `carebag audit checkpoint` wrote it, with --since from the second on"
    )
    witness.add_argument("--known", type=Path, required=True, metavar="FILE", help="the last one accepted, kept here")
    _public_key(witness, required=True)


def _database(parser: argparse.ArgumentParser) -> None:
    database_argument(parser)


def _signing(parser: argparse.ArgumentParser) -> None:
    _database(parser)
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="made by `carebag audit key`")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there instead")


def _public_key(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--public-key", required=required, metavar="KEY", help="the verifier's key, or a file that holds it"
    )


def written_head(text: str) -> Head:
    """`1284:5f0c…` as printed by an earlier verification.

    Raises:
        ArgumentTypeError: not of that form.
    """
    number, _, digest = text.partition(":")
    if not (number.isascii() and number.isdecimal()) or len(digest) != 64:
        raise argparse.ArgumentTypeError("expected the number of events, a colon, and the 64 digits of the head")
    return int(number), digest


def run(args: argparse.Namespace) -> int:
    """Exit status 0 only if what was asked for is so: the log intact, the proof a proof. 1: it is not."""
    try:
        return int(args.run_audit(args))
    except (Unusable, BadNote, NotProvable, NotPossible) as error:
        raise SystemExit(f"carebag audit: {error}") from None
    except FileNotFoundError as error:
        if error.filename is None:
            raise SystemExit("carebag audit: no database at that address") from None
        raise SystemExit(f"carebag audit: {error.filename}: no such file") from None
    except OSError as error:
        raise SystemExit(f"carebag audit: {error.filename}: {error.strerror}") from None
    except (ArgumentError, NoSuchTableError, DBAPIError):
        raise SystemExit("carebag audit: the database cannot be read, or has no access log of this version") from None


def _verify(args: argparse.Namespace) -> int:
    if args.checkpoint and not args.public_key:
        raise Unusable("--checkpoint needs --public-key: whose signature makes it one")
    kept = {}
    for path in args.checkpoint:
        try:
            kept[path] = open_checkpoint(_text(path), _known_key(args))
        except BadNote as bad:
            raise Unusable(f"{path}: {bad}") from None
    with open_log(args.database) as connection:
        found = examine(connection, args.head, list(kept.values()))
    names = {checkpoint: str(path) for path, checkpoint in kept.items()}
    print(json.dumps(verdict_of(found, datetime.now(UTC)), indent=2) if args.json else in_words(found, names))
    return 0 if found.intact else 1


def verdict_of(found: Examined, at: datetime) -> dict[str, object]:
    """How a verification ended, as `--json` prints it."""
    return {
        "intact": found.intact,
        "events": found.events,
        "pruned": found.pruned,
        "head": found.head,
        "root": found.root.hex(),
        "broken_at": found.broken_at,
        "why": found.why,
        "against_events": None if found.against is None else _events(found.against),
        "checked_at": at.isoformat(),
    }


def in_words(found: Examined, names: Mapping[Checkpoint, str]) -> str:
    """In one line. `names`: what the checkpoints that it was held against are called."""
    if found.intact:
        gone = f" ({found.pruned} of them without their content, as the log says)" if found.pruned else ""
        return f"intact: {found.events} events{gone}, head {found.head}, root {found.root.hex()}"
    broken = f"BROKEN at event {found.broken_at}: {found.why} ({found.events} events read)"
    if found.against is None:
        return broken
    what = names.get(found.against, "") if isinstance(found.against, Checkpoint) else "the head"
    return f"{broken}; not in it: {what} of {_events(found.against)} events"


def _events(kept: Checkpoint | Head) -> int:
    return kept.size if isinstance(kept, Checkpoint) else kept[0]


def _key(args: argparse.Namespace) -> int:
    if args.file.exists():
        key = _signing_key(args.file)
        if args.name not in (None, key.name):
            raise Unusable(f"{args.file} holds the key of {key.name}")
    else:
        if args.name is None:
            raise Unusable(f"{args.file} is not there; --name makes a key")
        try:
            key = NoteKey.new(args.name)
        except BadKey:
            raise Unusable("a key's name must hold neither spaces nor +: such as hub.example.se/access-log") from None
        _write(args.file, key.private_text + "\n", new=True)
    print(key.public_text)
    return 0


def _checkpoint(args: argparse.Namespace) -> int:
    key = _signing_key(args.key)
    known = KnownKey.read(key.public_text)
    since = open_checkpoint(_text(args.since), known) if args.since else None
    with open_log(args.database) as connection, Session(connection) as session:
        signed = prove_growth(session, key, since.size, since.root) if since else signed_checkpoint(session, key)
    if args.out and args.out.exists() and not since:
        _refuse_other_history(_text(args.out), signed, known)
    _give(args, signed)
    return 0


def _refuse_other_history(before: str, signed: str, known: KnownKey) -> None:
    """A checkpoint must not be put over one that the log has left behind."""
    old, new = open_checkpoint(before, known), open_checkpoint(signed, known)
    if new.size < old.size or (new.size == old.size and new.root != old.root):
        raise NotProvable(f"the checkpoint that is there is of {old.size} events and another history; nothing written")


def _prove(args: argparse.Namespace) -> int:
    key = _signing_key(args.key)
    with open_log(args.database) as connection, Session(connection) as session:
        proof = prove_event(session, key, args.number)
    _give(args, proof)
    return 0


def _give(args: argparse.Namespace, text: str) -> None:
    if args.out:
        _write(args.out, text)
    else:
        print(text, end="")


def _check(args: argparse.Namespace) -> int:
    try:
        event, checkpoint = check_event(_text(args.file), _known_key(args))
    except BadProof:
        print("NOT PROVED: that event is not in the log of the checkpoint")
        return 1
    print(json.dumps(event, indent=2, ensure_ascii=False))
    print(f"proved: in the first {checkpoint.size} events of {checkpoint.origin}")
    return 0


def _witness(args: argparse.Namespace) -> int:
    key, request = _known_key(args), _text(args.file)
    known = open_checkpoint(_text(args.known), key) if args.known.exists() else None
    try:
        checkpoint = check_growth(request, key, known)
    except BadProof:
        print("REFUSED: the log does not begin with the checkpoint that is known here. Keep both files")
        return 1
    _write(args.known, request.partition("\n\n")[2] if request.startswith("old ") else request)
    grown = f"grown from {known.size}" if known else "the first that is known here"
    print(f"accepted: {checkpoint.size} events of {checkpoint.origin}, {grown}")
    return 0


def _signing_key(path: Path) -> NoteKey:
    try:
        return NoteKey.read(_text(path))
    except BadKey:
        raise Unusable(f"{path}: not a signing key, or a damaged one") from None


def _known_key(args: argparse.Namespace) -> KnownKey:
    given = str(args.public_key)
    return KnownKey.read(_text(Path(given)) if Path(given).is_file() else given)


def _text(path: Path) -> str:
    """Byte for byte: a translated line end would be another text."""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_FILE).decode()
    except UnicodeDecodeError:
        raise Unusable(f"{path}: not a text") from None


def _write(path: Path, text: str, *, new: bool = False) -> None:
    """Whole or not at all, for its owner only.

    Raises:
        FileExistsError: it should have been `new`.
    """
    part = path if new else path.with_name(path.name + ".part")
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if new else os.O_TRUNC) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    if not new:
        part.replace(path)
