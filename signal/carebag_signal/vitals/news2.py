"""National Early Warning Score 2: its table, word for number, and every reason not to give a total.

Source: Royal College of Physicians, National Early Warning Score (NEWS) 2: Standardising the assessment of
acute-illness severity in the NHS, updated report of a working party, London 2017; chart 1 (points) and chart 2
(clinical risk). For adults; not under 16 years, not in pregnancy (same report). The age limit of values is ours: the
report names none.

Decision support: a total tells where the points come from; what follows from it is decided by a clinician.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, get_args

from carebag_signal.vitals.taken import Taken, check_zone, rounded

Consciousness = Literal["A", "C", "V", "P", "U"]
"""Alert, new confusion, responds to voice, to pain, unresponsive."""
Parameter = Literal["respiration", "spo2", "oxygen", "systolic", "pulse", "consciousness", "temperature"]
IN_CASES: dict[str, Parameter] = {
    "rr": "respiration",
    "spo2": "spo2",
    "o2": "oxygen",
    "sbp": "systolic",
    "hr": "pulse",
    "acvpu": "consciousness",
    "temp": "temperature",
}
"""The seven parts by the short names that files of cases give them."""
PARAMETERS: tuple[Parameter, ...] = get_args(Parameter)
Risk = Literal["low", "low-medium", "medium", "high"]
Scale = Literal[1, 2]
Lack = Literal["missing", "stale", "from_the_future"]
Refusal = Literal["under_16", "pregnant"]

YOUNGEST_YEARS = 16
AGE_LIMIT = timedelta(minutes=60)
"""Values of one score belong to one examination; ours, not the report's."""
CLOCKS_DIFFER = timedelta(minutes=2)

_Table = tuple[tuple[Decimal, int], ...]


def _table(*rows: tuple[str, int]) -> _Table:
    return tuple((Decimal(upper), points) for upper, points in rows)


# upper bound, included, and points; the last row has no bound
_TABLES: Mapping[str, _Table] = MappingProxyType(
    {
        "respiration": _table(("8", 3), ("11", 1), ("20", 0), ("24", 2), ("Infinity", 3)),
        "spo2 scale 1": _table(("91", 3), ("93", 2), ("95", 1), ("Infinity", 0)),
        "spo2 scale 2, on air": _table(("83", 3), ("85", 2), ("87", 1), ("Infinity", 0)),
        "spo2 scale 2, on oxygen": _table(
            ("83", 3), ("85", 2), ("87", 1), ("92", 0), ("94", 1), ("96", 2), ("Infinity", 3)
        ),
        "systolic": _table(("90", 3), ("100", 2), ("110", 1), ("219", 0), ("Infinity", 3)),
        "pulse": _table(("40", 3), ("50", 1), ("90", 0), ("110", 1), ("130", 2), ("Infinity", 3)),
        "temperature": _table(("35.0", 3), ("36.0", 1), ("38.0", 0), ("39.0", 1), ("Infinity", 2)),
    }
)

# what an instrument or a nurse can mean; beyond it something was mistyped or misread
_POSSIBLE: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "respiration": (0, 120),
        "spo2": (0, 100),
        "systolic": (0, 350),
        "pulse": (0, 350),
        "temperature": (20, 46),
    }
)


@dataclass(frozen=True, slots=True)
class Observations:
    """What was observed; None where it was not. Rates per minute, pressure in mmHg, temperature in °C.

    Raises: ValueError if a number is not finite or is one that cannot be meant.
    """

    respiration: Taken[float] | None = None
    spo2: Taken[float] | None = None
    oxygen: Taken[bool] | None = None
    """True on supplemental oxygen, False on air."""
    systolic: Taken[float] | None = None
    pulse: Taken[float] | None = None
    consciousness: Taken[Consciousness] | None = None
    temperature: Taken[float] | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in _POSSIBLE.items():
            taken = getattr(self, name)
            if taken is not None and not low <= taken.value <= high:
                raise ValueError(f"{name} must be within {low} and {high}")
        if self.oxygen is not None and self.oxygen.value not in (True, False):
            raise ValueError("oxygen must be True or False")
        if self.consciousness is not None and self.consciousness.value not in get_args(Consciousness):
            raise ValueError("consciousness must be one of A, C, V, P, U")


@dataclass(frozen=True, slots=True)
class HypercapnicTarget:
    """A clinician's decision that 88-92 % is this patient's aim: the only way to scale 2. Never inferred.

    Raises: ValueError if nobody is named or the time has no zone.
    """

    set_by: str
    at: datetime

    def __post_init__(self) -> None:
        check_zone(self.at)
        if not self.set_by.strip():
            raise ValueError("scale 2 needs the clinician who set it")


