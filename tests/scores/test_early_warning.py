"""Which values of a visit NEWS2 is counted from: the points themselves are those of `tests/signal/vitals`."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_scores.early_warning import READINGS_LOOKED_AT, Scored, score_of
from carebag_signal.vitals import news2
from carebag_signal.vitals.taken import Taken
from carebag_wire.records import Reading
from carebag_wire.scores import EarlyWarning, ScorePremise
from carebag_wire.values import Binding, Consciousness, DeviceIdentity, Quality, Quantity, Seen, Times
from carebag_wire.visit import Patient, ReadingView, VisitHead

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
VISIT, PATIENT, KIT = (uuid.UUID(int=n) for n in (1, 2, 3))
WELL: dict[str, Any] = {
    "respiration": "16",
    "spo2": "97",
    "oxygen": "air",
    "systolic": "120",
    "pulse": "70",
    "consciousness": "A",
    "temperature": "37.0",
}
KIND = {"systolic": "blood_pressure", "pulse": "oximetry", "spo2": "oximetry"}
UNIT = {"respiration": "/min", "spo2": "%", "systolic": "mm[Hg]", "pulse": "/min", "temperature": "Cel"}


def head(birth_date: str = "1950-01-01") -> VisitHead:
    patient = Patient(
        id=PATIENT, name="n", personal_id="x", personal_id_system="", birth_date=birth_date, place="", own_doctor="",
        colour=1,
    )  # fmt: skip
    return VisitHead(
        id=VISIT, patient=patient, nurse=None, kit_id=KIT, kit_name="k", scheduled_at=START, reason="", background="",
        state="open",
    )  # fmt: skip


def view(parameter: str, value: Any, minute: float = 0, seq: int = 1, unit: str | None = None, **more: Any) -> Any:
    seen, numbers = None, []
    if parameter == "consciousness":
        seen = Seen(consciousness=value)
    elif parameter == "oxygen":
        seen = Seen(breathes=value)
    else:
        name: Any = parameter
        numbers = [Quantity(name=name, value=Decimal(value), unit=unit or UNIT[parameter])]
    told = {key: more.pop(key) for key in ("decision", "taken_back") if key in more}
    kind: Any = KIND.get(parameter, parameter)
    reading = Reading(
        id=uuid.uuid4(),
        binding=Binding(visit_id=VISIT, patient_id=PATIENT, nurse_id=None, kit_id=KIT, kit_seq=seq),
        times=Times(kit_monotonic_ns=1, kit_utc=START + timedelta(minutes=minute)),
        kind=kind,
        quantities=numbers,
        seen=seen,
        device=DeviceIdentity(id="observer", kind="observer"),
        **{"quality": Quality(word="good"), "provenance": "observed", **more},
    )
    return ReadingView(reading=reading, **{"decision": "kept", **told})


def all_well(**changes: Any) -> list[ReadingView]:
    return [view(name, value) for name, value in {**WELL, **changes}.items() if value is not None]


def premise(says: Any, minute: float = 0) -> ScorePremise:
    at = START + timedelta(minutes=minute)
    return ScorePremise(id=uuid.uuid4(), visit_id=VISIT, says=says, author="Dr", author_id=uuid.uuid4(), at=at)


def part(score: EarlyWarning, name: str) -> Any:
    return next(one for one in score.parts if one.parameter == name)


def test_seven_values_and_a_total() -> None:
    score = score_of(Scored.of(head()), all_well(), [])
    assert (score.state, score.total, score.risk, score.scale) == ("complete", 0, "low", 1)
    assert [one.parameter for one in score.parts] == list(news2.PARAMETERS)
    assert all(one.reading_id and one.stale_at == START + timedelta(hours=1) for one in score.parts)
    assert (score.as_of, score.stale_at) == (START, START + timedelta(hours=1))


numbers = {
    "respiration": st.integers(0, 60),
    "spo2": st.integers(60, 100),
    "systolic": st.integers(50, 260),
    "pulse": st.integers(20, 200),
    "temperature": st.integers(300, 430).map(lambda tenths: Decimal(tenths) / 10),
}


@settings(max_examples=300, deadline=None)
@given(
    values=st.fixed_dictionaries(numbers),
    level=st.sampled_from(get_args(Consciousness)),
    oxygen=st.booleans(),
    scale=st.sampled_from([1, 2]),
    gone=st.sets(st.sampled_from(sorted(WELL)), max_size=2),
)
def test_it_is_what_the_table_says(values: Any, level: Any, oxygen: bool, scale: int, gone: set[str]) -> None:
    """By way of the product's readings nothing is added and nothing lost, for any values and any that lack."""
    told = {**values, "consciousness": level, "oxygen": "oxygen" if oxygen else "air"}
    taken = {name: Taken(float(value), START) for name, value in values.items()}
    taken |= {"consciousness": Taken(level, START), "oxygen": Taken(oxygen, START)}  # type: ignore[dict-item]
    observed = news2.Observations(**{name: one for name, one in taken.items() if name not in gone})  # type: ignore[arg-type]
    target = news2.HypercapnicTarget("Dr", START) if scale == 2 else None
    expected = news2.news2(observed, news2.Patient(76, pregnant=False, target=target), START)
    readings = [view(name, value) for name, value in told.items() if name not in gone]
    score = score_of(Scored.of(head()), readings, [premise("hypercapnic")] if scale == 2 else [])
    assert not isinstance(expected, news2.Refused)
    assert {one.parameter: one.points for one in score.parts if one.points is not None} == expected.points
    assert score.scale == scale
    if isinstance(expected, news2.Score):
        assert (score.total, score.risk, score.state) == (expected.total, expected.risk, "complete")
    else:
        assert (score.total, score.risk, score.state) == (None, None, "incomplete")
        assert {one.parameter for one in score.parts if one.lack == "missing"} == gone


