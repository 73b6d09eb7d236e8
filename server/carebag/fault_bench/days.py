"""Days of a nurse, at random, and the truth of whom each value belongs to. Pure: knows nothing of the kit's code.

The truth comes from the moment in which a value was really taken, on a clock that nobody sets, and from which visit was
open in it. What the kit may know is less: where nobody can be sure, the tray is right as well, another visit never.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

Instrument = Literal["cuff", "crp_analyser", "thermometer", "scale"]
INSTRUMENTS: tuple[Instrument, ...] = ("cuff", "crp_analyser", "thermometer", "scale")
VISITS = 6
What = Literal[
    "open", "close", "begins", "link lost", "ready without", "value", "late value", "stored", "again", "jump", "restart"
]
WEIGHTS: dict[What, int] = {
    "open": 8,
    "close": 6,
    "begins": 7,
    "link lost": 2,
    "ready without": 1,
    "value": 9,
    "late value": 3,
    "stored": 6,
    "again": 2,
    "jump": 1,
    "restart": 1,
}


@dataclass(frozen=True)
class Act:
    """One thing that happens, so many seconds after the one before."""

    what: What
    after_s: float
    instrument: Instrument = "cuff"
    visit: int = 0
    ago_s: float = 0.0
    """How long ago a value was really taken."""
    error: float = 0.0
    """How wrong its age is said to be, as a share of its uncertainty, -1 to 1."""
    uncertainty_s: float | None = None
    """None: nobody knows its age."""
    jump_s: float = 0.0


def day(rng: random.Random, jumps: int = WEIGHTS["jump"]) -> list[Act]:
    """Between 10 and 50 acts, in whole seconds; short times are as likely as long ones, so that things meet in one.

    Args:
        jumps: how often the wall clock is set, as a weight beside the others.
    """
    return [_act(rng, {**WEIGHTS, "jump": jumps}) for _ in range(rng.randint(10, 50))]


def _act(rng: random.Random, weights: dict[What, int]) -> Act:
    (what,) = rng.choices(list(weights), list(weights.values()))
    uncertainty = rng.choice((None, 0.0, 1.0, 2.0, 30.0, 600.0)) if what == "stored" else rng.choice((1.0, 2.0, 30.0))
    return Act(
        what=what,
        after_s=rng.choice((0.0, 1.0, 30.0, float(rng.randrange(900)))),
        instrument=rng.choice(INSTRUMENTS),
        visit=rng.randrange(VISITS),
        ago_s=rng.choice((0.0, 1.0, 30.0, float(rng.randrange(4000)))),
        error=rng.choice((-1.0, 0.0, 1.0, rng.uniform(-1, 1))),
        uncertainty_s=uncertainty,
        jump_s=rng.choice((-7200.0, -3600.0, -60.0, 60.0, 3600.0, 86_400.0)),
    )


@dataclass
class Running:
    """A measurement that an instrument began."""

    visit: int | None
    lost: bool = False


@dataclass
class Truth:
    """What really is, act by act."""

    now: float = 0.0
    """Seconds on a clock that nobody sets."""
    open_visit: int | None = None
    spans: list[tuple[int, float, float | None]] = field(default_factory=list)
    """Visit, when it was opened, when it was closed."""
    running: dict[Instrument, Running] = field(default_factory=dict)
    jumped_at: list[float] = field(default_factory=list)

    def opened(self, visit: int) -> None:
        self.open_visit = visit
        self.spans.append((visit, self.now, None))

    def closed(self) -> None:
        visit, since, _ = self.spans[-1]
        self.spans[-1] = (visit, since, self.now)
        self.open_visit = None

    def begins(self, instrument: Instrument) -> None:
        self.running.setdefault(instrument, Running(self.open_visit))

    def ready_without(self, instrument: Instrument) -> bool:
        """It stopped measuring. False where the link broke meanwhile: what comes next nobody can tell."""
        running = self.running.get(instrument)
        if running is not None and not running.lost:
            del self.running[instrument]
        return running is None or not running.lost

    def of_value(self, instrument: Instrument) -> set[int | None]:
        """Whom a value may be filed under that was watched, or is taken in this moment."""
        running = self.running.pop(instrument, None)
        if running is None:
            return {self.open_visit}
        return {running.visit, None} if running.lost else {running.visit}

    def of_taken(self, at: float) -> set[int | None]:
        """Whom a value may be filed under that was taken at this time: the visit of then, or the tray."""
        return {None, *(visit for visit, a, b in self.spans if a <= at and (b is None or at <= b))}

    def must_be(self, at: float, uncertainty_s: float, remembered: int) -> int | None:
        """The one visit in which a value of known age was surely taken, as far as any kit can know; else None."""
        wide = 2 * uncertainty_s + 0.001
        known = [
            (visit, a, b) for visit, a, b in self.spans[-remembered:] if not any(a <= one for one in self.jumped_at)
        ]
        sure = [visit for visit, a, b in known if a + wide <= at and (b is None or at + wide <= b)]
        return sure[0] if len(sure) == 1 else None
