"""`python devices/fuzz [NAME…]`: fuzzes the codecs, and says how often each was run.

From the environment: `FUZZ_SECONDS` of processor time each (600), `FUZZ_JOBS` at once (2). Working corpora and findings
are under `build/fuzz/`. Exit status 1 if anything was raised.
"""

import os
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "fuzz"


def fuzz(name: str) -> tuple[str, int, str]:
    """The codec's name, its exit status, and the executions or the end of what the fuzzer wrote."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    seconds = os.environ.get("FUZZ_SECONDS", "600")
    log = folder / "log"
    with log.open("wb") as file:
        done = subprocess.run(  # noqa: S603 - our own script and a name from our own list
            [sys.executable, str(HERE / "one.py"), name, seconds, str(folder)],
            stdout=subprocess.PIPE,
            stderr=file,
            check=False,
        )
    if done.returncode == 0:
        return name, 0, done.stdout.decode().split()[-1]
    raised = done.stdout.decode(errors="replace").strip().splitlines()[-12:]
    return name, done.returncode, "\n".join(raised or log.read_text(errors="replace").splitlines()[-12:])


def main() -> int:
    """Exit status 1 if anything was raised, 2 for an unknown name."""
    names = list(tomllib.loads((HERE / "seeds.toml").read_text(encoding="utf-8")))
    asked = sys.argv[1:] or names
    if unknown := sorted(set(asked) - set(names)):
        sys.stderr.write(f"unknown: {', '.join(unknown)}; there are: {', '.join(names)}\n")
        return 2
    failed = 0
    with ThreadPoolExecutor(int(os.environ.get("FUZZ_JOBS", "2"))) as pool:
        for name, status, text in pool.map(fuzz, asked):
            failed += status != 0
            shown = f"{int(text):>12,} executions" if status == 0 else f"FAILED ({status})\n{text}"
            sys.stdout.write(f"{name:<28}{shown}\n")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
