"""Simulated meters as a bare link sees them: clock, memory, control point, pairing, and the habits of their models."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from carebag_devices.bag import Bag
from carebag_devices.catalog import CATALOG, model_named
from carebag_devices.codecs import racp
from carebag_devices.codecs.blood_pressure import BloodPressureMeasurement
from carebag_devices.codecs.current_time import CurrentTime
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.glucose import GlucoseMeasurement
from carebag_devices.codecs.plx import MeasurementStatus, SpotCheck
from carebag_devices.codecs.racp import Count, Opcode, Operator, Request, Response, ResponseCode, SequenceNumber
from carebag_devices.codecs.thermometer import TemperatureMeasurement
from carebag_devices.codecs.weight_scale import WeightMeasurement
from carebag_devices.errors import DeviceLost, DeviceRefused, DeviceSilent, NeedsPairing
from carebag_devices.events import Measured
from carebag_devices.lab.direct_air import DirectAir
from carebag_devices.lab.virtual_time import run_in_virtual_time
from carebag_devices.link import Advert, Link
from carebag_devices.sim.bag import GENERIC
from carebag_devices.sim.body import Body
from carebag_devices.sim.casting import PLAYABLE, CannotPlay, play
from carebag_devices.sim.cuff import Cuff
from carebag_devices.sim.device_clock import WRONGS
from carebag_devices.sim.habits import Habits
from carebag_devices.sim.instrument import Instrument
from carebag_devices.sim.mischief import PushFault

BEGAN_S = datetime(2026, 11, 26, 8, tzinfo=UTC).timestamp()


class Lab:
    """One device, the air, and a host of three lines."""

    def __init__(self, key: str) -> None:
        loop = asyncio.get_running_loop()
        self.air = DirectAir(1)
        self.body = Body(1, began_s=BEGAN_S)
        model = model_named(key)
        assert model is not None
        self.device: Any = play(
            model,
            self.air.new_hci(),
            body=self.body,
            now=lambda: BEGAN_S + loop.time(),
            sound_source=lambda _: iter([]),
        )
        self.got: list[tuple[str, bytes]] = []

    @property
    def address(self) -> str:
        return self.device.label.address

    async def heard(self) -> Advert:
        """The next advertisement."""
        found: list[Advert] = []
        scanning = asyncio.ensure_future(self.air.scan(found.append))
        await asyncio.sleep(0.6)
        scanning.cancel()
        if not found:
            raise DeviceSilent("nothing on the air")
        return found[-1]

    async def connect(self, *subscribe: str) -> Link:
        """Subscribes to those it has."""
        await self.air.admit(self.address)
        link = await self.air.connect(await self.heard())
        for uuid in filter(link.has, subscribe):
            await link.subscribe(uuid, lambda raw, uuid=uuid: self.got.append((uuid, raw)))  # type: ignore[misc]
        return link

    def values(self, uuid: str) -> list[bytes]:
        return [raw for got, raw in self.got if got == uuid]


def in_lab(key: str, work: Callable[[Lab], Awaitable[None]]) -> None:
    async def run() -> None:
        lab = Lab(key)
        await lab.device.start()
        await work(lab)
        await lab.device.stop()
        assert lab.air.surprises == []

    run_in_virtual_time(run())


@pytest.mark.parametrize("model", CATALOG, ids=lambda model: model.key)
def test_every_model_with_a_radio_can_be_played_and_is_recognised(model: Any) -> None:
    async def work(lab: Lab) -> None:
        heard = await lab.heard()
        assert model.matches(heard)
        maker = bytearray()
        if model.driver != "private":
            link = await lab.connect()
            maker += await link.read("2A29")
            assert bytes(maker) == b"Carebag simulator"

    if model.driver in PLAYABLE:
        in_lab(model.key, work)
    else:
        with pytest.raises(CannotPlay):
            in_lab(model.key, work)


def test_one_body_says_the_same_pulse_to_all() -> None:
    found: dict[str, Decimal] = {}

    async def work(lab: Lab) -> None:
        match lab.device:
            case Cuff():
                lab.device.remember(BEGAN_S + 100)
                found["cuff"] = lab.device.taken[-1].values[3].value
            case _:
                lab.device.remember(BEGAN_S + 100)
                found["oximeter"] = lab.device.taken[-1].values[1].value

    in_lab("blood_pressure_service", work)
    in_lab("pulse_oximeter_service", work)
    assert found["cuff"] == found["oximeter"] == round(Body(1, began_s=BEGAN_S).pulse(BEGAN_S + 100))


def test_what_is_sent_is_what_was_found() -> None:
    async def cuff(lab: Lab) -> None:
        await lab.connect("2A35", "2A36")
        lab.device.start_measuring()
        await asyncio.sleep(6)
        (raw,) = lab.values("2A35")
        said = BloodPressureMeasurement.parse(raw)
        assert [said.systolic, said.diastolic, said.mean, said.pulse] == [v.value for v in lab.device.taken[0].values]
        rising = [BloodPressureMeasurement.parse(raw).systolic for raw in lab.values("2A36")]
        assert rising == sorted(rising)  # type: ignore[type-var]
        assert len(rising) == 20

    async def thermometer(lab: Lab) -> None:
        await lab.connect("2A1C", "2A1E")
        lab.device.measure()
        await asyncio.sleep(10)
        assert TemperatureMeasurement.parse(lab.values("2A1C")[0]).temperature == lab.device.taken[0].values[0].value
        assert len(lab.values("2A1E")) == 8

    async def scale(lab: Lab) -> None:
        await lab.connect("2A9D")
        lab.device.user = 2
        lab.device.step_on()
        await asyncio.sleep(5)
        said = WeightMeasurement.parse(lab.values("2A9D")[0])
        assert (said.weight, said.user) == (lab.device.taken[0].values[0].value, 2)

    in_lab("blood_pressure_service", cuff)
    in_lab("health_thermometer_service", thermometer)
    in_lab("weight_scale_service", scale)


@pytest.mark.parametrize(("wrong", "year"), [(None, 2026), ("clock_1970", 1970), ("clock_unset", None)])
def test_a_cuff_with_the_enhanced_form_is_read_by_the_same_driver(wrong: Any, year: int | None) -> None:
    async def work() -> None:
        loop, air = asyncio.get_running_loop(), DirectAir(1)
        body = Body(1, began_s=BEGAN_S)
        habits = Habits(memory="racp", clock="2A2B", enhanced=True)
        cuff = Cuff(air, air, body=body, now=lambda: BEGAN_S + loop.time(), habits=habits)
        events: list[Any] = []
        bag = Bag(sink=events.append, monotonic=loop.time, simulated=False, radio=air)
        running = asyncio.create_task(bag.run())
        await cuff.start()
        if wrong:
            cuff.set_clock_wrong(wrong)
        await asyncio.sleep(10)
        cuff.start_measuring()
        await asyncio.sleep(10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await cuff.stop()
        (told,) = [event for event in events if isinstance(event, Measured)]
        assert told.values == cuff.taken[0].values
        assert told.provenance == "live"
        assert (told.device_time[:4] if told.device_time else None) == (str(year) if year else None)
        assert any(getattr(event, "detail", "") == "inflating" for event in events)

    run_in_virtual_time(work())


def test_units_other_than_the_usual_are_sent_as_they_are_shown() -> None:
    async def work(lab: Lab) -> None:
        await lab.connect("2A35")
        lab.device.start_measuring()
        await asyncio.sleep(6)
        said = BloodPressureMeasurement.parse(lab.values("2A35")[0])
        assert said.unit == "kPa"
        assert Decimal(16) < Decimal(str(said.systolic)) < Decimal(21)
        assert [value.unit for value in lab.device.taken[0].values] == ["kPa", "kPa", "kPa", "/min"]

    in_lab("and_ua651", work)


async def _ask(lab: Lab, link: Link, request: Request | bytes) -> Count | Response:
    before = len(lab.values("2A52"))
    await link.write("2A52", bytes(request))
    await asyncio.sleep(5)
    answers = lab.values("2A52")[before:]
    assert len(answers) == 1
    answer = racp.parse(answers[0])
    assert not isinstance(answer, Request)
    return answer


def test_records_by_control_point() -> None:
    async def work(lab: Lab) -> None:
        lab.device.passkey_display = False
        lab.device.fill_memory(10)
        link = await lab.connect("2A18", "2A34", "2A52")
        assert lab.got == [], "nothing comes unasked"
        assert await _ask(lab, link, Request(Opcode.COUNT)) == Count(Opcode.COUNT_RESPONSE, 10)
        last = Request(Opcode.REPORT, Operator.LAST)
        assert await _ask(lab, link, last) == Response(Opcode.REPORT, ResponseCode.SUCCESS)
        assert [GlucoseMeasurement.parse(raw).sequence for raw in lab.values("2A18")] == [10]
        rest = Request(Opcode.REPORT, Operator.AT_LEAST, (SequenceNumber(8),))
        assert await _ask(lab, link, rest) == Response(Opcode.REPORT, ResponseCode.SUCCESS)
        assert [GlucoseMeasurement.parse(raw).sequence for raw in lab.values("2A18")][1:] == [8, 9, 10]
        none = Request(Opcode.REPORT, Operator.AT_LEAST, (SequenceNumber(99),))
        assert await _ask(lab, link, none) == Response(Opcode.REPORT, ResponseCode.NO_RECORDS)
        time = Request(Opcode.REPORT, Operator.AT_LEAST, (DateTime(2026, 1, 1, 0, 0, 0),))
        assert await _ask(lab, link, time) == Response(Opcode.REPORT, ResponseCode.OPERAND_NOT_SUPPORTED)
        assert await _ask(lab, link, b"\x55\x01") == Response(0x55, ResponseCode.OPCODE_NOT_SUPPORTED)
        some = Request(Opcode.DELETE, Operator.RANGE, (SequenceNumber(1), SequenceNumber(4)))
        assert await _ask(lab, link, some) == Response(Opcode.DELETE, ResponseCode.SUCCESS)
        assert await _ask(lab, link, Request(Opcode.COUNT)) == Count(Opcode.COUNT_RESPONSE, 6)
        assert await _ask(lab, link, racp.ABORT) == Response(Opcode.ABORT, ResponseCode.SUCCESS)

    in_lab("glucose_service", work)


def test_a_control_point_nobody_listens_to_and_one_that_is_busy_refuse() -> None:
    async def work(lab: Lab) -> None:
        lab.device.fill_memory(60)
        link = await lab.connect("2A35")
        with pytest.raises(DeviceRefused, match="att_0xfd"):
            await link.write("2A52", bytes(Request(Opcode.REPORT)))
        await link.subscribe("2A52", lambda raw: lab.got.append(("2A52", raw)))
        await link.write("2A52", bytes(Request(Opcode.REPORT)))
        with pytest.raises(DeviceRefused, match="att_0xfe"):
            await link.write("2A52", bytes(Request(Opcode.COUNT)))
        await link.write("2A52", bytes(racp.ABORT))
        await asyncio.sleep(5)
        assert 0 < len(lab.values("2A35")) < 60

    in_lab("blood_pressure_service", work)


def test_a_full_memory_drops_the_oldest_and_says_so() -> None:
    async def work(lab: Lab) -> None:
        lab.device.fill_memory(60)
        lab.device.fill_memory(5)
        assert len(lab.device.memory) == 60
        assert [entry.sequence for entry in lab.device.memory.lost] == [1, 2, 3, 4, 5]

    in_lab("weight_scale_service", work)


def test_deleting_follows_the_confirmation_only() -> None:
    async def work(lab: Lab) -> None:
        lab.device.fill_memory(3)
        lab.device.mischief.plan(PushFault("unconfirmed"))
        await lab.connect("2A35")
        await asyncio.sleep(3)
        assert len(lab.values("2A35")) == 1
        assert len(lab.device.memory) == 3, "not confirmed: still there"
        await lab.connect("2A35")
        await asyncio.sleep(3)
        assert len(lab.values("2A35")) == 4
        assert len(lab.device.memory) == 0
        lab.device.start_measuring()
        await asyncio.sleep(6)
        assert len(lab.values("2A35")) == 5
        assert len(lab.device.memory) == 0, "also what was measured before our eyes"

    in_lab("omron_x4_smart", work)


def test_others_push_what_was_not_sent_the_newest_first() -> None:
    async def work(lab: Lab) -> None:
        lab.device.fill_memory(3)
        for _ in range(2):
            link = await lab.connect("2A9D")
            await asyncio.sleep(1)
            await link.disconnect()
        times = [str(WeightMeasurement.parse(raw).time) for raw in lab.values("2A9D")]
        assert len(times) == 3
        assert times == sorted(times, reverse=True)

    in_lab("weight_scale_service", work)


def test_a_fault_may_come_after_some_values_went_well() -> None:
    async def work(lab: Lab) -> None:
        lab.device.fill_memory(5)
        lab.device.mischief.plan(PushFault("unsent"), after=2)
        lab.device.mischief.plan(PushFault(keep=3))
        for _ in range(2):
            await lab.connect("2A9D")
            await asyncio.sleep(1)
        assert [len(raw) for raw in lab.values("2A9D")] == [10, 10, 3, 10, 10]

    in_lab("weight_scale_service", work)


def test_a_beurer_sends_everything_every_time_the_oldest_first() -> None:
    async def work(lab: Lab) -> None:
        lab.device.fill_memory(4)
        for _ in range(2):
            link = await lab.connect()
            await asyncio.sleep(1.2)
            await link.subscribe("2A35", lambda raw: lab.got.append(("2A35", raw)))
            await asyncio.sleep(3)
            await link.disconnect()
        times = [str(BloodPressureMeasurement.parse_big_endian(raw).time) for raw in lab.values("2A35")]
        assert len(times) == 8
        assert times[:4] == times[4:] == sorted(times[:4])

    in_lab("beurer_bm85", work)


def test_one_that_needs_a_pause_stays_silent_without() -> None:
    async def work(lab: Lab) -> None:
        lab.device.fill_memory(4)
        await lab.connect("2A35")
        await asyncio.sleep(10)
        assert lab.got == []

    in_lab("beurer_bm85", work)


def test_one_that_leaves_quickly_is_gone_and_comes_back_to_measure() -> None:
    async def work(lab: Lab) -> None:
        link = await lab.connect("2A9D")
        await asyncio.sleep(5)
        assert link.lost.is_set()
        with pytest.raises(DeviceSilent):
            await lab.heard()
        lab.device.step_on()
        await lab.connect("2A9D")
        await asyncio.sleep(5)
        assert len(lab.values("2A9D")) == 1
        await lab.device.use_battery(50)
        assert lab.device.battery == 66

    in_lab("and_uc352", work)


def test_a_clock_is_read_set_and_may_refuse() -> None:
    async def work(lab: Lab) -> None:
        link = await lab.connect()
        right = CurrentTime.parse(await link.read("2A2B")).time
        lab.device.set_clock_wrong()
        wrong = CurrentTime.parse(await link.read("2A2B")).time
        assert (wrong.hours - right.hours) % 24 == 12
        await link.write("2A2B", bytes(CurrentTime(right)))
        assert CurrentTime.parse(await link.read("2A2B")).time == right
        with pytest.raises(DeviceRefused, match="att_0x80"):
            await link.write("2A2B", b"\x00")
        with pytest.raises(DeviceRefused, match="att_0x80"):
            await link.write("2A2B", bytes(CurrentTime(DateTime(0, 0, 0, 0, 0, 0))))

    async def refusing(lab: Lab) -> None:
        link = await lab.connect()
        with pytest.raises(DeviceRefused, match="att_0x80"):
            await link.write("2A2B", bytes(CurrentTime(DateTime(2026, 11, 26, 8, 0, 0))))

    async def plain(lab: Lab) -> None:
        link = await lab.connect()
        await link.write("2A08", bytes(DateTime(2020, 2, 29, 12, 0, 0)))
        assert DateTime.parse(await link.read("2A08")).year == 2020
        for raw in (b"", bytes(DateTime(0, 0, 0, 0, 0, 0))):
            with pytest.raises(DeviceRefused):
                await link.write("2A08", raw)

    in_lab("health_thermometer_service", work)
    in_lab("omron_connect", refusing)
    in_lab("and_ua651", plain)


@pytest.mark.parametrize("how", WRONGS)
def test_every_wrong_clock_is_a_date_and_can_be_put_right(how: Any) -> None:
    async def work(lab: Lab) -> None:
        right = lab.device.clock.shows()
        lab.device.set_clock_wrong(how)
        shown = lab.device.clock.shows()
        assert DateTime.parse(bytes(shown)) == shown != right
        expected = {"clock_1970": 1970, "clock_unset": 0, "clock_year_0": 0}.get(how, right.year)
        assert shown.year == expected
        lab.device.clock.put_right()
        assert lab.device.clock.shows() == right

    in_lab("weight_scale_service", work)


def test_pairing_mode_is_advertised_for_a_minute() -> None:
    async def work(lab: Lab) -> None:
        assert not (await lab.heard()).limited
        await lab.device.hold_key()
        assert (await lab.heard()).limited
        await asyncio.sleep(61)
        assert not (await lab.heard()).limited
        await lab.device.hold_key()
        link = await lab.connect()
        await link.pair()
        await link.disconnect()
        await asyncio.sleep(0.1)
        assert not (await lab.heard()).limited, "a bond ends it"

    in_lab("weight_scale_service", work)


def test_who_pairs_only_in_pairing_mode() -> None:
    async def work(lab: Lab) -> None:
        lab.device.strict_pairing = True
        with pytest.raises(NeedsPairing):
            await lab.connect("2A9D")
        await lab.device.break_link()
        await lab.device.hold_key()
        await lab.connect("2A9D")

    in_lab("weight_scale_service", work)


def test_a_device_that_forgot_its_bond_hangs_up_until_it_is_paired_anew() -> None:
    async def work(lab: Lab) -> None:
        link = await lab.connect("2A9D")
        await link.disconnect()
        lab.device.forget_bond()
        with pytest.raises(DeviceLost):
            await lab.connect("2A9D")
        await lab.air.forget(lab.address)
        await lab.connect("2A9D")

    in_lab("weight_scale_service", work)


def test_six_digits_on_the_display() -> None:
    async def work(lab: Lab) -> None:
        async def type_it(address: str) -> int | None:
            assert address == lab.address
            return typed(lab.device.passkey)

        typed: Callable[[int], int | None] = lambda number: (number + 1) % 10**6  # noqa: E731
        lab.air.ask_passkey = type_it
        with pytest.raises(NeedsPairing):
            await lab.connect("2A18")
        await lab.device.break_link()
        typed = lambda number: number  # noqa: E731
        await lab.connect("2A18")
        assert lab.device.passkey is None

    in_lab("roche_accu_chek", work)


def test_a_stored_spot_check_says_that_it_is_stored() -> None:
    async def work(lab: Lab) -> None:
        link = await lab.connect("2A5E", "2A52")
        lab.device.give_spot()
        await asyncio.sleep(1)
        await _ask(lab, link, Request(Opcode.REPORT))
        live, again = (SpotCheck.parse(raw) for raw in lab.values("2A5E"))
        assert live.status is not None
        assert not live.status & MeasurementStatus.FROM_STORAGE
        await link.disconnect()
        link = await lab.connect("2A5E", "2A52")
        await _ask(lab, link, Request(Opcode.REPORT))
        stored = SpotCheck.parse(lab.values("2A5E")[-1])
        assert stored.status is not None
        assert stored.status & MeasurementStatus.FROM_STORAGE
        assert (stored.reading, stored.time) == (live.reading, live.time) == (again.reading, again.time)

    in_lab("pulse_oximeter_service", work)


def test_what_an_mtu_of_23_leaves() -> None:
    async def work(lab: Lab) -> None:
        lab.air.mtu = 23
        await lab.connect("2A35")
        lab.device.start_measuring()
        await asyncio.sleep(6)
        assert [len(raw) for raw in lab.values("2A35")] == [18]
        await lab.device.indicate_once(lab.device.result, bytes(40))
        assert len(lab.values("2A35")[-1]) == 20

    in_lab("blood_pressure_service", work)


@pytest.mark.parametrize("kind", [kind for kind in GENERIC if kind not in ("stethoscope", "crp_analyser")])
def test_a_reading_is_due_again_until_it_was_confirmed(kind: Any) -> None:
    async def work(lab: Lab) -> None:
        device: Instrument = lab.device
        device.passkey_display = False
        device.remember(BEGAN_S - 60)
        for fault in ("unsent", "unconfirmed"):
            device.mischief.plan(PushFault(fault))  # type: ignore[arg-type]
            with contextlib.suppress(DeviceLost):
                link = await lab.connect("2A52", device.result.uuid)
                await link.write("2A52", bytes(Request(Opcode.REPORT)))
            await asyncio.sleep(1)
            assert not device.connected
            entry = next(iter(device.memory))
            assert entry.sent == (kind == "glucose_meter" and fault == "unconfirmed"), "notifications are not confirmed"

    in_lab(GENERIC[kind], work)
