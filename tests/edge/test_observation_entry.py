"""Breaths, consciousness and oxygen: each is a reading like every other; what does not fit is refused with a word."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.errors import Refused
from carebag_edge.observation_entry import check, rate_of
from carebag_edge.withdrawal import withdraw
from carebag_wire.nurse_messages import EnterObserved, WithdrawReading
from carebag_wire.records import record_adapter
from carebag_wire.values import Quantity, Seen


def breaths(rate: str = "24", **seen: Any) -> EnterObserved:
    number = Quantity(name="respiration", value=Decimal(rate), unit="/min")
    return EnterObserved(kind="respiration", quantities=[number], seen=Seen(**seen))


def level(level: Any = "A", **more: Any) -> EnterObserved:
    return EnterObserved(kind="consciousness", seen=Seen(consciousness=level), **more)


def oxygen(flow: str | None = None, **seen: Any) -> EnterObserved:
    litres = [Quantity(name="oxygen_flow", value=Decimal(flow), unit="L/min")] if flow else []
    return EnterObserved(kind="oxygen", quantities=litres, seen=Seen(**seen))


FITS = [
    breaths("24", breaths=12, counted_s=30),
    breaths("17", breaths=17, counted_s=60),
    breaths("0", breaths=0, counted_s=60),
    breaths("18"),
    level("C"),
    oxygen(breathes="air"),
    oxygen(breathes="oxygen"),
    oxygen("2.5", breathes="oxygen", oxygen_device="nasal_cannula"),
]
REFUSED = [
    (breaths("24", breaths=11, counted_s=30), "count_differs"),
    (breaths("24", breaths=24), "value_missing"),
    (breaths("24", counted_s=30), "value_missing"),
    (breaths("17.5"), "number_too_long"),
    (breaths("201"), "number_too_long"),
    (breaths("-1"), "number_too_long"),
    (breaths("18", consciousness="A"), "values_not_of_kind"),
    (EnterObserved(kind="respiration", seen=Seen()), "value_missing"),
    (EnterObserved(kind="consciousness", seen=Seen()), "value_missing"),
    (EnterObserved(kind="consciousness", seen=Seen(breathes="air")), "values_not_of_kind"),
    (level("A", quantities=breaths().quantities), "values_not_of_kind"),
    (oxygen(), "value_missing"),
    (oxygen("2", breathes="air"), "values_not_of_kind"),
    (oxygen(breathes="air", oxygen_device="other"), "values_not_of_kind"),
    (oxygen("2.125", breathes="oxygen"), "number_too_long"),
    (oxygen("101", breathes="oxygen"), "number_too_long"),
]


@pytest.mark.parametrize("message", FITS)
def test_it_is_a_signed_reading_bound_to_the_visit_and_answers_its_request(room: Any, message: EnterObserved) -> None:
    visit = room.know(message.kind)
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    record = room.bedside.keep_observed(message, simulated=False).record
    (view,) = room.shown().readings
    reading = view.reading
    assert reading == record
    assert (reading.provenance, reading.device.kind, reading.seen) == ("observed", "observer", message.seen)
    assert (reading.binding.visit_id, reading.binding.nurse_id) == (visit.visit.id, room.nurse.practitioner_id)
    assert reading.binding.request_id == visit.requests[0].id
    assert room.shown().requests[0].state == "answered"
    assert (reading.times.kit_utc, reading.times.device) == (room.hands.utc, None)
    assert record_adapter.validate_json(reading.model_dump_json()) == reading


@pytest.mark.parametrize(("message", "code"), REFUSED)
def test_what_does_not_fit_is_refused_with_a_word(message: EnterObserved, code: str) -> None:
    with pytest.raises(Refused, match=code):
        check(message)


def test_without_an_open_visit_there_is_nobody_to_observe(room: Any) -> None:
    with pytest.raises(Refused, match="visit_not_open"):
        room.bedside.check_observed(level())


@pytest.mark.parametrize(
    ("message", "flag"),
    [(breaths("61"), "implausible_respiration"), (oxygen("30", breathes="oxygen"), "implausible_oxygen_flow")],
)
def test_a_rare_value_is_flagged_and_kept(room: Any, message: EnterObserved, flag: str) -> None:
    room.open(room.know())
    room.bedside.keep_observed(message, simulated=True)
    (view,) = room.shown().readings
    assert (view.reading.flags, view.reading.quality.word) == ([flag], "questionable")


def test_chosen_in_error_it_is_struck_out_and_the_score_follows(room: Any) -> None:
    room.open(room.know())
    wrong = room.bedside.keep_observed(level("U"), simulated=False).record
    assert points(room, "consciousness") == 3
    withdraw(room.bedside, room.hands.clock, WithdrawReading(reading_id=wrong.id), room.nurse)
    assert points(room, "consciousness") is None
    room.bedside.keep_observed(level("A"), simulated=False)
    assert points(room, "consciousness") == 0


def test_without_a_hub_the_kit_counts_the_score_itself_and_may_be_told_not_to(room: Any) -> None:
    room.open(room.know())
    room.bedside.keep_observed(breaths("25"), simulated=False)
    assert points(room, "respiration") == 3
    room.bedside.counts_scores = False
    assert room.shown().news2 is None


def points(room: Any, parameter: str) -> Any:
    score = room.shown().news2
    return next(part.points for part in score.parts if part.parameter == parameter)


def test_a_double_click_keeps_one(room: Any) -> None:
    room.open(room.know())
    message = level()
    assert not room.bedside.typed_just_now(message)
    room.bedside.keep_observed(message, simulated=False)
    assert room.bedside.typed_just_now(message)


seens = st.builds(
    Seen,
    consciousness=st.none() | st.sampled_from("ACVPU"),
    breathes=st.none() | st.sampled_from(["air", "oxygen"]),
    oxygen_device=st.none() | st.just("other"),
    breaths=st.none() | st.integers(0, 200),
    counted_s=st.none() | st.sampled_from([30, 60]),
)
numbers = st.builds(
    Quantity,
    name=st.sampled_from(["respiration", "oxygen_flow", "pulse"]),
    value=st.decimals(allow_nan=False, allow_infinity=False),
    unit=st.sampled_from(["/min", "L/min", "%"]),
    comparator=st.sampled_from([None, "<"]),
)


@given(kind=st.sampled_from(["respiration", "consciousness", "oxygen"]), seen=seens, one=st.none() | numbers)
def test_any_message_is_taken_or_refused_with_a_word(kind: Any, seen: Seen, one: Quantity | None) -> None:
    message = EnterObserved(kind=kind, quantities=[one] if one else [], seen=seen)
    try:
        check(message)
    except Refused:
        return
    if kind == "respiration" and seen.breaths is not None and seen.counted_s is not None:
        assert one is not None
        assert one.value == rate_of(seen.breaths, seen.counted_s)
    assert (seen.consciousness is not None) == (kind == "consciousness")
    assert (seen.breathes is not None) == (kind == "oxygen")
