"""NEWS2 of a visit: which of its values count, the one table that gives them points, and all that belongs beside.

What counts: the newest value of each parameter by when it was *measured*, of readings that nobody rejected, withdrew
or took out of the visit, without a device's error. A draft counts and makes the score preliminary. The age of each is
taken against the newest of them, so that a closed visit has the score it had; whoever shows it compares `stale_at` with
a clock.

Source of points, risk and rounding: `carebag_signal.vitals.news2` (Royal College of Physicians, 2017).
`docs/decisions/0040-news2-is-counted-in-one-place.md` says why it is here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from carebag_signal.vitals import news2
from carebag_signal.vitals.taken import Taken
from carebag_wire.measured_at import measured_at
from carebag_wire.records import Reading
from carebag_wire.scores import EarlyWarning, Lack, PremiseSays, ScoreParameter, ScorePart, ScorePremise
from carebag_wire.values import Breathes, Consciousness, Quantity, QuantityName
from carebag_wire.visit import ReadingView, VisitHead, VisitSnapshot

ASKED_BELOW_YEARS = 60
"""Ours: a doctor has to say whether the patient is pregnant; from this age on nobody is asked."""
OLDEST_YEARS = 130.0
READINGS_LOOKED_AT = 200
"""The newest. More in one visit are an instrument that was emptied into it; the rest is older than an hour."""
_QUANTITY: Mapping[ScoreParameter, QuantityName] = {
    "respiration": "respiration",
    "spo2": "spo2",
    "systolic": "systolic",
    "pulse": "pulse",
    "temperature": "temperature",
}
_IN_CHART_UNIT: Mapping[str, Callable[[Decimal], Decimal]] = {
    "mm[Hg]": lambda value: value,
    "kPa": lambda value: value * Decimal("7.50062"),
    "Cel": lambda value: value,
    "[degF]": lambda value: (value - 32) / Decimal("1.8"),
    "/min": lambda value: value,
    "%": lambda value: value,
}
"""UCUM unit as measured → in the chart's."""


@dataclass(frozen=True)
class Scored:
    """Whose score it is: the visit, when it was to be, and the patient's date of birth (ISO 8601, "" if not known)."""

    visit_id: UUID
    scheduled_at: datetime
    birth_date: str

    @classmethod
    def of(cls, visit: VisitHead) -> "Scored":
        return cls(visit.id, visit.scheduled_at, visit.patient.birth_date)


@dataclass(frozen=True)
class _Candidate:
    """One value that counts for a parameter; `value` is what the table takes, None if it can take none such."""

    view: ReadingView
    at: datetime
    value: float | bool | Consciousness | None
    quantity: Quantity | None = None
    consciousness: Consciousness | None = None
    breathes: Breathes | None = None


def early_warning_of(snapshot: VisitSnapshot) -> EarlyWarning:
    """The score by what is in the snapshot and nothing else."""
    return score_of(Scored.of(snapshot.visit), snapshot.readings, snapshot.premises)


def with_early_warning(snapshot: VisitSnapshot) -> VisitSnapshot:
    return snapshot.model_copy(update={"news2": early_warning_of(snapshot)})


def score_of(scored: Scored, readings: Sequence[ReadingView], premises: Sequence[ScorePremise]) -> EarlyWarning:
    """As `early_warning_of`, of the newest `READINGS_LOOKED_AT` readings.

    Args:
        premises: in the order in which they were said.
    """
    looked_at = sorted(readings, key=lambda view: view.reading.binding.kit_seq)[-READINGS_LOOKED_AT:]
    newest = _newest(looked_at)
    as_of = max((one.at for one in newest.values()), default=None)
    now = as_of or scored.scheduled_at
    age, pregnant = _age(scored.birth_date, now.date()), _says(premises, "pregnant", "not_pregnant")
    asks: list[str] = ["birth_date"] if age is None else []
    if pregnant is None and (age is None or news2.YOUNGEST_YEARS <= age < ASKED_BELOW_YEARS):
        asks.append("pregnancy")
    target = _says(premises, "hypercapnic", "usual")
    patient = news2.Patient(
        age_years=age if age is not None else float(ASKED_BELOW_YEARS),
        pregnant=pregnant is not None and pregnant.says == "pregnant",
        target=news2.HypercapnicTarget(target.author or "?", target.at)
        if target is not None and target.says == "hypercapnic"
        else None,
    )
    result = news2.news2(_observations(newest), patient, now)
    points = {} if isinstance(result, news2.Refused) else result.points
    lacking = result.lacking if isinstance(result, news2.Incomplete) else {}
    parts = [_part(name, newest.get(name), points.get(name), name in lacking) for name in news2.PARAMETERS]
    whole = isinstance(result, news2.Score) and not asks
    counted = [newest[part.parameter] for part in parts if part.points is not None]
    return EarlyWarning.model_validate(
        {
            "id": scored.visit_id,
            "state": "refused" if isinstance(result, news2.Refused) else "complete" if whole else "incomplete",
            "total": result.total if isinstance(result, news2.Score) and whole else None,
            "risk": result.risk if isinstance(result, news2.Score) and whole else None,
            "scale": patient.scale,
            "parts": parts,
            "asks": asks,
            "refusals": result.reasons if isinstance(result, news2.Refused) else [],
            "preliminary": any(part.draft for part in parts if part.points is not None),
            "as_of": as_of,
            "stale_at": min(one.at for one in counted) + news2.AGE_LIMIT if counted else None,
        }
    )