@dataclass(frozen=True, slots=True)
class Patient:
    """What decides whether the score may be used at all; neither has a default, both must be asked.

    Raises: ValueError if the age is not within 0 and 130.
    """

    age_years: float
    pregnant: bool
    target: HypercapnicTarget | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.age_years <= 130:
            raise ValueError("age_years must be within 0 and 130")

    @property
    def scale(self) -> Scale:
        """Of oxygen saturation."""
        return 2 if self.target is not None else 1


@dataclass(frozen=True, slots=True)
class Score:
    """A total with all that belongs beside it."""

    total: int
    """0-20."""
    risk: Risk
    points: Mapping[Parameter, int]
    scale: Scale
    estimated: tuple[Parameter, ...]
    """Those worked out from a signal: to be counted before anybody relies on the total."""
    oldest: timedelta
    """Age of the oldest value."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """No total. The points of what is known, and what is lacking: a value that lacks is never 0."""

    points: Mapping[Parameter, int]
    lacking: Mapping[Parameter, Lack]
    scale: Scale


@dataclass(frozen=True, slots=True)
class Refused:
    """The score was not made for this patient."""

    reasons: tuple[Refusal, ...]


def news2(
    observations: Observations, patient: Patient, now: datetime, age_limit: timedelta = AGE_LIMIT
) -> Score | Incomplete | Refused:
    """The score at a time, or why there is none.

    A saturation whose oxygen is lacking has no points on scale 2, as they depend on it.

    Raises: ValueError if `now` has no zone or the age limit is not positive.
    """
    check_zone(now)
    if age_limit <= timedelta(0):
        raise ValueError("age_limit must be positive")
    refusals = _refusals(patient)
    if refusals:
        return Refused(refusals)
    lacking = {name: lack for name in PARAMETERS if (lack := _lack(getattr(observations, name), now, age_limit))}
    points = {
        name: given
        for name in PARAMETERS
        if name not in lacking
        and (given := _points(name, observations, patient.scale, "oxygen" in lacking)) is not None
    }
    if lacking:
        return Incomplete(MappingProxyType(points), MappingProxyType(lacking), patient.scale)
    taken: list[tuple[Parameter, Taken[object]]] = [(name, getattr(observations, name)) for name in PARAMETERS]
    return Score(
        sum(points.values()),
        risk(points),
        MappingProxyType(points),
        patient.scale,
        tuple(name for name, value in taken if value.estimated),
        max(value.age(now) for _, value in taken),
    )


def risk(points: Mapping[Parameter, int]) -> Risk:
    """Clinical risk of chart 2: a single 3 raises a low total to low-medium."""
    total = sum(points.values())
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    return "low-medium" if 3 in points.values() else "low"


def points_of(parameter: Parameter, value: float, scale: Scale = 1, *, on_oxygen: bool = False) -> int:
    """Points of one number, rounded first to what the chart can show: tenths of a degree, else whole.

    Raises: ValueError if the parameter has no numbers (oxygen, consciousness) or the value is not finite.
    """
    if parameter in ("oxygen", "consciousness"):
        raise ValueError(f"{parameter} has no numbers")
    exact = rounded(value, 1 if parameter == "temperature" else 0)
    table = _TABLES[_saturation(scale, on_oxygen) if parameter == "spo2" else parameter]
    return next(points for upper, points in table if exact <= upper)


def _saturation(scale: Scale, on_oxygen: bool) -> str:
    if scale == 1:
        return "spo2 scale 1"
    return "spo2 scale 2, on oxygen" if on_oxygen else "spo2 scale 2, on air"


def _points(name: Parameter, observations: Observations, scale: Scale, oxygen_lacks: bool) -> int | None:
    if name == "oxygen":
        return 2 if observations.oxygen is not None and observations.oxygen.value else 0
    if name == "consciousness":
        return 0 if observations.consciousness is not None and observations.consciousness.value == "A" else 3
    if name == "spo2" and scale == 2 and oxygen_lacks:
        return None
    on_oxygen = observations.oxygen is not None and observations.oxygen.value
    return points_of(name, getattr(observations, name).value, scale, on_oxygen=on_oxygen)


def _lack(taken: Taken[object] | None, now: datetime, age_limit: timedelta) -> Lack | None:
    if taken is None:
        return "missing"
    if taken.age(now) > age_limit:
        return "stale"
    return "from_the_future" if taken.age(now) < -CLOCKS_DIFFER else None


def _refusals(patient: Patient) -> tuple[Refusal, ...]:
    found: list[Refusal] = []
    if patient.age_years < YOUNGEST_YEARS:
        found.append("under_16")
    if patient.pregnant:
        found.append("pregnant")
    return tuple(found)
