"""`python -m carebag.advisories` (`make advisories`): do components have published weaknesses, and is any overdue?

Asks pip-audit and npm, each together with a component that is known to be weak: who does not name that one was not
asked, and its silence proves nothing (pip-audit says "No known vulnerabilities found" of what it could not look up).
What was found is written into docs/advisories.csv with its day; from then on the days of docs/security.md count.
Without a network it judges what it can, and says that advisories were not asked.

Exit status 0: nothing is overdue. 1: something is, or was found and is not written down. 3: nothing is overdue, but
advisories were not asked.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "docs" / "advisories.csv"
EXTRAS = ("edge", "plot", "server")
"""What a release installs; the tests' packages are not in it."""
DAYS = {"critical": 7, "high": 30, "other": 90}
"""Until a weakness must be mended, as docs/security.md says."""
WEAK_PYTHON, WEAK_NPM = ("jinja2", "2.10"), ("lodash", "4.17.4")
"""CVE-2019-10906 and CVE-2019-10744, among others."""
ENDS = {
    "Python 3.11": date(2027, 10, 31),
    "Python 3.12": date(2028, 10, 31),
    "Python 3.13": date(2029, 10, 31),
    "Python 3.14": date(2030, 10, 31),
    "Node 20": date(2026, 4, 30),
    "Node 22": date(2027, 4, 30),
    "Node 24": date(2028, 4, 30),
    "PostgreSQL 14": date(2026, 11, 12),
    "PostgreSQL 15": date(2027, 11, 11),
    "PostgreSQL 16": date(2028, 11, 9),
    "PostgreSQL 17": date(2029, 11, 8),
    "PostgreSQL 18": date(2030, 11, 14),
}
"""The last day on which it is mended: devguide.python.org/versions, nodejs.org/about/previous-releases,
postgresql.org/support/versioning. What is not here is not known, and is said to be."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Weakness:
    """One advisory on one component."""

    id: str
    component: str
    version: str


@dataclass(frozen=True)
class Known:
    """A line of docs/advisories.csv."""

    id: str
    component: str
    severity: str
    found: date
    mended: str
    """Day on which it was mended, or why it does not reach Carebag; empty: open."""

    def overdue(self, today: date) -> bool:
        return not self.mended and today > self.found + timedelta(days=DAYS[self.severity])


@dataclass(frozen=True)
class Asked:
    """What a registry answered."""

    of: str
    components: int
    answered: bool
    """It named the component that is known to be weak, so it would have named others."""
    unknown: Sequence[str] = ()
    """Components that it could not look up."""
    found: Sequence[Weakness] = ()


def components(extras: Iterable[str] = EXTRAS) -> dict[str, str]:
    """Name → version of what is installed here for these extras, with all that they need."""
    found: dict[str, str] = {}
    ahead = [("carebag", frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while ahead:
        name, wanted = ahead.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            there = distribution(name)
        except PackageNotFoundError:
            continue  # of another system
        if name != "carebag":
            found[name] = there.version
        for text in there.requires or ():
            need = Requirement(text)
            if need.marker is None or any(need.marker.evaluate({"extra": one}) for one in (*wanted, "")):
                ahead.append((canonicalize_name(need.name), frozenset(need.extras)))
    return dict(sorted(found.items()))


def read_pip_audit(answer: Json) -> Asked:
    """From `pip-audit --format json`, in which the weak component was asked for too."""
    dependencies: list[Json] = answer.get("dependencies", [])
    named = {one["name"]: one for one in dependencies}
    canary = named.pop(WEAK_PYTHON[0], {}) if named.get(WEAK_PYTHON[0], {}).get("version") == WEAK_PYTHON[1] else {}
    return Asked(
        of="PyPI",
        components=len(named),
        answered=bool(canary.get("vulns")),
        unknown=sorted(name for name, one in named.items() if "skip_reason" in one),
        found=[
            Weakness(weak["id"], name, one["version"]) for name, one in named.items() for weak in one.get("vulns", [])
        ],
    )


def read_npm_audit(answer: Json, lock: Json) -> Asked:
    """From `npm audit --json` over a lock file to which the weak component was added."""
    weak: Json = dict(answer.get("vulnerabilities", {}))
    answered = WEAK_NPM[0] in weak
    weak.pop(WEAK_NPM[0], None)
    versions = {name: one.get("version", "") for name, one in in_lock(lock).items()}
    found = [
        Weakness(str(via.get("url", "")).rsplit("/", 1)[-1] or str(via.get("source")), name, versions.get(name, ""))
        for name, one in weak.items()
        for via in one.get("via", [])
        if isinstance(via, dict)
    ]
    return Asked(of="npm", components=len(versions), answered=answered, found=found)


def in_lock(lock: Json) -> dict[str, Json]:
    """Of a package-lock.json: what the pages hold, without what only builds and tests them."""
    return {
        path.rsplit("node_modules/", 1)[1]: one
        for path, one in lock.get("packages", {}).items()
        if "node_modules/" in path and not one.get("dev")
    }


def read_known(text: str) -> list[Known]:
    """From docs/advisories.csv.

    Raises:
        ValueError: a day that is none, or a severity that has no days.
    """
    found = []
    for row in csv.DictReader(text.splitlines()):
        if row["severity"] not in DAYS:
            raise ValueError(f"{row['id']}: severity is critical, high or other")
        day = date.fromisoformat(row["found"])
        found.append(Known(row["id"], row["component"], row["severity"], day, row["mended"]))
    return found


def ended(versions: Iterable[str], today: date) -> tuple[list[str], list[str]]:
    """Of `Python 3.11` and the like: those that nobody mends any more, and those of which it is not known."""
    versions = list(versions)
    return [one for one in versions if one in ENDS and today > ENDS[one]], [one for one in versions if one not in ENDS]


def judge(asked: Sequence[Asked], known: Sequence[Known], platforms: Iterable[str], today: date) -> tuple[int, str]:
    """Exit status and words."""
    said, bad = [], False
    for one in asked:
        if not one.answered:
            said.append(f"{one.of}: NOT ASKED: it does not name a component that is known to be weak")
            continue
        said.append(f"{one.of}: {one.components} components asked, {len(one.found)} advisories")
        if one.unknown:
            bad = True
            said.append(f"  not looked up: {', '.join(one.unknown)}")
        written = {(line.id, line.component) for line in known}
        for weak in one.found:
            if (weak.id, weak.component) not in written:
                bad = True
                said.append(f"  {weak.id} of {weak.component} {weak.version}: write it into docs/advisories.csv")
    for line in known:
        if line.overdue(today):
            bad = True
            said.append(f"OVERDUE: {line.id} of {line.component}, found {line.found}, {DAYS[line.severity]} days")
    over, unknown = ended(platforms, today)
    bad = bad or bool(over)
    said += [f"OVER: {one} is mended by nobody since {ENDS[one]}" for one in over]
    said += [f"{one}: its end is not in the table" for one in unknown]
    if bad:
        return 1, "\n".join([*said, "overdue or not written down: see above"])
    if not all(one.answered for one in asked) or not asked:
        said.append("nothing is overdue of what is known, but advisories were not asked: this is no pass")
        return 3, "\n".join(said)
    return 0, "\n".join([*said, "nothing is overdue"])


def _ask_python(program: Path) -> Asked:
    wanted = {**components(), WEAK_PYTHON[0]: WEAK_PYTHON[1]}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in wanted.items()), encoding="utf-8")
        words = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
        answer = _json_of([str(program), "-r", str(file), *words])
    return read_pip_audit(answer) if answer else Asked("PyPI", 0, answered=False)


def _ask_npm() -> Asked:
    lock: Json = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))
    package: Json = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
    name, version = WEAK_NPM
    asked = json.loads(json.dumps(lock))
    asked["packages"][""].setdefault("dependencies", {})[name] = version
    asked["packages"][f"node_modules/{name}"] = {"version": version}
    package.setdefault("dependencies", {})[name] = version
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "package-lock.json").write_text(json.dumps(asked), encoding="utf-8")
        (Path(folder) / "package.json").write_text(json.dumps(package), encoding="utf-8")
        npm = [sys.executable, str(ROOT / "web" / "npm.py"), "--silent", "--prefix", folder]
        answer = _json_of([*npm, "audit", "--omit=dev", "--package-lock-only", "--json"])
    return read_npm_audit(answer, lock) if answer else Asked("npm", 0, answered=False)


def _json_of(command: Sequence[str]) -> Json | None:
    """What a program printed, whatever its exit status; None: it could not be run, took too long or printed none."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=300, check=False)  # noqa: S603 (our own words)
        answer = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return answer if isinstance(answer, dict) else None


def platforms_here() -> list[str]:
    """On what Carebag runs here; Node is only what the pages are built with."""
    return [f"Python {sys.version_info.major}.{sys.version_info.minor}"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pip-audit", type=Path, metavar="PROGRAM", help="in an environment of its own")
    parser.add_argument("--offline", action="store_true", help="ask nobody")
    args = parser.parse_args(arguments)
    asked = [] if args.offline else [_ask_python(args.pip_audit or Path("pip-audit")), _ask_npm()]
    known = read_known(FOUND.read_text(encoding="utf-8"))
    status, words = judge(asked, known, platforms_here(), datetime.now(UTC).date())
    print(words)
    return status


if __name__ == "__main__":
    sys.exit(main())
