"""`carebag demo | hub | kit | simulate | analyse | decode | bench | turn-check | backup | restore | admin | block |
audit | incident | maintenance | retention | backup-key`.

Each subcommand is a module with `add_arguments(parser)` and `run(args) -> exit status`, imported only when asked for:
a kit has no hub dependencies installed, and the other way round.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = {
    "demo": ("carebag.demo", "hub, one kit and its simulated instruments on this machine; prints one address", "demo"),
    "hub": ("carebag.hub", "the server: sign-in, visits, rooms, records, audit", "server"),
    "kit": ("carebag.kit", "the bag: instruments, journal, live sound and picture, the nurse's page", "edge"),
    "simulate": ("carebag.simulate", "simulated instruments on a private D-Bus, with a control address", "demo"),
    "catalog": ("carebag.catalog", "which instruments the kit knows; checks an entry of your own", "edge"),
    "analyse": ("carebag.analyse", "heart rate, sound marks and quality of recordings", "edge"),
    "decode": ("carebag.decode", "what a value that an instrument sent means, for support and makers", "edge"),
    "bench": ("carebag.bench", "latencies, loss and load of the whole line on this machine", "demo"),
    "turn-check": ("carebag.turn_check", "whether the TURN servers answer from here", "edge,server"),
    "backup": ("carebag.backup.command", "copy the hub's database and files while it runs", "server"),
    "backup-key": ("carebag.backup.key_command", "make a key for encrypted backups", "server"),
    "restore": ("carebag.backup.restore_command", "put a backup in place, checked first; or only check it", "server"),
    "admin": ("carebag.admin.command", "enter care providers, people, kits, patients and visits", "server"),
    "block": ("carebag.block", "a patient's block on a care provider's documentation; protected identity", "server"),
    "audit": ("carebag.audit", "the access log: verify it, sign checkpoints of it, prove events", "server"),
    "incident": (
        "carebag.incident.command",
        "what an incident's reports need, in one file; checks such a file",
        "server",
    ),
    "maintenance": ("carebag.maintenance", "work on the database past the program: begun, ended, checked", "server"),
    "retention": ("carebag.retention", "how long what is kept, what is past its time, and its removal", "server"),
}


def parser_for(name: str, parser: argparse.ArgumentParser) -> None:
    """Let the subcommand's module declare its arguments; a missing extra becomes an instruction."""
    module_name, _, extra = COMMANDS[name]
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0].startswith("carebag"):
            raise
        raise SystemExit(f"carebag {name} needs {error.name}: run  pip install 'carebag[{extra}]'") from None
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 only if all that was asked worked."""
    os.umask(0o077)  # database, media, journal, logs: whatever we write is for this user only
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="carebag", description="A doctor far away examines a patient at home.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = words[0] if words else ""
    for name, (_, text, _) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=text, description=text)
        if name == asked:
            parser_for(name, subparser)
    args = parser.parse_args(words)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