def _newest(readings: Sequence[ReadingView]) -> dict[ScoreParameter, _Candidate]:
    newest: dict[ScoreParameter, _Candidate] = {}
    for view in readings:
        for name, one in _candidates(view):
            before = newest.get(name)
            if before is None or _place(one) > _place(before):
                newest[name] = one
    return newest


def _place(one: _Candidate) -> tuple[datetime, int]:
    return one.at, one.view.reading.binding.kit_seq


def _candidates(view: ReadingView) -> Iterator[tuple[ScoreParameter, _Candidate]]:
    reading = view.reading
    at = measured_at(reading)
    if at is None or view.decision == "rejected" or view.taken_back or not _holds(reading):
        return
    for name, wanted in _QUANTITY.items():
        for quantity in reading.quantities:
            if quantity.name == wanted and quantity.comparator is None and quantity.unit in _IN_CHART_UNIT:
                yield name, _Candidate(view, at, _number(name, quantity), quantity=quantity)
                break
    if reading.seen is not None and reading.seen.consciousness is not None:
        level = reading.seen.consciousness
        yield "consciousness", _Candidate(view, at, level, consciousness=level)
    if reading.seen is not None and reading.seen.breathes is not None:
        breathes = reading.seen.breathes
        flow = next((one for one in reading.quantities if one.name == "oxygen_flow"), None)
        yield "oxygen", _Candidate(view, at, breathes == "oxygen", quantity=flow, breathes=breathes)


def _holds(reading: Reading) -> bool:
    return reading.problem is None and reading.quality.word != "invalid"


def _number(name: ScoreParameter, quantity: Quantity) -> float | None:
    """In the chart's unit; None for one that cannot be meant."""
    value = float(_IN_CHART_UNIT[quantity.unit](quantity.value))
    try:
        news2.Observations(**{name: Taken(value, _ANY_TIME)})  # type: ignore[arg-type]
    except ValueError:
        return None
    return value


_ANY_TIME = datetime.fromisoformat("2017-12-19T00:00:00+00:00")


def _observations(newest: Mapping[ScoreParameter, _Candidate]) -> news2.Observations:
    taken = {name: Taken(one.value, one.at) for name, one in newest.items() if one.value is not None}
    return news2.Observations(**taken)  # type: ignore[arg-type]


def _part(name: ScoreParameter, one: _Candidate | None, points: int | None, lacks: bool) -> ScorePart:
    if one is None:
        return ScorePart(parameter=name, lack="missing")
    reading = one.view.reading
    lack: Lack | None = "impossible" if one.value is None else "stale" if lacks else None
    return ScorePart(
        parameter=name,
        points=None if lack else points,
        lack=lack,
        reading_id=reading.id,
        quantity=one.quantity,
        consciousness=one.consciousness,
        breathes=one.breathes,
        measured_at=one.at,
        stale_at=one.at + news2.AGE_LIMIT,
        draft=one.view.decision == "draft",
        doubts=list(dict.fromkeys(reading.quality.reasons)) if reading.quality.word != "good" else [],
    )


def _says(premises: Sequence[ScorePremise], *either: PremiseSays) -> ScorePremise | None:
    """The last of those that answer the same question."""
    return next((one for one in reversed(premises) if one.says in either), None)


def _age(birth_date: str, on: date) -> float | None:
    """Whole years; None where the date is not known, or is none of somebody who lives."""
    try:
        born = date.fromisoformat(birth_date)
    except ValueError:
        return None
    years = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return float(years) if 0 <= years <= OLDEST_YEARS else None
