"""`carebag kit enrol` and `carebag kit rotate-key`: how a kit becomes known to its hub, and gets another key."""

import argparse
import asyncio
import sys
from pathlib import Path

from carebag_edge import enrolment
from carebag_edge.clock import system_clock
from carebag_edge.errors import HubAway, HubRefused, WrongJournal
from carebag_wire.kit_enrolment import BadCode, read_qr

_WORDS = {
    "kit_code_unknown": "there is no such code. Read it once more, or ask for a new one",
    "kit_code_used": "the code has been used. Ask for a new one",
    "kit_code_expired": "the code has expired. Ask for a new one",
    "kit_known": "the code is for another kit than the one of this data folder. A kit that the hub knows gets its code "
    "by  carebag admin kit rotate; a new one needs an empty data folder (--data)",
    "other_hub": "the hub does not call itself that. Give --hub as the hub's own --origin says",
    "too_many_tries": "too many codes that were wrong. Wait a minute",
    "kit_revoked": "this kit is shut out. Ask for a code (carebag admin kit rotate) and say  carebag kit enrol",
    "kit_unknown": "the hub does not know this kit. Ask for a code (carebag admin kit add) and say  carebag kit enrol",
    "bad_proof": "the hub knows this kit by another key. Ask for a code (carebag admin kit rotate) and say  "
    "carebag kit enrol",
    "clock_differs": "this machine's clock is more than a minute wrong. Set it (NTP) and try again",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after the options of `carebag kit`; without it the kit runs."""
    parser.set_defaults(key_command=None)
    commands = parser.add_subparsers(metavar="enrol | rotate-key", help="instead of running: the kit's key")
    for name, run, about in (
        ("enrol", _enrol, "become a kit of a hub, or get another key there, by a one-time code"),
        ("rotate-key", _rotate, "replace the kit's key; stop the kit first"),
    ):
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(key_command=run)
        # what is not given here stays as it was given, or is by default, before the command
        made.add_argument("--hub", default=argparse.SUPPRESS, help="address of the hub, as its --origin says")
        made.add_argument("--data", type=Path, default=argparse.SUPPRESS, help="folder of key, journal and media")
        if name == "enrol":
            made.add_argument(
                "--code", help="as it is shown, or what a scanner reads in its QR code; asked for where it is missing"
            )


def _enrol(args: argparse.Namespace) -> int:
    code = args.code or _asked("Code: ")
    scanned = read_qr(code)
    hub, code = scanned or (args.hub, code)
    try:
        answer = asyncio.run(enrolment.enrol(args.data, hub, code, system_clock()))
    except BadCode as bad:
        return _refused(str(bad))
    except enrolment.NotSafe:
        return _refused("the hub is on another machine: its address must begin with https://")
    except ValueError:
        return _refused("--hub must be a web address, such as https://hub.example.se")
    except (HubAway, HubRefused, WrongJournal, OSError) as error:
        return _refused(_said(error))
    print(f"{answer.name} of {answer.organization}, {answer.unit}: enrolled at {hub}.")
    print("Start it:  carebag kit --data " + str(args.data))
    return 0


def _rotate(args: argparse.Namespace) -> int:
    if not (args.data / "kit_key").exists():
        return _refused(f"{args.data} holds no kit's key (--data)")
    try:
        asyncio.run(enrolment.replace_key(args.data, args.hub, system_clock()))
    except (HubAway, HubRefused, WrongJournal, OSError) as error:
        return _refused(_said(error))
    print("the kit has another key. Start it again.")
    return 0


def _asked(prompt: str) -> str:
    if sys.stdin.isatty():
        print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _said(error: Exception) -> str:
    if isinstance(error, HubAway):
        return "the hub does not answer. Is the address right, and the network up? Nothing is lost: try again"
    if isinstance(error, HubRefused):
        return _WORDS.get(error.code, f"the hub refuses: {error.code}")
    return str(error)


def _refused(why: str) -> int:
    print(f"carebag kit: {why}", file=sys.stderr)
    return 2
