"""Which accesses the medical lead looks at: all emergencies, some by their weight, some by lot. Pure.

HSLF-FS 2016:40 ch. 4 s. 9 demands systematic, recurrent review; what weighs follows the authority's checklist and what
improper reading has looked like: somebody without a part in the care, a neighbour or relative, at night, long after.
A lot is the SHA-256 of seed and number, so that anybody with the log and the seed draws the same, in any order.
"""

import hashlib
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

How = Literal["emergency", "risk", "random"]
WEIGHTS = {
    "emergency": 100,
    "no_relation": 40,
    "same_surname": 30,
    "protected": 30,
    "late": 20,
    "night": 15,
    "many": 20,
}
LATE = timedelta(hours=72)
"""After the visit: until then results are read and plans are followed up."""
NIGHT_FROM, NIGHT_TO = 22, 6
MANY, MANY_WITHIN = 8, timedelta(minutes=30)
"""Charts of different patients that one person opened in so short a time."""
_NAME_PARTS = {"af", "av", "da", "de", "del", "la", "van", "von"}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of one access; see `carebag_wire.review.Access`."""

    seq: int
    emergency: bool = False
    related: bool = True
    """Had a part in the care, was assigned, or is the patient's listed doctor."""
    same_surname: bool = False
    protected: bool = False
    after: timedelta | None = None
    """Since the patient's nearest visit was closed; None: during one, before one, or there was none."""
    local_hour: int = 12
    during_visit: bool = False
    """One of the patient's visits was open: then night is no reason."""
    charts: int = 1
    """Of different patients, by this person, within `MANY_WITHIN` around it."""


@dataclass(frozen=True)
class Why:
    code: str
    n: int | None = None


@dataclass(frozen=True)
class Drawn:
    seq: int
    how: How
    score: int
    reasons: tuple[Why, ...]


def reasons_of(facts: Facts) -> tuple[Why, ...]:
    """The reasons for looking at an access, the heaviest first; none for an ordinary one."""
    found = []
    if facts.emergency:
        found.append(Why("emergency"))
    if not facts.related:
        found.append(Why("no_relation"))
    if facts.same_surname:
        found.append(Why("same_surname"))
    if facts.protected:
        found.append(Why("protected"))
    if facts.after is not None and facts.after >= LATE:
        found.append(Why("late", facts.after.days))
    if facts.charts >= MANY:
        found.append(Why("many", facts.charts))
    if not facts.during_visit and (facts.local_hour >= NIGHT_FROM or facts.local_hour < NIGHT_TO):
        found.append(Why("night"))
    return tuple(found)


def score_of(reasons: Iterable[Why]) -> int:
    return sum(WEIGHTS[reason.code] for reason in reasons)


def draw(accesses: Sequence[Facts], seed: str, random: int, risk: int) -> list[Drawn]:
    """A sample: the emergencies, then `risk` of those with reasons by weight, then `random` of all the others by lot.

    Weighted without replacement after Efraimidis and Spirakis (2006): the largest u^(1/w). Which accesses there are
    besides never changes one's own lot.

    Returns:
        Each access at most once; the heaviest first, then by number.
    """
    weighed = [(facts, reasons_of(facts)) for facts in accesses]
    scored = [(facts.seq, score_of(reasons), reasons, facts.emergency) for facts, reasons in weighed]
    drawn = [Drawn(seq, "emergency", score, reasons) for seq, score, reasons, emergency in scored if emergency]
    rest = [one for one in scored if not one[3]]
    heavy = sorted((one for one in rest if one[1] > 0), key=lambda one: (math.log(_lot(seed, one[0])) / one[1], one[0]))
    taken = heavy[::-1][:risk]
    drawn += [Drawn(seq, "risk", score, reasons) for seq, score, reasons, _ in taken]
    there = {one.seq for one in drawn}
    left = sorted((one for one in rest if one[0] not in there), key=lambda one: (_lot(seed, one[0]), one[0]))
    drawn += [Drawn(seq, "random", score, reasons) for seq, score, reasons, _ in left[:random]]
    return sorted(drawn, key=lambda one: (-one.score, one.seq))


def _lot(seed: str, seq: int) -> float:
    """Uniform in (0, 1), of 53 bits."""
    number = int.from_bytes(hashlib.sha256(f"{seed}\n{seq}".encode()).digest()[:8], "big") >> 11
    return (number + 0.5) / 2**53


def suggested(accesses: int, weighing: int) -> tuple[int, int]:
    """How many by lot (a twentieth, 5 to 25) and by weight (all up to 20): what one person reads in an hour."""
    return min(accesses, max(5, min(25, -(-accesses // 20)))), min(weighing, 20)


def charts_around(times: Sequence[tuple[datetime, object]], at: datetime) -> int:
    """Different patients within half of `MANY_WITHIN` before and after.

    Args:
        times: when one person opened whose chart, in the order of time.
    """
    first = bisect_left(times, at - MANY_WITHIN / 2, key=_when)
    last = bisect_right(times, at + MANY_WITHIN / 2, key=_when)
    return len({patient for _, patient in times[first:last]})


def _when(opened: tuple[datetime, object]) -> datetime:
    return opened[0]


def surname(name: str) -> str:
    """The last part of a name, folded; a double name with hyphen is one. Particles and a kit's name are left out."""
    parts = [part.casefold() for part in name.split(" · ")[0].split() if part.casefold() not in _NAME_PARTS]
    return parts[-1] if len(parts) > 1 else ""


def same_surname(one: str, other: str) -> bool:
    """Whether two people share a surname, or a half of a double one."""
    mine, theirs = ({part for part in surname(name).split("-") if part} for name in (one, other))
    return bool(mine & theirs)
