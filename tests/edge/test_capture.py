from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.events import DeviceState, Identity, Measured, StateChanged, UdiSaid, Value
from carebag_edge.binding import Whom
from carebag_edge.capture import device_identity, device_status, reading_of
from carebag_edge.device_clock import DeviceClocks
from carebag_wire.records import Reading, record_adapter
from carebag_wire.udi import GS1, Udi
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


def test_a_card_remembers_battery_and_when_it_was_seen() -> None:
    now, later = TIMES.kit_utc, TIMES.kit_utc.replace(hour=10)
    ready = device_status(StateChanged(CUFF, DeviceState.READY, battery_percent=66), now, None)
    asleep = device_status(StateChanged(CUFF, DeviceState.ASLEEP, progress=7.0), later, ready)
    assert (asleep.state, asleep.battery_percent, asleep.last_seen, asleep.progress) == ("asleep", 66, now, 1.0)


def test_a_card_says_which_instrument_it_is_how_it_is_reached_and_whether_it_is_bonded() -> None:
    identity = Identity("C0:FF:EE:00:00:01", "cuff", "Maker", "BM 59", "SN 1", "1.2")
    card = device_status(StateChanged(identity, DeviceState.NEEDS_PAIRING, bond="lost"), TIMES.kit_utc, None)
    assert (card.maker, card.model, card.serial, card.firmware, card.name) == ("Maker", "BM 59", "SN 1", "1.2", "BM 59")
    assert (card.bond, card.way, card.clock) == ("lost", "bluetooth", "unknown")


def test_the_udi_travels_with_what_was_measured_and_its_label_gives_the_serial_number() -> None:
    label = UdiSaid("manual", "(01)00844588003288(17)270300(21)A77", "", "")
    identity = Identity("C0:FF:EE:00:00:01", "cuff", udi=label)
    device = device_identity(identity)
    expected = Udi(device="00844588003288", carrier=label.label, issuer=GS1, entry="manual")
    assert (device.udi, device.serial) == (expected, "A77")
    assert device_identity(replace(identity, serial="SN 1")).serial == "SN 1"
    assert device_status(StateChanged(identity, DeviceState.READY), TIMES.kit_utc, None).udi == expected
    assert device_identity(Identity("x", "cuff")).model_dump_json().count("udi") == 0


@pytest.mark.parametrize(
    ("address", "way"),
    [
        ("c0:ff:ee:00:00:01", "bluetooth"),
        ("6E400001-B5A3-F393-E0A9-E50E24DCCA9E", "bluetooth"),
        ("wired:/dev/ttyUSB0", "wired"),
        ("sound:USB Audio", "sound_card"),
    ],
)
def test_how_an_instrument_is_reached_is_seen_by_its_address(address: str, way: str) -> None:
    card = device_status(StateChanged(Identity(address, "cuff"), DeviceState.READY), TIMES.kit_utc, None)
    assert card.way == way


def test_the_person_in_the_devices_memory_is_kept() -> None:
    assert reading(measured(Value("systolic", Decimal(128), "mm[Hg]"), user=1)).user == 1


@pytest.mark.parametrize(
    ("said", "visit", "kept"),
    [
        ("live", None, "live"),
        ("stored", None, "stored"),
        ("stored", UUID(int=3), "live"),
        ("live", UUID(int=3), "live"),
    ],
)
def test_stored_and_surely_of_a_visit_is_measured_in_it(said: str, visit: UUID | None, kept: str) -> None:
    assert reading(measured(provenance=said), Whom(visit)).provenance == kept


@pytest.mark.parametrize(
    ("flag", "word"),
    [("site_mouth", "good"), ("fasting", "good"), ("sample_venous_plasma", "good"), ("body_moved", "questionable")],
)
def test_where_it_was_measured_is_no_reservation(flag: str, word: str) -> None:
    kept = reading(measured(Value("temperature", Decimal("37.2"), "Cel"), kind="temperature", flags=(flag,)))
    assert (kept.flags, kept.quality.word) == ([flag], word)
