"""`carebag bench live`: arguments, the run, the page, the table."""

import argparse
import contextlib
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from playwright.sync_api import Error

from carebag.browser import NoBrowser
from carebag.demonstration import Options
from carebag.link_emulator.link import Link
from carebag.link_emulator.namespaces import NoNamespaces
from carebag.link_emulator.profiles import PROFILES, Profile
from carebag.live_bench.page import page
from carebag.live_bench.photo import write_photo
from carebag.live_bench.raw import Raw
from carebag.live_bench.response import Response, response
from carebag.live_bench.sounds import swept, write_sounds
from carebag.live_bench.stand import Stand, standing
from carebag.live_bench.targets import Row, rows
from carebag.live_bench.visit import measured
from carebag.processes import PartFailed

FAST = 40.0
LONGEST_S = 1700
"""The kit ends a listening after half an hour; some of it passes before the measuring."""
SOURCE_S = 23.0
"""Less than the sweeps last, before they begin anew."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", choices=list(PROFILES), default="clean", help="the link (default clean)")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the measuring (default 30)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same losses and delays")
    parser.add_argument("--photo", type=float, metavar="MB", help="let the nurse send a photo of so many MB meanwhile")
    parser.add_argument("--setups", type=int, default=3, help="how often the call is set up (default 3)")
    parser.add_argument("--ahead", action="store_true", help="on a shared machine: go before other sessions' processes")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write PROFILE.html and PROFILE.json there")
    parser.add_argument("--port", type=int, default=8490, help="hub's port inside the link (default 8490)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Exit status 0 if this link's targets were all measured and reached, 1 if not, 2 where no link can be made."""
    profile = PROFILES[args.profile]
    if args.seconds > LONGEST_S:
        print(f"carebag bench live: a listening ends after half an hour: at most {LONGEST_S} s", file=sys.stderr)
        return 2
    seconds = max(args.seconds, profile.shortest_s)
    try:
        raw, heard = _measure(profile.during(seconds), seconds, args)
    except NoNamespaces as problem:
        print(f"carebag bench live: {problem}", file=sys.stderr)
        return 2
    except (PartFailed, NoBrowser) as problem:
        raise SystemExit(f"carebag bench live: {problem}") from None
    found = rows(raw, heard)
    if args.out:
        write(args.out, raw, found, heard)
    print(json.dumps(result(raw, found), indent=2) if args.json else table(raw, found))
    return 0 if all(row.verdict in ("", "reached") for row in found if row.target) else 1


def _measure(profile: Profile, seconds: float, args: argparse.Namespace) -> tuple[Raw, Response | None]:
    with tempfile.TemporaryDirectory(prefix="carebag-live-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        sounds = write_sounds(folder / "sounds", args.seed)
        photo = write_photo(folder / "photo.jpg", args.photo, args.seed) if args.photo else None
        options = Options(folder, str(sounds), None, args.port, FAST, args.seed)
        with Link(profile, args.seed) as link, standing(link, options, ahead=args.ahead) as stand:
            try:
                raw = measured(stand, args.seed, seconds, photo, args.setups)
            except (Error, AssertionError) as problem:
                raise PartFailed(_what_was_seen(stand, args.out, problem)) from None
        if raw.played is None:
            return raw, None
        rate = raw.played.rate_hz
        return raw, response(raw.played.stretches, swept(sounds, rate, SOURCE_S), rate)


def _what_was_seen(stand: Stand, out: Path | None, problem: Exception) -> str:
    """Why the visit did not come about, with pictures of both pages and the end of the logs beside it."""
    words = [f"the visit did not come about: {str(problem).splitlines()[0]}"]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, person in (("nurse", stand.nurse), ("doctor", stand.doctor)):
            with contextlib.suppress(Error):
                person.picture(out / f"failed-{name}.png")
    words += [f"{name}:\n{stand.demo.parts.tail(name, 8)}" for name in stand.demo.parts.running]
    return "\n".join(words)


def result(raw: Raw, found: list[Row]) -> dict[str, Any]:
    """What `--json` prints."""
    link = {name: value for name, value in raw.link.items() if "per_second" not in name}
    return {
        "profile": raw.profile.name,
        "what": raw.profile.what,
        "seed": raw.seed,
        "seconds": round(raw.ended - raw.began, 1),
        "load_average": raw.load_average,
        "figures": [asdict(row) for row in found],
        "not_measured": raw.problems,
        "link": link,
    }


def write(folder: Path, raw: Raw, found: list[Row], heard: Response | None) -> None:
    """The page and its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    command = f"carebag bench live --profile {raw.profile.name} --seconds {raw.ended - raw.began:.0f} --seed {raw.seed}"
    (folder / f"{raw.profile.name}.html").write_text(page(raw, found, heard, command), encoding="utf-8")
    text = json.dumps(result(raw, found), indent=2, ensure_ascii=False)
    (folder / f"{raw.profile.name}.json").write_text(text + "\n", encoding="utf-8")


def table(raw: Raw, found: list[Row]) -> str:
    wide = max(len(row.name) for row in found)
    lines = [f"{raw.profile.name}: {raw.profile.what}; load average {raw.load_average}"]
    lines += [
        f"{row.name:{wide}}  {row.measured:>16}  {row.target:>12}  {row.verdict:12} (n = {row.n})" for row in found
    ]
    return "\n".join([*lines, *(f"not measured: {one}" for one in raw.problems)])
