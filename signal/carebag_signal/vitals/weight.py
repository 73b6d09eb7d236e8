"""How a weight has changed, as a fact: from what, to what, in how long. What it means is for the clinician.

More than 2 kg in 3 days is the change that the Heart Failure Association of the ESC asks patients with heart failure
to report (Jaarsma et al., Eur J Heart Fail 2021; McDonagh et al., 2021 ESC Guidelines for heart failure); evidence for
just these numbers is thin, and other conditions, clothes and scales move a weight too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from carebag_signal.vitals.taken import Taken, rounded

WhyNot = Literal["no_value", "stale", "nothing_to_compare"]

AGE_LIMIT = timedelta(hours=24)
"""Of the latest weight; ours."""
SPAN = timedelta(days=3)
MORE_THAN_KG = 2.0


@dataclass(frozen=True, slots=True)
class Change:
    """Latest weight against the lightest (or, with `loss`, the heaviest) of the span before it."""

    first: Taken[float]
    latest: Taken[float]
    kg: Decimal
    """Latest less first, in tenths; positive is a gain."""
    over: timedelta
    beyond: bool
    """More than the threshold; exactly the threshold is not more."""
    age: timedelta
    """Of the latest weight."""

    def __str__(self) -> str:
        """The fact in English, without a judgement."""
        days = rounded(self.over / timedelta(days=1), 1)
        return f"{self.kg:+} kg in {days} days: {rounded(self.first.value, 1)} to {rounded(self.latest.value, 1)} kg"


@dataclass(frozen=True, slots=True)
class NotCompared:
    """No change can be told."""

    why_not: WhyNot


def gain(
    weights: Sequence[Taken[float]],
    now: datetime,
    *,
    span: timedelta = SPAN,
    more_than_kg: float = MORE_THAN_KG,
    age_limit: timedelta = AGE_LIMIT,
) -> Change | NotCompared:
    """The largest gain up to the latest weight, in kg, of those taken within `span` before it; in any order.

    Weights from after `now` are not used. Raises: ValueError if a weight is not within 0.3 and 500 kg, or a span is not
    positive.
    """
    if span <= timedelta(0) or age_limit <= timedelta(0) or not more_than_kg >= 0:
        raise ValueError("span, age_limit and more_than_kg must be positive")
    for weight in weights:
        if not 0.3 <= weight.value <= 500:
            raise ValueError("a weight must be within 0.3 and 500 kg")
    known = sorted((w for w in weights if w.age(now) >= timedelta(0)), key=lambda w: w.at)
    if not known:
        return NotCompared("no_value")
    latest = known[-1]
    if latest.age(now) > age_limit:
        return NotCompared("stale")
    before = [w for w in known if timedelta(0) < latest.at - w.at <= span]
    if not before:
        return NotCompared("nothing_to_compare")
    first = min(before, key=lambda w: (w.value, latest.at - w.at))
    kg = rounded(latest.value, 1) - rounded(first.value, 1)
    return Change(first, latest, kg, latest.at - first.at, kg > Decimal(str(more_than_kg)), latest.age(now))
