"""What a fault bench found: how often the fault came, what was checked, and what was wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SHOWN = 5
"""So many different wrongs are shown in words; all are counted."""


@dataclass
class Outcome:
    """Of one fault."""

    name: str
    what: str
    """One sentence: the fault, and on what."""
    unit: str
    """What `n` counts: `cuts`, `kills`, `deliveries`."""
    n: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """What else was counted, such as acknowledged records."""
    wrong: Counter[str] = field(default_factory=Counter)
    """Kind of wrong → how often; empty is what is wanted."""
    examples: list[str] = field(default_factory=list)
    controls: list["Control"] = field(default_factory=list)
    skipped: str = ""
    """Why it could not run here."""
    seconds: float = 0.0

    def note(self, problems: Sequence["Problem"], where: str) -> None:
        """Count what a check found."""
        for problem in problems:
            self.wrong[problem.kind] += 1
            if len(self.examples) < SHOWN:
                self.examples.append(f"{where}: {problem.kind}: {problem.text}")

    @property
    def is_good(self) -> bool:
        """Nothing wrong, and every fault that was planted on purpose was found."""
        return not self.skipped and not self.wrong and all(one.found for one in self.controls)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "n": self.n,
            "counts": dict(self.counts),
            "wrong": dict(self.wrong),
            "examples": self.examples,
            "controls": [one.as_json() for one in self.controls],
            "skipped": self.skipped,
            "seconds": round(self.seconds, 1),
            "good": self.is_good,
        }


@dataclass(frozen=True)
class Problem:
    """One thing that must not be."""

    kind: str
    """`lost`, `corrupt`, `hole`, `doubled`, `wrong_visit`, …"""
    text: str


@dataclass(frozen=True)
class Control:
    """The same bench with a fault planted: it must be found, or the bench proves nothing."""

    what: str
    n: int
    found: int
    """In how many of the `n` something was wrong."""

    def as_json(self) -> dict[str, Any]:
        return {"what": self.what, "n": self.n, "found": self.found}
