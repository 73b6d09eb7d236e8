"""`carebag demo`: hub, one kit and its simulated instruments on this machine, behind one address."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from carebag import stage
from carebag.demonstration import Demo, Options, running
from carebag.processes import PartFailed
from carebag.walkthrough import run_script
from carebag_devices.radio.simulated_radio import Mode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="keep everything here (default: a new folder, removed at the end)")
    parser.add_argument("--database", help="postgresql+psycopg://… instead of SQLite")
    parser.add_argument("--port", type=int, default=8470, help="hub's port; the kit takes the next (default 8470)")
    stage.add_arguments(parser)
    parser.add_argument(
        "--in-process", action="store_true", help="simulated radio without D-Bus, as where there is none"
    )
    parser.add_argument("--script", choices=["visit"], help="make a whole visit unattended and say what worked")
    parser.add_argument("--json", action="store_true", help="with --script: outcome as JSON on standard output")
    parser.add_argument("--screenshots", type=Path, help="with --script: a picture of every page into this folder")


def run(args: argparse.Namespace) -> int:
    """Exit status 0 if it ran until it was stopped, or if every step of the script worked."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the parts are stopped too
    if args.data:
        args.data.mkdir(parents=True, exist_ok=True)
        return _run_in(args.data.resolve(), args)
    with tempfile.TemporaryDirectory(prefix="carebag-demo-", ignore_cleanup_errors=True) as folder:
        return _run_in(Path(folder), args)


def _run_in(folder: Path, args: argparse.Namespace) -> int:
    mode: Mode | None = "in_process" if args.in_process else None
    options = Options(folder, database=args.database, port=args.port, mode=mode, stage=stage.stage_of(args))
    try:
        with running(options) as demo:
            if args.script:
                return run_script(demo, as_json=args.json, screenshots=args.screenshots)
            return _show(demo)
    except PartFailed as failure:
        kept = "" if args.data else "\nThe folder with the logs is removed now; --data DIR keeps it."
        raise SystemExit(f"carebag demo: {failure}{kept}") from None


def _show(demo: Demo) -> int:
    how = {
        "dbus": "bleak's BlueZ backend over a private D-Bus",
        "in_process": "no dbus-daemon here: bleak on a simulated radio in the kit's own process",
    }[demo.mode]
    print(f"\n    Carebag is ready:  {demo.hub_url}/\n", flush=True)
    print(f"    Bluetooth: {how}. Published test identities only. Stop with Ctrl-C.", flush=True)
    while True:
        ended = demo.parts.failed()
        if ended:
            raise PartFailed(demo.parts.obituary(ended))
        time.sleep(0.5)
