"""A series of blood pressures: every reading kept, which of them make the mean, and whether to take another.

Rule: three readings one to two minutes apart, another while two in a row differ by more than 10 mmHg; the mean of
the last two, so that the first is kept but not counted. Sources: 2024 ESC Guidelines for elevated blood pressure and
hypertension; 2023 ESH Guidelines (Mancia et al., J Hypertens 2023); 2020 ISH Global Hypertension Practice Guidelines
(Unger et al., Hypertension 2020), which agree on this. Where another rule holds, `Rule` says it. No classes of
hypertension, no advice on treatment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from carebag_signal.vitals.taken import check_zone, rounded

Next = Literal["enough", "too_few", "apart", "still_apart"]
"""`too_few`, `apart` (the last two differ): take another. `still_apart`: they differ, and no more is asked."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One inflation of the cuff.

    Raises: ValueError if the time has no zone, or the pressures cannot be meant.
    """

    systolic_mmhg: float
    diastolic_mmhg: float
    at: datetime
    pulse_per_min: float | None = None

    def __post_init__(self) -> None:
        check_zone(self.at)
        if not 0 < self.diastolic_mmhg < self.systolic_mmhg <= 350:
            raise ValueError("pressures must be 0 < diastolic < systolic <= 350 mmHg")
        if self.pulse_per_min is not None and not 0 < self.pulse_per_min <= 350:
            raise ValueError("pulse_per_min must be within 0 and 350")


@dataclass(frozen=True, slots=True)
class Rule:
    """How many readings, how near, and how many of the last make the mean.

    Raises: ValueError unless 1 <= mean_of <= at_least <= at_most and the rest is not negative.
    """

    at_least: int = 3
    at_most: int = 5
    mean_of: int = 2
    apart_mmhg: float = 10.0
    """Two readings in a row that differ by more, in either pressure, ask for another."""
    pause: timedelta = timedelta(minutes=1)
    """Between readings."""

    def __post_init__(self) -> None:
        if not 1 <= self.mean_of <= self.at_least <= self.at_most:
            raise ValueError("a rule needs 1 <= mean_of <= at_least <= at_most")
        if not self.apart_mmhg >= 0 or self.pause < timedelta(0):
            raise ValueError("apart_mmhg and pause must not be negative")


ESC_ESH_ISH = Rule()


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean pressure in whole mmHg, and the readings (their places in the series, from 0) that make it."""

    systolic_mmhg: int
    diastolic_mmhg: int
    of: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """All readings as they were taken, and what follows from the rule."""

    readings: tuple[Reading, ...]
    mean: Mean | None
    """None while the rule asks for another reading."""
    next: Next
    not_before: datetime | None
    """When the next reading may be taken; None if none is asked for."""
    hurried: tuple[int, ...]
    """Readings that came sooner after the one before than the rule's pause; kept, and counted all the same."""


def series(readings: Sequence[Reading], rule: Rule = ESC_ESH_ISH) -> Series:
    """Looks at the readings of one sitting, the oldest first.

    Raises: ValueError if there is none, or they are not in the order of time.
    """
    kept = tuple(readings)
    if not kept:
        raise ValueError("a series needs a reading")
    if any(after.at < before.at for before, after in pairwise(kept)):
        raise ValueError("readings must be in the order of time")
    following = _next(kept, rule)
    asked = following in ("too_few", "apart")
    return Series(
        kept,
        None if asked else _mean(kept, rule),
        following,
        kept[-1].at + rule.pause if asked else None,
        tuple(i for i in range(1, len(kept)) if kept[i].at - kept[i - 1].at < rule.pause),
    )


def _next(readings: tuple[Reading, ...], rule: Rule) -> Next:
    if len(readings) < rule.at_least:
        return "too_few"
    if len(readings) >= 2 and _differ(readings[-2], readings[-1], rule):
        return "apart" if len(readings) < rule.at_most else "still_apart"
    return "enough"


def _differ(one: Reading, other: Reading, rule: Rule) -> bool:
    systolic = abs(rounded(one.systolic_mmhg) - rounded(other.systolic_mmhg))
    diastolic = abs(rounded(one.diastolic_mmhg) - rounded(other.diastolic_mmhg))
    return max(systolic, diastolic) > rule.apart_mmhg


def _mean(readings: tuple[Reading, ...], rule: Rule) -> Mean:
    places = tuple(range(len(readings) - rule.mean_of, len(readings)))
    counted = readings[-rule.mean_of :]
    return Mean(
        int(rounded(sum(r.systolic_mmhg for r in counted) / rule.mean_of)),
        int(rounded(sum(r.diastolic_mmhg for r in counted) / rule.mean_of)),
        places,
    )
