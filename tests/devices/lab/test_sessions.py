"""A session recorded from the lab's air and played again says the same to the same drivers."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.bag import Bag
from carebag_devices.errors import DeviceRefused, NeedsPairing
from carebag_devices.events import ClockRead, Event, Kind, Measured, StateChanged
from carebag_devices.lab.direct_air import DirectAir
from carebag_devices.lab.recorder import RecordingRadio
from carebag_devices.lab.replay import ReplayRadio
from carebag_devices.lab.replay_device import ReplayBag, ReplayDevice
from carebag_devices.lab.session_file import WHATS, BadSession, Line, Session, SessionWriter, as_text, read_session
from carebag_devices.lab.virtual_time import run_in_virtual_time
from carebag_devices.link import Radio
from carebag_devices.sim.bag import SimulatedBag

BEGAN_S = datetime(2026, 11, 26, 8, tzinfo=UTC).timestamp()
TEXT = st.text(max_size=6)
LINES = st.builds(
    Line,
    at_s=st.floats(0, 1e6),
    what=st.sampled_from(WHATS),
    link=st.integers(0, 9),
    address=TEXT,
    uuid=TEXT,
    value=st.binary(max_size=9),
    yes=st.booleans(),
    error=TEXT,
    reason=TEXT,
    name=TEXT,
    services=st.lists(TEXT, max_size=2).map(tuple),
    rssi=st.none() | st.integers(-120, -1),
    limited=st.booleans(),
    companies=st.lists(st.integers(0, 65535), max_size=2).map(tuple),
)


@given(st.lists(LINES, max_size=5))
def test_what_is_written_is_read_again(lines: list[Line]) -> None:
    assert Session.parse(as_text(lines, "2026-11-26")).lines == tuple(lines)


@given(st.text())
def test_any_text_is_a_session_or_refused(text: str) -> None:
    with contextlib.suppress(BadSession):
        Session.parse(text)
    with contextlib.suppress(BadSession):
        Session.parse('{"session": 1}\n' + text)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"at_s": 1, "what": "sing"}', "line 2: unknown kind"),
        ('{"at_s": 1, "what": "push", "colour": 1}', "line 2: unknown kind"),
        ('{"what": "push"}', "line 2: at_s is a number"),
        ('{"at_s": 1, "what": "push", "value": "0g"}', "line 2: value is hex"),
        ('{"at_s": 1, "what": "push", "uuid": 5}', "line 2: a field is of the wrong type"),
        ("{", "line 2: no JSON"),
    ],
)
def test_bad_lines_are_refused(line: str, why: str) -> None:
    with pytest.raises(BadSession, match=why):
        Session.parse(f'{{"session": 1}}\n{line}\n')


def test_a_last_line_that_was_cut_off_is_left_out() -> None:
    text = as_text([Line(1.0, "lost", link=1), Line(2.0, "lost", link=2)])
    assert [line.link for line in Session.parse(text[:-9]).lines] == [1]


def test_the_file_is_for_this_user_only_and_says_what_it_may_hold(tmp_path: Path) -> None:
    path = tmp_path / "sessions" / "one.jsonl"
    writer = SessionWriter(path, datetime(2026, 11, 26, 8, tzinfo=UTC))
    writer(Line(0.5, "push", link=1, uuid="2a35", value=b"\x01"))
    writer.close()
    writer(Line(0.6, "push"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert "may hold patient data" in path.read_text().splitlines()[0]
    assert read_session(path).lines == (Line(0.5, "push", link=1, uuid="2a35", value=b"\x01"),)
    with pytest.raises(FileExistsError):
        SessionWriter(path, datetime(2026, 11, 26, 8, tzinfo=UTC))


def test_errors_come_back_as_they_were() -> None:
    with pytest.raises(DeviceRefused, match="att_0x80"):
        Line(0.0, "write", error="device_refused", reason="att_0x80").raise_error()
    with pytest.raises(NeedsPairing):
        Line(0.0, "pair", error="needs_pairing").raise_error()


async def _attend(make_radio: Callable[[], Radio], until: Callable[[list[Event]], Any]) -> list[Event]:
    """Run the real bag on a radio until the events are those."""
    events: list[Event] = []
    loop = asyncio.get_running_loop()
    bag = Bag(
        sink=events.append,
        monotonic=loop.time,
        simulated=False,
        radio=make_radio(),
        wall=lambda: datetime.fromtimestamp(BEGAN_S + loop.time(), UTC).astimezone(),
    )
    running = asyncio.create_task(bag.run())
    for _ in range(2000):
        await asyncio.sleep(1.0)
        if until(events):
            break
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return events


def record(devices: dict[Kind, str | None], hands: list[tuple[float, Kind, str]], until: Any) -> tuple[Any, list[Line]]:
    lines: list[Line] = []

    async def live() -> list[Event]:
        loop, air = asyncio.get_running_loop(), DirectAir(5)
        sim = SimulatedBag(
            air,
            sound_source=lambda _rate: iter([]),
            now=lambda: BEGAN_S + loop.time(),
            devices=devices,
            models={kind: key for kind, key in devices.items() if key},
        )
        await sim.start()
        for at_s, kind, action in hands:
            loop.call_later(at_s, lambda kind=kind, action=action: asyncio.ensure_future(sim.press(kind, action)))
        try:
            return await _attend(lambda: RecordingRadio(air, lines.append, loop.time), until)
        finally:
            await sim.stop()

    return run_in_virtual_time(live()), lines


def told(events: list[Event]) -> list[Measured]:
    return [event for event in events if isinstance(event, Measured)]


CASES: list[tuple[dict[Kind, str | None], list[tuple[float, Kind, str]], int]] = [
    ({"cuff": "omron_x4_smart"}, [(5, "cuff", "fill_memory"), (6, "cuff", "vanish"), (70, "cuff", "measure")], 61),
    ({"thermometer": "and_ut201"}, [(20, "thermometer", "measure"), (80, "thermometer", "measure_error")], 2),
    ({"glucose_meter": None, "scale": None}, [(5, "glucose_meter", "measure"), (9, "scale", "measure")], 2),
    ({"crp_analyser": None}, [(5, "crp_analyser", "insert_cassette_low")], 1),
]


@pytest.mark.parametrize(("devices", "hands", "count"), CASES)
def test_a_replay_tells_the_kit_what_it_was_told_then(devices: Any, hands: Any, count: int) -> None:
    events, lines = record(devices, hands, lambda events: len(told(events)) >= count)
    session = Session.parse(as_text(lines))
    again = run_in_virtual_time(_attend(lambda: ReplayRadio(session), lambda events: len(told(events)) >= count))
    key = lambda one: (one.identity.id, one.kind, one.values, one.problem, one.raw, one.user)  # noqa: E731
    assert [key(one) for one in told(again)] == [key(one) for one in told(events)]
    assert {one.identity for one in told(again)} == {one.identity for one in told(events)}


@pytest.mark.parametrize(("devices", "hands", "count"), CASES[:3])
def test_a_replayed_instrument_says_the_same_and_who_it_is(devices: Any, hands: Any, count: int) -> None:
    events, lines = record(devices, hands, lambda events: len(told(events)) >= count)
    session = Session.parse(as_text(lines))

    async def live() -> list[Event]:
        loop, air = asyncio.get_running_loop(), DirectAir(5)
        bag = ReplayBag(air, session, now=lambda: BEGAN_S + loop.time())
        await bag.start()
        try:
            return await _attend(lambda: air, lambda events: len(told(events)) >= count)
        finally:
            await bag.stop()

    again = run_in_virtual_time(live())
    assert sorted(one.raw for one in told(again)) == sorted(one.raw for one in told(events))
    assert all(one.identity.simulated for one in told(again)), "what is played again is no measurement of today"


def test_a_replayed_instrument_fits_into_an_advertisement() -> None:
    _, lines = record({"crp_analyser": None}, [], lambda events: any(isinstance(one, StateChanged) for one in events))
    lines = [line for line in lines if line.what == "advert"] + [Line(9.0, "connect", link=1, address=lines[0].address)]

    async def advertised() -> tuple[str, bytes]:
        air = DirectAir()
        device = ReplayDevice(air, air, Session("", tuple(lines)), lines[0].address, now=lambda: 0.0)
        await device.start()
        data = air.stations[device.label.address].data or b""
        await device.stop()
        return device.label.address, data

    address, data = run_in_virtual_time(advertised())
    assert 0 < len(data) <= 31
    assert address != lines[0].address


def test_a_clock_that_refused_refuses_again() -> None:
    def refused(events: list[Event]) -> bool:
        return any(isinstance(event, ClockRead) and event.problem == "device_clock_refused" for event in events)

    _, lines = record({"cuff": "omron_x4_smart"}, [(0, "cuff", "set_clock_wrong"), (1, "cuff", "vanish")], refused)
    assert [(line.error, line.reason) for line in lines if line.what == "write" and line.error] == [
        ("device_refused", "att_0x80")
    ]
    session = Session.parse(as_text(lines))
    assert refused(run_in_virtual_time(_attend(lambda: ReplayRadio(session), refused)))
