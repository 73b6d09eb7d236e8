"""Does the steps of a script to simulated instruments, at their times; or one fault, now."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, get_args

from carebag_devices.lab.faults import FaultName, Script, Step
from carebag_devices.sim.crp_analyser import CrpAnalyser
from carebag_devices.sim.cuff import Cuff
from carebag_devices.sim.device_clock import Wrong
from carebag_devices.sim.glucose_meter import GlucoseMeter
from carebag_devices.sim.handled import HandledBag
from carebag_devices.sim.instrument import FILL, Instrument
from carebag_devices.sim.mischief import Break, PushFault
from carebag_devices.sim.oximeter import Oximeter, Pretence
from carebag_devices.sim.peripheral import Peripheral
from carebag_devices.sim.stethoscope import Stethoscope

KEEP_BYTES = 5
LOW_PERCENT = 4
OVERRUN_SAMPLES = 400
LOUDEST_DB = 30
_BREAKS: dict[str, Break] = {
    "break_unsent": "unsent",
    "break_unconfirmed": "unconfirmed",
    "break_confirmed": "confirmed",
}
_USERS = {"user_1": 1, "user_2": 2, "user_unknown": 255}
_PRETENCES: dict[str, Pretence] = {
    "demonstration": "demonstration_data",
    "testing": "test_data",
    "questionable": "measurement_questionable",
    "invalid": "measurement_invalid",
}
_CASSETTES = {"below_range": ("<5", "F"), "above_range": (">200", "F"), "cassette_error": ("", "X")}


class NotHere(ValueError):
    """This instrument cannot have this fault; the text names both."""


class Player:
    """`bag`: started by its owner."""

    def __init__(self, bag: HandledBag) -> None:
        self._bag = bag

    async def play(self, script: Script) -> None:
        """All steps, then until the script's end. Raises `NotHere`, and `KeyError` for an action there is none of."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for step in script.steps:
            await asyncio.sleep(began + step.at_s - loop.time())
            await self.do(step)
        await asyncio.sleep(began + script.lasts_s - loop.time())

    async def do(self, step: Step) -> None:
        """One step, now."""
        if step.fault is None:
            await self._bag.press(step.device, step.do)
        else:
            await self.inject(step.device, step.fault, after=step.after, amount=step.amount)

    async def inject(self, device: str, fault: FaultName, *, after: int = 0, amount: int | None = None) -> None:
        """Raises `NotHere`, and `KeyError` for a device that is not in the bag."""
        one = self._bag.devices[device]
        planned = _push_fault(fault, amount)
        if planned is not None:
            one.mischief.plan(planned, after=after)
            return
        effect = self._on_link(device, one, fault, amount) or _on_device(one, fault, amount)
        if effect is None:
            raise NotHere(f"{device}: {fault}")
        doing = effect()
        if isinstance(doing, Awaitable):
            await doing

    def _on_link(self, device: str, one: Peripheral, fault: FaultName, amount: int | None) -> Callable[[], Any] | None:
        match fault:
            case "disconnect":
                return one.break_link
            case "supervision_time_out":
                return lambda: self._bag.lose(device)
            case "bond_lost":
                return one.forget_bond
            case "low_battery":
                percent = LOW_PERCENT if amount is None else amount
                return lambda: (one.use_battery if isinstance(one, Instrument) else one.set_battery)(percent)
        return None


def _push_fault(fault: FaultName, amount: int | None) -> PushFault | None:
    if fault in _BREAKS:
        return PushFault(_BREAKS[fault])
    if fault == "truncate":
        return PushFault(keep=KEEP_BYTES if amount is None else amount)
    return PushFault(twice=True) if fault == "duplicate" else None


def _on_device(one: Peripheral, fault: FaultName, amount: int | None) -> Callable[[], Any] | None:
    if isinstance(one, Instrument) and (effect := _on_meter(one, fault, amount)):
        return effect
    match one, fault:
        case Cuff(), "nan_mean":
            return lambda: setattr(one, "nan_mean", True)
        case Cuff(), "big_endian":
            return lambda: setattr(one, "habits", replace(one.habits, byte_order="big"))
        case Oximeter(), _ if fault in _PRETENCES:
            return lambda: setattr(one, "pretence", _PRETENCES[fault])
        case GlucoseMeter(), "control_solution":
            return lambda: one.measure("control")
        case GlucoseMeter(), "above_range":
            return lambda: one.measure("too_high")
        case CrpAnalyser(), _:
            return _on_analyser(one, fault, amount or 1)
        case Stethoscope(), _:
            return _on_stethoscope(one, fault, amount)
    return None


def _on_meter(one: Instrument, fault: FaultName, amount: int | None) -> Callable[[], Any] | None:
    if fault in get_args(Wrong):
        return lambda: one.set_clock_wrong(fault)  # type: ignore[arg-type]
    if fault in _USERS:
        return lambda: setattr(one, "user", _USERS[fault])
    if fault == "clock_refuses":
        return lambda: setattr(one.clock, "refuses", True)
    if fault == "fill_memory":
        return lambda: one.fill_memory(FILL if amount is None else amount)
    return None


def _on_analyser(one: CrpAnalyser, fault: FaultName, amount: int) -> Callable[[], Any] | None:
    if fault in _CASSETTES:
        return lambda: one.insert_cassette(*_CASSETTES[fault])
    match fault:
        case "qc_result":
            return one.insert_control
        case "corrupt_frames":
            return lambda: setattr(one.faults, "corrupt_frames", amount)
        case "repeat_frames":
            return lambda: setattr(one.faults, "repeated_frames", amount)
    return None


def _on_stethoscope(one: Stethoscope, fault: FaultName, amount: int | None) -> Callable[[], Any] | None:
    """The `amount`-th frame of the stream, or the one after next."""
    number = one.next_frame + 2 if amount is None else amount
    match fault:
        case "sound_gap":
            return lambda: one.faults.drop.add(number)
        case "overrun":
            return lambda: one.faults.overrun.update({number: OVERRUN_SAMPLES})
        case "clip":
            return lambda: setattr(one, "too_loud_db", LOUDEST_DB)
    return None
