"""`carebag bench faults`: arguments, the runs, the page, the table."""

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from carebag.fault_bench.binding import binding, clock
from carebag.fault_bench.bit_rot import bit_rot
from carebag.fault_bench.drain import drain
from carebag.fault_bench.drain_fill import Load
from carebag.fault_bench.failover import failover
from carebag.fault_bench.hub_kill import hub_kill
from carebag.fault_bench.kill import kill
from carebag.fault_bench.live_rot import live_rot
from carebag.fault_bench.lossy import lossy
from carebag.fault_bench.outcome import Outcome
from carebag.fault_bench.page import page
from carebag.fault_bench.sealed import sealed

SAID_EVERY_S = 10.0


@dataclass(frozen=True)
class Counts:
    """How long each bench runs."""

    cuts: int
    kills: int
    deliveries: int
    schedules: int
    failovers: int
    photos: int


Said = Callable[[int], None]


def _power(seed: int, counts: Counts, said: Said) -> Outcome:
    try:
        from carebag.fault_bench.power import power
    except ModuleNotFoundError as missing:
        return Outcome("power", "", "cuts", skipped=f"needs {missing.name}: pip install 'carebag[dev]'")
    return power(seed, counts.cuts, said)


def _hub_power(seed: int, counts: Counts, said: Said) -> Outcome:
    try:
        from carebag.fault_bench.hub_power import hub_power
    except ModuleNotFoundError as missing:
        return Outcome("hub-power", "", "cuts", skipped=f"needs {missing.name}: pip install 'carebag[dev]'")
    return hub_power(seed, counts.cuts, said)


def _trouble(name: str, seed: int, counts: Counts, said: Said) -> Outcome:
    try:
        from carebag.fault_bench.trouble import disk_full, eio
    except ModuleNotFoundError as missing:
        return Outcome(name, "", "cuts", skipped=f"needs {missing.name}: pip install 'carebag[dev]'")
    return (disk_full if name == "disk-full" else eio)(seed, counts.cuts, said)


BENCHES: dict[str, Callable[[int, Counts, Said], Outcome]] = {
    "power": _power,
    "sealed": lambda seed, counts, said: sealed(seed, counts.cuts, said),
    "bit-rot": lambda seed, counts, said: bit_rot(seed, counts.cuts, said),
    "live-rot": lambda seed, counts, said: live_rot(seed, counts.cuts, said),
    "hub-power": _hub_power,
    "kill": lambda seed, counts, said: kill(seed, counts.kills, said),
    "hub-kill": lambda seed, counts, said: hub_kill(seed, counts.kills, said),
    "failover": lambda seed, counts, said: failover(seed, counts.failovers, said),
    "lossy": lambda seed, counts, said: lossy(seed, counts.deliveries, said),
    "disk-full": lambda seed, counts, said: _trouble("disk-full", seed, counts, said),
    "eio": lambda seed, counts, said: _trouble("eio", seed, counts, said),
    "drain": lambda seed, counts, said: drain(seed, Load.of_photos(counts.photos), said=said),
    "binding": lambda seed, counts, said: binding(seed, counts.schedules, said),
    "clock": lambda seed, counts, said: clock(seed, counts.schedules, said),
}
"""By the name of `--only`; each gets the seed, the counts and whom to tell how far it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", metavar="NAME,...", help=f"some of {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same schedules (default 1)")
    parser.add_argument("--cuts", type=int, default=300, help="power cuts, of kit and hub each (default 300)")
    parser.add_argument("--kills", type=int, default=40, help="kills, of kit and hub each (default 40)")
    parser.add_argument("--deliveries", type=int, default=20_000, help="over the bad link (default 20000)")
    parser.add_argument("--schedules", type=int, default=2_000, help="days of visits and values (default 2000)")
    parser.add_argument("--failovers", type=int, default=3, help="of the hub's PostgreSQL (default 3)")
    parser.add_argument(
        "--photos", type=int, default=300, help="after 72 hours without a network, with 20 readings to 3 (default 300)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write faults.html and faults.json there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Exit status 0 if nothing was lost, doubled or misfiled and each planted fault was found; 2 for a wrong name."""
    names = args.only.split(",") if args.only else list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"carebag bench faults: no such fault: {', '.join(unknown)}", file=sys.stderr)
        return 2
    counts = Counts(args.cuts, args.kills, args.deliveries, args.schedules, args.failovers, args.photos)
    with _tidied_when_told_to_end():
        outcomes = [_timed(name, args.seed, counts) for name in names]
    found = result(outcomes, args.seed, _command(args))
    if args.out:
        write(args.out, outcomes, found)
    print(json.dumps(found, indent=2, ensure_ascii=False) if args.json else table(outcomes))
    return 0 if all(one.is_good or one.skipped for one in outcomes) else 1


@contextmanager
def _tidied_when_told_to_end() -> Iterator[None]:
    """SIGTERM ends the run as an exception does: hubs, kits and links that a bench started in sessions of their own end
    with it. A second one does not disturb that."""

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(143)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _timed(name: str, seed: int, counts: Counts) -> Outcome:
    began = last = time.monotonic()

    def said(n: int) -> None:
        nonlocal last
        if time.monotonic() - last > SAID_EVERY_S:
            last = time.monotonic()
            print(f"{name}: {n}", file=sys.stderr, flush=True)

    outcome = BENCHES[name](seed, counts, said)
    outcome.seconds = time.monotonic() - began
    return outcome


def _command(args: argparse.Namespace) -> str:
    only = f" --only {args.only}" if args.only else ""
    return (
        f"carebag bench faults{only} --seed {args.seed} --cuts {args.cuts} --kills {args.kills}"
        f" --deliveries {args.deliveries} --schedules {args.schedules}"
        f" --failovers {args.failovers} --photos {args.photos}"
    )


def result(outcomes: list[Outcome], seed: int, command: str) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "command": command,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.platform(terse=True)}",
        "faults": [one.as_json() for one in outcomes],
    }


def write(folder: Path, outcomes: list[Outcome], found: dict[str, Any]) -> None:
    """The page and its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.html").write_text(page(outcomes, found), encoding="utf-8")
    text = json.dumps(found, indent=2, ensure_ascii=False)
    (folder / "faults.json").write_text(text + "\n", encoding="utf-8")


def table(outcomes: list[Outcome]) -> str:
    lines = []
    for one in outcomes:
        word = f"not run: {one.skipped}" if one.skipped else "ok" if one.is_good else "WRONG"
        lines.append(f"{one.name:14} {one.n:>9} {one.unit:12} {sum(one.wrong.values()):>6} wrong  {word}")
        lines += [f"{'':14} {number:>9} {what}" for what, number in one.counts.items()]
        lines += [f"{'':14} planted, {c.what}: found in {c.found} of {c.n}" for c in one.controls]
        lines += [f"{'':14} {text}" for text in one.examples]
    return "\n".join(lines)
