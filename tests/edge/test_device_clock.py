"""What an instrument's clock says: right, off, or never set; whatever it shows, nothing is invented."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.events import ClockRead, DeviceState, Identity, Measured
from carebag_edge.clock import Clock
from carebag_edge.device_clock import DeviceClocks, clock_state, parse, taken_between
from carebag_wire.values import Times

CUFF = Identity("C0:FF:EE:00:00:01", "cuff")
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
TIMES = Times(kit_monotonic_ns=5, kit_utc=AT)


def read(device_time: str | None, problem: str | None = None, uncertainty_s: float = 0.5) -> ClockRead:
    return ClockRead(CUFF, device_time, uncertainty_s, problem=problem)


def measured(device_time: str | None, **more: Any) -> Measured:
    return Measured(CUFF, "blood_pressure", (), None, (), device_time, b"", **more)


@pytest.mark.parametrize(
    ("shows", "word", "error_s"),
    [
        ("2026-11-23T10:00:00", "right", 0),
        ("2026-11-23T10:01:00", "right", 60),
        ("2026-11-23T10:01:01", "off", 61),
        ("2026-11-23T09:58:59", "off", -61),
        ("2026-11-23T22:00:00", "off", 12 * 3600),
        ("2025-11-23T10:00:00", "off", -365 * 86400),
        ("1970-01-01T00:05:00", "not_set", None),
        ("2000-01-01T12:00:00", "not_set", None),
        ("0000-01-01T00:00:00", "not_set", None),
        ("2026-00-00T00:00:00", "not_set", None),
        ("", "not_set", None),
    ],
)
def test_by_the_clock_on_the_wall(shows: str, word: str, error_s: float | None) -> None:
    state = clock_state(read(shows), AT.astimezone(STOCKHOLM))
    assert (state.word, state.error_s) == (word, error_s)


@pytest.mark.parametrize(
    ("problem", "word"),
    [("device_clock_not_set", "not_set"), ("device_clock_refused", "unknown"), ("not_readable", "unknown")],
)
def test_without_a_time_the_problem_says_what_is_known(problem: str, word: str) -> None:
    assert clock_state(read(None, problem), AT).word == word


def test_a_clock_that_was_never_set_is_not_right_by_chance() -> None:
    assert clock_state(read("2026-11-23T10:00:00", "device_clock_not_set"), AT.astimezone(STOCKHOLM)).word == "not_set"


@pytest.mark.parametrize(
    ("utc", "shows", "error_s"),
    [
        # the last Sunday of October: 02:30 is there twice
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25T02:30:00", 0),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25T02:30:00", 0),
        # nobody told the cuff that summer ended, or began
        (datetime(2026, 10, 25, 3, 0, tzinfo=UTC), "2026-10-25T05:00:00", 3600),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29T02:00:00", -3600),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29T03:00:00", 0),
    ],
)
def test_an_hour_of_summer_time_is_an_error_of_hands_only(utc: datetime, shows: str, error_s: float) -> None:
    clock = Clock(utc=lambda: utc, monotonic_ns=lambda: 0, zone=STOCKHOLM)
    assert clock_state(read(shows), clock.local()).error_s == error_s


def test_the_offset_is_of_the_clock_as_read_on_this_connection() -> None:
    clocks = DeviceClocks()
    clocks.read(read("2026-11-23T10:00:07"), AT, AT.astimezone(STOCKHOLM))
    times = clocks.times(measured("2026-11-23T09:59:50"), TIMES, watched=False)
    assert (times.device, times.device_offset_s, times.device_offset_uncertainty_s) == (
        "2026-11-23T09:59:50",
        -3607,
        0.5,
    )
    clocks.gone(CUFF.id)
    assert clocks.times(measured("2026-11-23T09:59:50"), TIMES, watched=False).device_offset_s is None


def test_a_clock_that_became_unreadable_or_was_never_set_has_no_offset() -> None:
    clocks = DeviceClocks()
    clocks.read(read("2026-11-23T10:00:07"), AT, AT)
    for event in (read(None, "not_readable"), read("1970-01-01T00:00:09")):
        clocks.read(event, AT, AT)
        assert clocks.times(measured("2026-11-23T09:59:50"), TIMES, watched=False).device_offset_s is None


def test_the_age_that_the_driver_knew_goes_before_the_clock_that_was_set_since() -> None:
    """The cuff was an hour slow, its reading ten minutes old; then the kit set its clock."""
    clocks = DeviceClocks()
    clocks.read(ClockRead(CUFF, "2026-11-23T10:00:00", 0.5, was_set=True), AT, AT.astimezone(STOCKHOLM))
    event = measured("2026-11-23T08:50:00", provenance="stored", age_s=600.0, age_uncertainty_s=3.0)
    times = clocks.times(event, TIMES, watched=False)
    assert (times.device_offset_s, times.device_offset_uncertainty_s) == (0, 3.0)
    assert taken_between(times) == (AT - timedelta(seconds=603), AT - timedelta(seconds=597))


def test_a_stored_value_of_unknown_age_has_no_offset() -> None:
    clocks = DeviceClocks()
    clocks.read(read("2026-11-23T10:00:00"), AT, AT.astimezone(STOCKHOLM))
    times = clocks.times(measured("2026-11-23T09:50:00", provenance="stored"), TIMES, watched=True)
    assert (times.device_offset_s, taken_between(times)) == (None, None)


def test_without_a_readable_clock_it_is_learnt_from_a_watched_value() -> None:
    clocks = DeviceClocks()
    event = measured("2026-11-23T09:37:00")
    assert clocks.times(event, TIMES, watched=False).device_offset_s is None
    learnt = clocks.times(event, TIMES, watched=True)
    assert (learnt.device, learnt.device_offset_s) == ("2026-11-23T09:37:00", -37 * 60)
    later = clocks.times(measured("2026-11-23T09:38:00"), TIMES, watched=False)
    assert (later.device_offset_s, later.device_offset_uncertainty_s) == (-37 * 60, 5.0)


def test_a_clock_of_zeros_is_kept_and_not_believed() -> None:
    assert parse("2026-00-00T00:00:00") is None
    times = DeviceClocks().times(measured("2026-00-00T00:00:00"), TIMES, watched=True)
    assert (times.device, times.device_offset_s) == ("2026-00-00T00:00:00", None)


def test_the_card_shows_the_clock_and_keeps_it_while_the_instrument_sleeps(room: Any) -> None:
    room.device(DeviceState.READY)
    local = room.hands.clock.local().replace(tzinfo=None)
    room.intake(ClockRead(CUFF, (local + timedelta(seconds=90)).isoformat(), 0.5))
    room.hands.forward(60)
    room.device(DeviceState.ASLEEP)
    card = room.intake.devices[CUFF.id]
    assert (card.clock, card.clock_error_s) == ("off", 90)
    assert card.clock_read_at == room.hands.utc - timedelta(seconds=60)


def test_a_clock_nobody_has_a_card_for_is_no_trouble(room: Any) -> None:
    room.intake(ClockRead(Identity("X", "scale"), "2026-11-23T10:00:00", 0.5))
    assert room.intake.devices == {}


@given(
    shows=st.none() | st.text() | st.datetimes().map(datetime.isoformat),
    problem=st.none() | st.text(),
    uncertainty_s=st.floats(allow_nan=False, allow_infinity=False),
    age_s=st.none() | st.floats(),
    age_uncertainty_s=st.none() | st.floats(),
    hours=st.integers(-12, 14),
)
def test_whatever_a_clock_shows_the_times_can_be_written(
    shows: Any, problem: Any, uncertainty_s: float, age_s: Any, age_uncertainty_s: Any, hours: int
) -> None:
    clocks = DeviceClocks()
    state = clocks.read(read(shows, problem, uncertainty_s), AT, AT.astimezone(timezone(timedelta(hours=hours))))
    assert (state.error_s is None) == (state.word in ("not_set", "unknown"))
    event = measured(shows, provenance="stored", age_s=age_s, age_uncertainty_s=age_uncertainty_s)
    times = clocks.times(event, TIMES, watched=True)
    assert Times.model_validate_json(times.model_dump_json()) == times
    taken_between(times)
