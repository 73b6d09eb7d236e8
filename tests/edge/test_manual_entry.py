"""Typed twice, with a photo of the display: the same twice, in a unit of the value, else refused with a word."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.catalog import UCUM_OF
from carebag_edge.binding import NOBODY
from carebag_edge.capture import typed_reading
from carebag_edge.errors import Refused
from carebag_edge.manual_entry import FORMS, check
from carebag_wire.image_strip import strip
from carebag_wire.nurse_messages import EnterReading
from carebag_wire.records import record_adapter
from carebag_wire.values import MeasuredKind, Quantity, QuantityName, Times

USUAL = {"systolic": "128", "diastolic": "82", "spo2": "96", "temperature": "37.4", "weight": "71.5"}


def quantity(name: Any, value: str | None = None, unit: str | None = None, comparator: Any = None) -> Quantity:
    number = Decimal(value or USUAL.get(name, "12"))
    return Quantity(name=name, value=number, unit=unit or UCUM_OF[name][0], comparator=comparator)


def entry(kind: Any, *quantities: Quantity, again: Any = None, **more: Any) -> EnterReading:
    typed = list(quantities) or [quantity(name) for name in sorted(FORMS[kind].needed)]
    return EnterReading(kind=kind, quantities=typed, again=typed if again is None else again, **more)


def test_every_kind_can_be_typed_and_every_value_belongs_to_one() -> None:
    assert set(FORMS) == set(get_args(MeasuredKind))
    observed = {"respiration", "oxygen_flow"}
    typed = {name for form in FORMS.values() for name in form.needed | form.optional}
    assert typed == set(get_args(QuantityName)) - observed


@pytest.mark.parametrize("kind", get_args(MeasuredKind))
def test_a_typed_value_is_a_reading_and_answers_its_request(room: Any, photo: bytes, kind: Any) -> None:
    visit = room.know(kind)
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    picture = room.bedside.keep_photo(visit.visit.id, strip(photo), "display").record
    room.bedside.keep_typed(entry(kind, device="  BM 59 ", photo_id=picture.id), simulated=False)
    (view,) = room.shown().readings
    reading = view.reading
    assert (reading.provenance, reading.display_photo, reading.quality.word) == ("manual", picture.id, "good")
    assert (reading.device.id, reading.device.kind, reading.device.model) == ("manual", FORMS[kind].device, "BM 59")
    assert reading.binding.request_id == visit.requests[0].id
    assert room.shown().requests[0].state == "answered"
    assert (room.shown().photos[0].photo.of, room.shown().photos[0].photo.binding.request_id) == ("display", None)
    assert record_adapter.validate_json(reading.model_dump_json()) == reading


BP = [quantity("systolic"), quantity("diastolic")]
REFUSED = [
    (entry("crp", quantity("crp", "12"), again=[quantity("crp", "21")]), "entries_differ"),
    (entry("crp", quantity("crp", "5", comparator="<"), again=[quantity("crp", "5")]), "entries_differ"),
    (entry("glucose", quantity("glucose", "99", "mg/dL"), again=[quantity("glucose", "99")]), "entries_differ"),
    (entry("blood_pressure", *BP, quantity("pulse"), again=BP), "entries_differ"),
    (entry("blood_pressure", quantity("systolic")), "value_missing"),
    (entry("blood_pressure", *BP, again=[quantity("systolic")]), "value_missing"),
    (entry("blood_pressure", *BP, quantity("systolic")), "values_not_of_kind"),
    (entry("crp", quantity("crp"), quantity("pulse")), "values_not_of_kind"),
    (entry("temperature", quantity("temperature", "99", "kg")), "unit_not_allowed"),
    (entry("weight", quantity("weight", "70", "g")), "unit_not_allowed"),
    (entry("blood_pressure", quantity("systolic", "17.1", "kPa"), quantity("diastolic")), "unit_not_allowed"),
    (entry("temperature", quantity("temperature", "37", comparator="<")), "comparator_not_allowed"),
    (entry("oximetry", quantity("spo2", "96", comparator=">")), "comparator_not_allowed"),
    (entry("weight", quantity("weight", "71.12345")), "number_too_long"),
    (entry("weight", quantity("weight", "1E+9")), "number_too_long"),
]


@pytest.mark.parametrize(("message", "code"), REFUSED)
def test_what_does_not_fit_is_refused_with_a_word(message: EnterReading, code: str) -> None:
    with pytest.raises(Refused, match=code):
        check(message)


def test_in_any_order_and_with_trailing_zeros_it_is_the_same() -> None:
    check(entry("blood_pressure", *BP, again=list(reversed(BP))))
    check(entry("weight", quantity("weight", "71.50"), again=[quantity("weight", "71.5")]))
    check(entry("crp", quantity("crp", "200", comparator=">")))


def test_a_rare_value_is_flagged_and_kept(room: Any) -> None:
    room.open(room.know())
    room.bedside.keep_typed(entry("temperature", quantity("temperature", "44.1")), simulated=True)
    (view,) = room.shown().readings
    assert (view.reading.flags, view.reading.quality.word) == (["implausible_temperature"], "questionable")
    assert view.reading.device.simulated


def test_only_a_photo_of_a_display_in_this_visit_proves_it(room: Any, photo: bytes) -> None:
    before = room.know()
    room.open(before)
    old = room.bedside.keep_photo(before.visit.id, strip(photo), "display").record.id
    room.bedside.close(plan_read=False)
    visit = room.know()
    with pytest.raises(Refused, match="visit_not_open"):
        room.bedside.keep_typed(entry("crp"), simulated=False)
    room.open(visit)
    skin = room.bedside.keep_photo(visit.visit.id, strip(photo)).record.id
    for photo_id in (old, skin, room.world.new_id()):
        with pytest.raises(Refused, match="unknown_photo"):
            room.bedside.keep_typed(entry("crp", photo_id=photo_id), simulated=False)
    assert room.shown().readings == []


def test_the_photo_of_a_display_leaves_the_request_for_a_photo_waiting(room: Any, photo: bytes) -> None:
    visit = room.know("photo")
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    room.bedside.keep_photo(visit.visit.id, strip(photo), "display")
    assert room.shown().requests[0].state == "started"


def test_a_double_click_is_noticed_for_a_second(room: Any) -> None:
    room.open(room.know())
    message = entry("crp")
    assert not room.bedside.typed_just_now(message)
    room.bedside.keep_typed(message, simulated=False)
    assert room.bedside.typed_just_now(message)
    assert not room.bedside.typed_just_now(entry("crp", quantity("crp", "13")))
    room.hands.forward(2)
    assert not room.bedside.typed_just_now(message)


quantities = st.builds(
    Quantity,
    name=st.sampled_from(get_args(QuantityName)),
    value=st.decimals(allow_nan=False, allow_infinity=False),
    unit=st.sampled_from(["mm[Hg]", "kPa", "/min", "%", "mg/L", "Cel", "kg", "mmol/L", "x"]),
    comparator=st.sampled_from([None, "<", ">"]),
)


@given(
    kind=st.sampled_from(get_args(MeasuredKind)), typed=st.lists(quantities, min_size=1, max_size=3), once=st.booleans()
)
def test_whatever_is_typed_is_refused_or_can_be_a_record(kind: Any, typed: list[Quantity], once: bool) -> None:
    message = EnterReading(kind=kind, quantities=typed, again=typed[:1] if once else typed)
    try:
        check(message)
    except Refused:
        return
    times = Times(kit_monotonic_ns=1, kit_utc=datetime(2026, 11, 23, tzinfo=UTC))
    reading = typed_reading(message, NOBODY, UUID(int=1), UUID(int=2), times, False)(1)
    assert record_adapter.validate_json(reading.model_dump_json()) == reading