@pytest.mark.parametrize("name", sorted(WELL))
def test_what_is_missing_is_named_and_never_zero(name: str) -> None:
    score = score_of(Scored.of(head()), all_well(**{name: None}), [])
    assert (score.total, part(score, name).lack, part(score, name).points) == (None, "missing", None)


def test_a_single_three() -> None:
    score = score_of(Scored.of(head()), all_well(consciousness="C"), [])
    assert (score.total, score.risk, part(score, "consciousness").points) == (3, "low-medium", 3)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"decision": "rejected"},
        {"decision": "rejected", "taken_back": True},
        {"problem": "measurement_failed"},
        {"quality": Quality(word="invalid")},
    ],
)
def test_what_does_not_hold_does_not_count(spoilt: Any) -> None:
    """A correction: the wrong one is struck out, the one before counts again, or the right one that came after."""
    first, wrong = view("respiration", "16", 0, 1), view("respiration", "61", 5, 2, **spoilt)
    rest = all_well(respiration=None)
    score = score_of(Scored.of(head()), [*rest, first, wrong], [])
    assert (score.total, part(score, "respiration").reading_id) == (0, first.reading.id)
    right = view("respiration", "26", 6, 3)
    score = score_of(Scored.of(head()), [*rest, first, wrong, right], [])
    assert (score.total, part(score, "respiration").reading_id) == (3, right.reading.id)
    assert score_of(Scored.of(head()), [*rest, wrong], []).total is None


def test_the_newest_measured_counts_in_whatever_order_they_came() -> None:
    late, early = view("pulse", "120", 20, 1), view("pulse", "70", 3, 9)
    for order in ([late, early], [early, late]):
        score = score_of(Scored.of(head()), [*all_well(pulse=None), *order], [])
        assert part(score, "pulse").reading_id == late.reading.id
    twin = view("pulse", "45", 20, 2)
    assert part(score_of(Scored.of(head()), [twin, late], []), "pulse").reading_id == twin.reading.id


def test_drafts_count_and_say_so() -> None:
    assert not score_of(Scored.of(head()), all_well(), []).preliminary
    score = score_of(Scored.of(head()), [*all_well(pulse=None), view("pulse", "70", decision="draft")], [])
    assert (score.total, score.preliminary, part(score, "pulse").draft) == (0, True, True)


