"""`python -m carebag_devices.lab.soak 2000`: random scripts in virtual time; says what the kit was told wrongly.

Exit status 1 when anything was wrong, lost, twice, or old told as new. A finding names its seed: `--seed N` runs that
one again and shows its script.
"""

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence

from carebag_devices.events import Measured
from carebag_devices.lab.judgement import judge
from carebag_devices.lab.script import random_script
from carebag_devices.lab.trial import run_trial


def soak(seeds: Sequence[int], say: "Say") -> bool:
    """Whether all went well."""
    began, readings, samples, faults = time.monotonic(), 0, 0, 0
    counts: Counter[str] = Counter()
    for seed in seeds:
        script = random_script(seed)
        trial = run_trial(script)
        measured = sum(isinstance(one.event, Measured) for one in trial.told)
        readings, samples = readings + measured, samples + len(trial.told) - measured
        faults += sum(step.fault is not None for step in script.steps)
        for finding in judge(trial):
            counts[finding.what] += 1
            say(f"seed {seed}: {finding.what} {finding.device} {dict(script.devices)}: {finding.detail}")
    took = time.monotonic() - began
    say(
        f"{len(seeds)} scripts, {faults} faults, {readings} readings and {samples} samples told,"
        f" {counts.total()} findings {dict(counts) or ''} in {took:.0f} s"
    )
    return not counts


class Say:
    """Lines to standard output."""

    def __call__(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description="Random fault scripts against the kit's drivers, in virtual time.")
    parser.add_argument("scripts", type=int, nargs="?", default=2000)
    parser.add_argument("--from-seed", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, help="this one only, and show it")
    args = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    say = Say()
    if args.seed is None:
        return 0 if soak(range(args.from_seed, args.from_seed + args.scripts), say) else 1
    say(random_script(args.seed).lines())
    return 0 if soak([args.seed], say) else 1


if __name__ == "__main__":
    raise SystemExit(main())
