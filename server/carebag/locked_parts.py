"""`python -m carebag.locked_parts` (`make locks`): each Python part of a release by its digests, and how old it is.

`locks/hub.txt` and `locks/kit.txt` name every Python package of a hub and of a kit with its version and the SHA-256 of
each of its files (pip's `--require-hashes`); uv resolves them for all systems at once. `locks/releases.csv` says when
each was released, as the index told on the day it was asked. What is judged here needs no network.

Exit status 0: whole and of age. 1: something is wrong, in words.
"""

import argparse
import csv
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS: Mapping[str, tuple[str, ...]] = {
    "hub": ("server", "s3", "valkey"),
    "kit": ("edge", "plot", "sound", "keyring"),
}
"""Lock → the extras of pyproject.toml that are in it."""
RELEASE = ("edge", "plot", "server")
"""What every release installs; the other extras are a choice of who runs it."""
MOST_DIRECT = 25
OLDEST = timedelta(days=548)
"""Eighteen months without a release: who mends it when a weakness is found?"""
_INDEX = "https://pypi.org/simple/{name}/"
_PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)(?: *; *(?P<marker>[^\\]+?))? *\\?$"
)
_DIGEST = re.compile(r"^ +--hash=sha256:[0-9a-f]{64}( \\)?$")


@dataclass(frozen=True)
class Part:
    """One package of a lock: canonical name, version, where it is wanted ("" everywhere), how many files' digests."""

    name: str
    version: str
    marker: str
    digests: int


@dataclass(frozen=True)
class Released:
    """What the index says of a package: when the locked version came, and when its newest."""

    name: str
    version: str
    released: date
    newest: date
    asked: date