def test_an_hour_apart_is_too_old() -> None:
    rest = [view(name, value) for name, value in WELL.items() if name != "pulse"]
    assert score_of(Scored.of(head()), [*rest, view("pulse", "70", 60)], []).total == 0
    score = score_of(Scored.of(head()), [*rest, view("pulse", "70", 60.1)], [])
    assert (score.total, part(score, "pulse").points, part(score, "spo2").lack) == (None, 0, "stale")


def test_a_memorys_value_of_an_unknown_time_does_not_count() -> None:
    stored = view("pulse", "70", provenance="stored")
    assert part(score_of(Scored.of(head()), [stored], []), "pulse").lack == "missing"


@pytest.mark.parametrize(
    ("name", "value", "unit", "points"),
    [("systolic", "12.0", "kPa", 3), ("systolic", "14.8", "kPa", 0), ("temperature", "102.3", "[degF]", 2)],
)
def test_units_are_the_charts(name: str, value: str, unit: str, points: int) -> None:
    assert part(score_of(Scored.of(head()), [view(name, value, unit=unit)], []), name).points == points


def test_a_number_that_cannot_be_meant() -> None:
    score = score_of(Scored.of(head()), all_well(temperature="370"), [])
    assert (score.total, part(score, "temperature").lack) == (None, "impossible")


def test_scale_two_only_by_the_last_word_of_a_doctor() -> None:
    said = [premise("hypercapnic", 1), premise("usual", 2)]
    ninety = all_well(spo2="90")
    assert part(score_of(Scored.of(head()), ninety, []), "spo2").points == 3
    assert part(score_of(Scored.of(head()), ninety, said[:1]), "spo2").points == 0
    assert score_of(Scored.of(head()), ninety, said).scale == 1


@pytest.mark.parametrize(
    ("born", "said", "state", "asks", "refusals"),
    [
        ("2015-01-01", [], "refused", [], ["under_16"]),
        ("1990-01-01", [], "incomplete", ["pregnancy"], []),
        ("1990-01-01", ["not_pregnant"], "complete", [], []),
        ("1990-01-01", ["not_pregnant", "pregnant"], "refused", [], ["pregnant"]),
        ("1966-11-24", [], "incomplete", ["pregnancy"], []),
        ("1966-11-23", [], "complete", [], []),
        ("", [], "incomplete", ["birth_date", "pregnancy"], []),
        ("", ["not_pregnant"], "incomplete", ["birth_date"], []),
        ("1812-12-12", ["not_pregnant"], "incomplete", ["birth_date"], []),
        ("2027-01-01", ["not_pregnant"], "incomplete", ["birth_date"], []),
    ],
)
def test_not_made_for_everybody(born: str, said: list[Any], state: str, asks: Any, refusals: Any) -> None:
    score = score_of(Scored.of(head(born)), all_well(), [premise(one) for one in said])
    assert (score.state, score.asks, score.refusals) == (state, asks, refusals)
    assert (score.total is None) == (state != "complete")


def test_doubts_travel_with_the_part() -> None:
    doubtful = view("pulse", "70", quality=Quality(word="questionable", reasons=["irregular_pulse"]))
    assert part(score_of(Scored.of(head()), [doubtful], []), "pulse").doubts == ["irregular_pulse"]


def test_nothing_at_all_is_incomplete_and_not_set_out() -> None:
    score = score_of(Scored.of(head()), [], [])
    assert (score.state, score.as_of, score.stale_at, score.is_set_out) == ("incomplete", None, None, False)
    assert not score_of(Scored.of(head()), [view("systolic", "120")], []).is_set_out
    assert score_of(Scored.of(head()), [view("oxygen", "air")], []).is_set_out


def test_an_emptied_memory_does_not_slow_it_down() -> None:
    many = [view("pulse", "70", n / 100, n) for n in range(1, READINGS_LOOKED_AT + 50)]
    old = view("temperature", "37.0", 0, 0 + 1)
    score = score_of(Scored.of(head()), [old, *many], [])
    assert part(score, "pulse").reading_id == many[-1].reading.id
    assert part(score, "temperature").lack == "missing"
