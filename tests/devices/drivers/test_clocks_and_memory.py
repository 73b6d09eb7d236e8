"""Clocks that are wrong and memories that are full, read by the real bag in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carebag_devices.bag import Bag
from carebag_devices.book import DeviceBook
from carebag_devices.events import ClockRead, DeviceState, Event, Kind, Measured, StateChanged
from carebag_devices.lab.direct_air import DirectAir
from carebag_devices.lab.virtual_time import run_in_virtual_time
from carebag_devices.sim.bag import SimulatedBag

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


class Bench:
    """One instrument, one bag, and time that jumps."""

    def __init__(self, kind: Kind, model: str, book: DeviceBook | None = None) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self.air, self.told = DirectAir(seed=1), []
        self._count = 0
        self._reached = asyncio.Event()
        self.refuses: Callable[[Event], bool] = lambda _event: False
        self.sim = SimulatedBag(
            self.air, sound_source=lambda _rate: iter(()), now=self.unix, devices=(kind,), models={kind: model}
        )
        self.device: Any = self.sim.devices[kind]
        self.device.passkey_display = False
        self.book = book or DeviceBook()
        self.bag = Bag(
            sink=self.sink, monotonic=loop.time, simulated=False, radio=self.air, wall=self.wall, book=self.book
        )

    def unix(self) -> float:
        return NOON.timestamp() + self._loop.time()

    def wall(self) -> datetime:
        # the simulated clocks show the machine's own local time
        return datetime.fromtimestamp(self.unix(), UTC).astimezone()

    def sink(self, event: Event) -> None:
        if self.refuses(event):
            raise OSError("the disk is full")
        self.told.append(event)
        if len(self.of(Measured)) >= self._count:
            self._reached.set()

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    async def for_a_while(self, seconds: float = 30.0) -> None:
        await asyncio.sleep(seconds)

    async def until_measured(self, count: int) -> None:
        self._count = count
        self._reached.clear()
        await self._reached.wait()

    async def reconnect(self) -> None:
        await self.device.break_link()
        await self.device.wake()
        await self.for_a_while()


def on_bench(
    kind: Kind,
    model: str,
    work: Callable[[Bench], Awaitable[None]],
    *,
    first: Callable[[Bench], None] = lambda _b: None,
) -> Bench:
    async def run() -> Bench:
        bench = Bench(kind, model)
        first(bench)
        running = asyncio.create_task(bench.bag.run())
        await bench.sim.start()
        await bench.for_a_while()
        await work(bench)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await bench.sim.stop()
        return bench

    return run_in_virtual_time(run())


async def nothing(_bench: Bench) -> None:
    return None


def wrong(how: str) -> Callable[[Bench], None]:
    return lambda bench: bench.device.clock.go_wrong(how)


def test_a_clock_is_read_at_each_connection_and_never_set_without_a_policy() -> None:
    async def twice(bench: Bench) -> None:
        await bench.reconnect()

    bench = on_bench("cuff", "blood_pressure_service", twice, first=wrong("clock_12h"))
    reads = bench.of(ClockRead)
    assert [(read.was_set, read.problem) for read in reads] == [(False, None), (False, None)]
    shown = datetime.fromisoformat(reads[0].device_time)
    assert abs(shown - bench.wall().replace(tzinfo=None) - timedelta(hours=12)) < timedelta(minutes=5)
    assert all(read.uncertainty_s < 1 for read in reads)
    assert bench.device.clock.offset_s == 12 * 3600


def test_a_clock_is_set_by_policy_after_everything_stored_was_taken() -> None:
    def prepared(bench: Bench) -> None:
        bench.device.clock.go_wrong("clock_12h")
        bench.device.fill_memory()

    bench = on_bench("cuff", "and_ua651", nothing, first=prepared)
    kinds = [type(event).__name__ for event in bench.told if isinstance(event, Measured | ClockRead)]
    assert kinds == ["ClockRead", *["Measured"] * 60, "ClockRead"]
    read, was_set = bench.of(ClockRead)
    assert (read.was_set, was_set.was_set) == (False, True)
    assert abs(bench.device.clock.offset_s) <= 1
    # the ages are right although the clock was half a day fast when it stamped them
    measured = bench.of(Measured)
    assert all(one.provenance == "stored" for one in measured)
    truth = {one.at_s for one in bench.device.taken}
    ages = {bench.unix() - at for at in truth}
    found = [one.age_s for one in measured]
    assert all(min(abs(age - one) for age in ages) <= 90 for one in found)


def test_a_stamp_from_before_the_clock_was_set_has_no_age_afterwards() -> None:
    async def again(bench: Bench) -> None:
        # the same memory is pushed once more, as devices do that keep what they sent
        bench.device.fill_memory(3)
        await bench.reconnect()

    def prepared(bench: Bench) -> None:
        bench.device.clock.go_wrong("clock_minutes")

    bench = on_bench("cuff", "and_ua651", again, first=prepared)
    entry = bench.book.get(bench.device.label.address)
    assert entry is not None
    assert entry.doubtful_until
    old = [one for one in bench.of(Measured) if one.device_time <= entry.doubtful_until]
    assert old
    assert all((one.age_s, one.provenance) == (None, "stored") for one in old)
    assert all("device_clock_changed" in one.flags for one in old)


def test_a_clock_that_refuses_to_be_set_is_said_and_the_kit_goes_on() -> None:
    async def measure(bench: Bench) -> None:
        await bench.sim.press("cuff", "start")
        await bench.for_a_while()

    bench = on_bench("cuff", "omron_connect", measure, first=wrong("clock_12h"))
    assert [read.problem for read in bench.of(ClockRead)] == [None, "device_clock_refused"]
    assert [one.provenance for one in bench.of(Measured)] == ["live"]


@pytest.mark.parametrize("how", ["clock_unset", "clock_year_0", "clock_1970"])
def test_a_clock_that_was_never_set_is_said(how: str) -> None:
    bench = on_bench("thermometer", "health_thermometer_service", nothing, first=wrong(how))
    assert {read.problem for read in bench.of(ClockRead)} == {"device_clock_not_set"}


def test_an_unset_clock_is_set_where_the_policy_allows_it() -> None:
    bench = on_bench("thermometer", "and_ut201", nothing, first=wrong("clock_1970"))
    assert [read.was_set for read in bench.of(ClockRead)] == [False, True]


def test_somebody_who_changes_the_clock_by_hand_makes_older_stamps_doubtful() -> None:
    async def changed(bench: Bench) -> None:
        bench.device.clock.go_wrong("clock_minutes")
        bench.device.clock.offset_s = -3600.0
        bench.device.fill_memory(2)
        await bench.reconnect()

    bench = on_bench("cuff", "beurer_bm59", nothing)
    assert bench.of(ClockRead) == []  # it has no clock that can be read
    bench = on_bench("glucose_meter", "glucose_service", changed)
    assert all(one.age_s is None for one in bench.of(Measured))


def test_the_memory_is_fetched_once_newest_first_with_progress() -> None:
    async def again(bench: Bench) -> None:
        await bench.reconnect()
        await bench.sim.press("glucose_meter", "measure")
        await bench.for_a_while(60)
        await bench.reconnect()

    bench = on_bench("glucose_meter", "glucose_service", again, first=lambda bench: bench.device.fill_memory())
    measured = bench.of(Measured)
    assert len({one.measurement_id for one in measured}) == len(measured) == 61
    newest = max(one.device_time for one in measured[:60])
    assert measured[0].device_time == newest
    progress = [event.progress for event in bench.of(StateChanged) if event.state is DeviceState.SYNCING]
    assert progress[0] is None
    assert [one for one in progress if one is not None] == sorted(one for one in progress if one is not None)
    assert any(one == 1.0 for one in progress)


def test_no_records_is_no_error() -> None:
    bench = on_bench("glucose_meter", "glucose_service", nothing)
    assert bench.of(Measured) == []
    assert bench.of(StateChanged)[-1].state is DeviceState.READY


def test_a_link_that_breaks_in_the_middle_of_the_memory_costs_time_and_no_reading() -> None:
    async def broken(bench: Bench) -> None:
        for _ in range(4):
            bench.device.fill_memory(12)
            await bench.device.break_link()
            await bench.device.wake()
            await bench.until_measured(len(bench.of(Measured)) + 3)
            await bench.device.break_link()
            await bench.device.wake()
        await bench.for_a_while(120)

    bench = on_bench("glucose_meter", "glucose_service", broken)
    told = [one.measurement_id for one in bench.of(Measured)]
    assert len(told) == len(set(told)) == len(bench.device.taken)


def test_what_the_kit_could_not_take_is_asked_for_again() -> None:
    async def full(bench: Bench) -> None:
        bench.device.fill_memory(10)
        refused = iter(range(4))
        bench.refuses = lambda event: isinstance(event, Measured) and next(refused, None) is not None
        await bench.reconnect()
        assert len(bench.of(Measured)) == 7
        await bench.reconnect()
        assert len(bench.of(Measured)) == 10

    bench = on_bench("glucose_meter", "glucose_service", full)
    assert len({one.measurement_id for one in bench.of(Measured)}) == 10


def test_a_cleared_memory_counts_from_the_beginning() -> None:
    async def cleared(bench: Bench) -> None:
        bench.device.fill_memory(30)
        await bench.reconnect()
        bench.device.memory.clear()
        bench.device.fill_memory(3)
        await bench.reconnect()

    bench = on_bench("glucose_meter", "glucose_service", cleared)
    assert len(bench.of(Measured)) == 33


def test_control_solution_and_faults_are_words() -> None:
    async def measure(bench: Bench) -> None:
        for action in ("measure_control", "measure_error"):
            await bench.sim.press("glucose_meter", action)
            await bench.for_a_while(60)

    bench = on_bench("glucose_meter", "glucose_service", measure)
    problems = [(one.values, one.problem) for one in bench.of(Measured)]
    assert problems == [((), "control_solution"), ((), "sample_size_insufficient")]


def test_a_meal_that_was_marked_comes_with_its_value() -> None:
    async def measure(bench: Bench) -> None:
        await bench.sim.press("glucose_meter", "mark_meal")
        await bench.sim.press("glucose_meter", "measure")
        await bench.for_a_while(60)

    bench = on_bench("glucose_meter", "glucose_service", measure)
    (measured,) = bench.of(Measured)
    assert "before_meal" in measured.flags


def test_a_beurer_that_is_asked_too_soon_would_stay_silent() -> None:
    async def measure(bench: Bench) -> None:
        await bench.sim.press("cuff", "start")
        await bench.for_a_while()

    bench = on_bench("cuff", "beurer_bm85", measure)
    assert bench.device.habits.deaf_s > 0
    assert [bool(one.values) for one in bench.of(Measured)] == [True]


def test_a_cuff_that_switches_off_quickly_is_asleep_and_not_broken() -> None:
    async def measure(bench: Bench) -> None:
        for _ in range(5):
            await bench.device.wake()
            await bench.sim.press("cuff", "start")
            await bench.for_a_while(60)

    bench = on_bench("cuff", "and_ua651", measure)
    assert len(bench.of(Measured)) == 5
    states = {event.state for event in bench.of(StateChanged)}
    assert DeviceState.NEEDS_PAIRING not in states
    assert bench.of(StateChanged)[-1].state is DeviceState.ASLEEP


def test_two_users_are_told_apart_and_nobody_is_nobody() -> None:
    async def measure(bench: Bench) -> None:
        for action in ("user_1", "user_2", "user_unknown"):
            await bench.sim.press("cuff", action)
            await bench.sim.press("cuff", "start")
            await bench.for_a_while(60)

    bench = on_bench("cuff", "blood_pressure_service", measure)
    assert [one.user for one in bench.of(Measured)] == [1, 2, None]