def parts_of(lock: str) -> list[Part]:
    """The packages of a lock, in its order.

    Raises:
        ValueError: a line that is neither a package with an exact version, a SHA-256 digest nor a comment.
    """
    parts: list[Part] = []
    for number, line in enumerate(lock.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if match := _PINNED.match(line):
            parts.append(Part(canonicalize_name(match["name"]), match["version"], match["marker"] or "", 0))
        elif _DIGEST.match(line) and parts:
            last = parts[-1]
            parts[-1] = Part(last.name, last.version, last.marker, last.digests + 1)
        else:
            raise ValueError(f"line {number} is neither a package with its version nor a digest")
    return parts


def wanted_of(pyproject: Mapping[str, Any], extras: Iterable[str]) -> list[Requirement]:
    """What the project itself names, for these extras; those of its own that they name are followed."""
    project = pyproject["project"]
    found = [Requirement(text) for text in project["dependencies"]]
    open_, seen = list(extras), set[str]()
    while open_:
        extra = open_.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for text in project["optional-dependencies"][extra]:
            one = Requirement(text)
            if canonicalize_name(one.name) == project["name"]:
                open_.extend(one.extras)
            else:
                found.append(one)
    return found


def faults_of_lock(parts: Sequence[Part], wanted: Iterable[Requirement]) -> list[str]:
    """What would let something else be installed than was locked, in words."""
    faults = [f"{one.name} {one.version} has no digest" for one in parts if not one.digests]
    for one in wanted:
        name = canonicalize_name(one.name)
        versions = [part.version for part in parts if part.name == name]
        if not versions:
            faults.append(f"{name} is asked for and not locked")
        faults += [
            f"{name} is locked at {version}, and {one.specifier} is asked for"
            for version in versions
            if not one.specifier.contains(Version(version), prereleases=True)
        ]
    return faults


def faults_of_age(direct: Iterable[str], parts: Iterable[Part], told: Mapping[tuple[str, str], Released]) -> list[str]:
    """Parts whose age nobody asked, and direct ones that had no release for eighteen months when it was asked."""
    faults = [
        f"{one.name} {one.version}: its age was not asked" for one in parts if (one.name, one.version) not in told
    ]
    for name in sorted(set(direct)):
        ages = [one for (of, _), one in told.items() if of == name]
        faults += [
            f"{name} had its newest release on {one.newest}, {(one.asked - one.newest).days} days before it was asked"
            for one in ages
            if one.asked - one.newest > OLDEST
        ]
    return faults


def read_releases(text: str) -> dict[tuple[str, str], Released]:
    """`locks/releases.csv`.

    Raises:
        ValueError, KeyError: not such a table.
    """
    rows = (
        Released(
            row["name"],
            row["version"],
            *(date.fromisoformat(row[column]) for column in ("released", "newest", "asked")),
        )
        for row in csv.DictReader(text.splitlines())
    )
    return {(one.name, one.version): one for one in rows}


def released(name: str, version: str, answer: Mapping[str, Any], today: date) -> Released:
    """Out of the index's answer (PEP 691, 700): the first file of the version, and the newest that is no trial.

    Raises:
        ValueError: the index does not know that version.
    """
    days: dict[str, date] = {}
    for file in answer["files"]:
        told = next((one for one in answer["versions"] if _is_file_of(file["filename"], name, one)), None)
        if told is None or "upload-time" not in file:
            continue
        day = datetime.fromisoformat(file["upload-time"]).date()
        days[told] = min(day, days.get(told, day))
    if version not in days:
        raise ValueError(f"the index does not say when {name} {version} was released")
    lasting = [day for told, day in days.items() if not Version(told).is_prerelease] or list(days.values())
    return Released(name, version, days[version], max(lasting), today)


def _is_file_of(filename: str, name: str, version: str) -> bool:
    stem = re.sub(r"[-_.]+", "-", filename.lower())
    start = f"{canonicalize_name(name)}-{re.sub(r'[-_.]+', '-', version.lower())}"
    rest = stem.removeprefix(start)
    return rest != stem and (rest.startswith(("-py", "-cp", "-pp")) or rest in ("-tar-gz", "-zip", "-tar-bz2"))


def ask(parts: Iterable[Part], today: date) -> list[Released]:
    """The index about each, one after the other; tells how far it is."""
    asked = []
    for number, one in enumerate(sorted(parts, key=lambda part: part.name), 1):
        print(f"\r{number} {one.name[:50]:50}", end="", file=sys.stderr, flush=True)
        request = Request(  # noqa: S310 - the address is https and ours
            _INDEX.format(name=one.name), headers={"Accept": "application/vnd.pypi.simple.v1+json"}
        )
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            asked.append(released(one.name, one.version, json.load(answer), today))
    print("\r", end="", file=sys.stderr)
    return asked


def write_releases(path: Path, told: Iterable[Released]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "version", "released", "newest", "asked"])
        writer.writerows([one.name, one.version, one.released, one.newest, one.asked] for one in told)


def judge(root: Path) -> list[str]:
    """Everything that is wrong with the locks in a checkout, by what is in it."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    told = read_releases((root / "locks" / "releases.csv").read_text(encoding="utf-8"))
    faults: list[str] = []
    for lock, extras in LOCKS.items():
        parts = parts_of((root / "locks" / f"{lock}.txt").read_text(encoding="utf-8"))
        wanted = wanted_of(pyproject, extras)
        found = faults_of_lock(parts, wanted) + faults_of_age(
            [canonicalize_name(one.name) for one in wanted], parts, told
        )
        faults += [f"{lock}: {fault}" for fault in found]
    direct = {canonicalize_name(one.name) for one in wanted_of(pyproject, RELEASE)}
    if len(direct) > MOST_DIRECT:
        faults.append(f"{len(direct)} packages are named by a release, and at most {MOST_DIRECT} should be")
    return faults


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m carebag.locked_parts", description=__doc__.partition("\n")[0])
    parser.add_argument("--ask", action="store_true", help="ask the index when each part was released, and write it")
    args = parser.parse_args(arguments)
    if args.ask:
        texts = [(ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8") for lock in LOCKS]
        parts = {(one.name, one.version): one for text in texts for one in parts_of(text)}
        write_releases(ROOT / "locks" / "releases.csv", ask(parts.values(), datetime.now(UTC).date()))
    faults = judge(ROOT)
    print("\n".join(faults) or "locked: every part by its digests, none without a release for eighteen months")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
