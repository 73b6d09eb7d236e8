"""Which heart sounds may bear the names S1 and S2: not where the heart beats too fast to tell them apart surely.

A mark stays what it is, the onset of a heart sound; only its name is withheld. The console does the same with its own
copy of this rule (`web/src/shared/sound/names.ts`), and both are tested against `tests/signal/golden_names.json`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from carebag_signal.heart_timing import LONGEST_CYCLE_S, SHORTEST_CYCLE_S, SURE_CYCLE_S

REACH_S = 4.0
"""Cycles that begin so near an S1 say how fast the heart beats there: longer than a breath, not to change with it."""
FEWEST_CYCLES = 4
HOLD_S = 1.5
"""So near an S1 that beats too fast no sound is named, or names would come and go in a heart of about 120/min."""


def names_sure(s1: Sequence[int], at: Sequence[int], rate_hz: int) -> list[bool | None]:
    """Whether a sound that begins at `at` may be named; None where too few beats are near to tell (it keeps its name).

    Sample numbers at `rate_hz`; `s1`, the onsets called S1, in rising order. The median cycle around each S1 decides
    for the sounds near it too: 120/min is still sure. A missed beat or a hole does not matter.
    """
    fast = [_too_fast(near, rate_hz) for near in _cycles_near(s1, rate_hz)]
    found: list[bool | None] = []
    for sample in at:
        around = fast[bisect_left(s1, sample - HOLD_S * rate_hz) : bisect_right(s1, sample + HOLD_S * rate_hz)]
        found.append(False if True in around else True if False in around else None)
    return found


def _too_fast(near: Sequence[int], rate_hz: int) -> bool | None:
    return median(near) < SURE_CYCLE_S * rate_hz if len(near) >= FEWEST_CYCLES else None


def _cycles_near(s1: Sequence[int], rate_hz: int) -> Iterator[Sequence[int]]:
    """The lengths of the cycles around each S1."""
    least, most, reach = SHORTEST_CYCLE_S * rate_hz, LONGEST_CYCLE_S * rate_hz, REACH_S * rate_hz
    begins = [one for one, other in pairwise(s1) if least <= other - one <= most]
    lengths = [other - one for one, other in pairwise(s1) if least <= other - one <= most]
    for sample in s1:
        yield lengths[bisect_left(begins, sample - reach) : bisect_right(begins, sample + reach)]


def all_sure(sure: Sequence[bool | None]) -> bool | None:
    """Of a whole recording: False if any name is not sure, None if nowhere was enough to tell."""
    if any(one is False for one in sure):
        return False
    return True if any(sure) else None
