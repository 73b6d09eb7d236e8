from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.events import DeviceState, Identity, Measured, StateChanged, Value
from carebag_edge.binding import Whom
from carebag_edge.capture import device_status, reading_of
from carebag_edge.device_clock import DeviceClocks, parse
from carebag_wire.records import Reading, record_adapter
from carebag_wire.values import Circumstances, Times

KIT = UUID(int=1)
TIMES = Times(kit_monotonic_ns=5, kit_utc=datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
CUFF = Identity("C0:FF", "cuff", "Maker", "Model", simulated=True)


def measured(*values: Value, **changes: object) -> Measured:
    fields: dict[str, object] = {
        "identity": CUFF,
        "kind": "blood_pressure",
        "values": values,
        "problem": None,
        "flags": (),
        "device_time": None,
        "raw": b"\x1e\x80",
    }
    return Measured(**{**fields, **changes})  # type: ignore[arg-type]


def reading(event: Measured, whom: Whom = Whom()) -> Reading:  # noqa: B008
    return reading_of(event, whom, KIT, UUID(int=2), TIMES)(7)


def pressure(systolic: str, diastolic: str, unit: str = "mm[Hg]") -> Measured:
    return measured(Value("systolic", Decimal(systolic), unit), Value("diastolic", Decimal(diastolic), unit))


def test_a_value_keeps_everything_that_must_travel_with_it() -> None:
    whom = Whom(UUID(int=3), UUID(int=4), UUID(int=5), UUID(int=6), Circumstances(site="left_arm"))
    kept = reading(pressure("128", "82"), whom)
    assert [(q.name, q.value, q.unit) for q in kept.quantities] == [
        ("systolic", Decimal(128), "mm[Hg]"),
        ("diastolic", Decimal(82), "mm[Hg]"),
    ]
    assert (kept.binding.kit_seq, kept.binding.visit_id, kept.binding.request_id) == (7, UUID(int=3), UUID(int=6))
    assert (kept.circumstances.site, kept.quality.word, kept.raw) == ("left_arm", "good", "1e80")
    assert kept.device.simulated


def test_less_than_five_stays_less_than_five() -> None:
    kept = reading(measured(Value("crp", Decimal("5"), "mg/L", "<"), kind="crp"))
    again = record_adapter.validate_json(kept.model_dump_json())
    assert isinstance(again, Reading)
    assert (again.quantities[0].comparator, again.quantities[0].value) == ("<", Decimal(5))


def test_the_devices_own_precision_is_kept() -> None:
    kept = reading(measured(Value("systolic", Decimal("17.60"), "kPa")))
    assert '"17.60"' in kept.model_dump_json()


@pytest.mark.parametrize(
    ("event", "flag"),
    [
        (pressure("300", "82"), "implausible_systolic"),
        (pressure("128", "10"), "implausible_diastolic"),
        (pressure("80", "82"), "implausible_pressures"),
        (pressure("40", "10.9", "kPa"), "implausible_systolic"),
        (measured(Value("spo2", Decimal(104), "%"), kind="oximetry"), "implausible_spo2"),
    ],
)
def test_what_is_rare_is_flagged_and_kept(event: Measured, flag: str) -> None:
    kept = reading(event)
    assert flag in kept.flags
    assert len(kept.quantities) == len(event.values)
    assert kept.quality.word == "questionable"


def test_usual_values_are_not_flagged_in_either_unit() -> None:
    assert reading(pressure("128", "82")).flags == []
    assert reading(pressure("17.1", "10.9", "kPa")).flags == []


def test_an_error_is_words_and_never_a_number() -> None:
    kept = reading(measured(Value("systolic", Decimal(128), "mm[Hg]"), problem="cuff_too_loose"))
    assert (kept.problem, kept.quantities, kept.quality.word) == ("cuff_too_loose", [], "invalid")


def test_not_a_number_is_left_out_and_said() -> None:
    kept = reading(measured(Value("systolic", Decimal(128), "mm[Hg]"), Value("mean", Decimal("NaN"), "mm[Hg]")))
    assert [q.name for q in kept.quantities] == ["systolic"]
    assert "no_mean" in kept.flags
    assert reading(measured(Value("systolic", Decimal("Infinity"), "mm[Hg]"))).problem == "measurement_failed"


@given(
    event=st.builds(
        measured,
        st.builds(
            Value,
            st.sampled_from(["systolic", "pulse", "crp", "spo2"]),
            st.decimals(allow_nan=True, allow_infinity=True),
            st.text(),
            st.sampled_from([None, "<", ">"]),
        ),
        problem=st.none() | st.text(),
        flags=st.tuples(st.text(), st.text()),
        device_time=st.none() | st.text(),
        raw=st.binary(max_size=50) | st.just(b"x" * 30_000),
        identity=st.builds(Identity, st.text(), st.just("cuff"), st.text(), st.text(), st.text(), st.text()),
        provenance=st.sampled_from(["live", "stored"]),
    )
)
def test_whatever_a_driver_says_becomes_a_record_that_can_be_read(event: Measured) -> None:
    times = DeviceClocks().times(event, TIMES, watched=True)
    kept = reading_of(event, Whom(), KIT, UUID(int=2), times)(1)
    assert record_adapter.validate_json(kept.model_dump_json()) == kept
    assert not (kept.problem and kept.quantities)


def test_the_offset_of_a_device_is_learnt_from_a_watched_value_only() -> None:
    clocks = DeviceClocks()
    event = measured(device_time="2026-11-23T09:37:00")
    assert clocks.times(event, TIMES, watched=False).device_offset_s is None
    learnt = clocks.times(event, TIMES, watched=True)
    assert (learnt.device, learnt.device_offset_s) == ("2026-11-23T09:37:00", -37 * 60)
    later = clocks.times(measured(device_time="2026-11-23T09:38:00"), TIMES, watched=False)
    assert (later.device_offset_s, later.device_offset_uncertainty_s) == (-37 * 60, 5.0)


def test_a_clock_of_zeros_is_kept_and_not_believed() -> None:
    assert parse("2026-00-00T00:00:00") is None
    times = DeviceClocks().times(measured(device_time="2026-00-00T00:00:00"), TIMES, watched=True)
    assert (times.device, times.device_offset_s) == ("2026-00-00T00:00:00", None)


def test_a_card_remembers_battery_and_when_it_was_seen() -> None:
    now, later = TIMES.kit_utc, TIMES.kit_utc.replace(hour=10)
    ready = device_status(StateChanged(CUFF, DeviceState.READY, battery_percent=66), now, None)
    asleep = device_status(StateChanged(CUFF, DeviceState.ASLEEP, progress=7.0), later, ready)
    assert (asleep.state, asleep.battery_percent, asleep.last_seen, asleep.progress) == ("asleep", 66, now, 1.0)
