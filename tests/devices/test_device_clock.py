"""The age of a reading by the device's own clock: right whatever that clock shows, unknown where it was changed."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.device_clock import DeviceClock, error_s, moment

NOON = datetime.fromisoformat("2026-11-26T12:00:00")
SHOWN = st.datetimes(min_value=datetime.fromisoformat("1970-01-01"), max_value=datetime.fromisoformat("2100-01-01"))


class Monotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


@given(shown=SHOWN, age=st.integers(0, 86_400), later=st.floats(0, 600), trip=st.floats(0, 2))
def test_the_age_is_right_whatever_the_clock_shows(shown: datetime, age: int, later: float, trip: float) -> None:
    monotonic = Monotonic()
    clock, asked_at = DeviceClock(monotonic), monotonic.now
    shown = shown.replace(microsecond=0)
    monotonic.now += trip
    assert clock.read(stamp(shown), asked_at)
    monotonic.now += later
    found = clock.age(stamp(shown - timedelta(seconds=age)))
    assert found is not None
    # the device answered somewhere between question and answer
    assert abs(found.seconds - (age + later)) <= found.uncertainty_s + trip / 2 + 1e-6


def test_without_a_clock_or_a_stamp_there_is_no_age() -> None:
    clock = DeviceClock(Monotonic())
    assert clock.age(stamp(NOON)) is None
    assert not clock.read("0000-00-00T00:00:00", 0.0)
    assert clock.age(stamp(NOON)) is None
    assert clock.read(stamp(NOON), 1000.0)
    assert clock.age(None) is None
    assert clock.age("2026-00-00T00:00:00") is None


def test_a_stamp_from_the_future_has_no_age() -> None:
    clock = DeviceClock(Monotonic())
    clock.read(stamp(NOON), 1000.0)
    assert clock.age(stamp(NOON + timedelta(minutes=5))) is None
    now = clock.age(stamp(NOON + timedelta(seconds=1)))
    assert now is not None
    assert now.seconds == 0


@given(error=st.integers(-86_400, 86_400), before=st.integers(0, 7200), after=st.integers(5, 600))
def test_what_was_taken_before_the_clock_was_set_is_never_taken_for_new(error: int, before: int, after: int) -> None:
    """True time runs; the device's clock was `error` off until it was set right at noon."""
    monotonic = Monotonic()
    clock = DeviceClock(monotonic)
    old = stamp(NOON - timedelta(seconds=before) + timedelta(seconds=error))
    clock.read(stamp(NOON), monotonic.now)
    clock.changed(float(error))
    monotonic.now += after
    found = clock.age(old)
    assert found is None or found.seconds + found.uncertainty_s >= before + after


@given(error=st.integers(-86_400, 86_400), wait=st.integers(2, 7200))
def test_what_is_taken_after_the_change_is_known_again(error: int, wait: int) -> None:
    monotonic = Monotonic()
    clock = DeviceClock(monotonic)
    clock.read(stamp(NOON), monotonic.now)
    clock.changed(float(error))
    monotonic.now += max(0, error) + wait
    found = clock.age(stamp(NOON + timedelta(seconds=max(0, error) + wait)))
    assert found is not None
    assert found.seconds <= found.uncertainty_s + 1


def test_doubt_never_shrinks() -> None:
    monotonic = Monotonic()
    clock = DeviceClock(monotonic)
    clock.read(stamp(NOON), monotonic.now)
    clock.changed(3600)
    until = clock.doubtful_until
    clock.changed(0)
    assert clock.doubtful_until == until
    assert clock.doubts(stamp(NOON + timedelta(minutes=59)))
    assert not clock.doubts(stamp(NOON + timedelta(minutes=61)))


def test_a_clock_that_shows_1970_was_never_set() -> None:
    clock = DeviceClock(Monotonic())
    assert not clock.was_set()
    clock.read("1970-01-01T00:05:00", 1000.0)
    assert not clock.was_set()
    assert clock.age("1970-01-01T00:03:00") is not None
    clock.read(stamp(NOON), 1000.0)
    assert clock.was_set()


def test_the_error_compares_clocks_on_the_wall() -> None:
    wall = datetime.fromisoformat("2026-11-26T13:00:00+01:00")
    assert error_s(NOON, wall) == -3600
    assert moment("no time") is None
