"""What a hand can do with each simulated instrument. Every action returns at once; the instrument goes on by itself.

all            wake, hold_key, forget_bond, vanish (by the bag), low_battery
meters         clock_right, set_clock_wrong, fill_memory, clear_memory, user_1, user_2, user_unknown
cuff           start, measure, start_error, start_moved
oximeter       finger_on, finger_off, spot, measure
thermometer    measure, measure_error
scale          measure, measure_error
glucose_meter  measure, measure_control, measure_error, mark_meal
stethoscope    place, lift, scratch, silence_membrane, mend_membrane
crp_analyser   insert_cassette, insert_cassette_low, insert_cassette_error, measure (the body's own value)
"""

from collections.abc import Awaitable, Callable
from functools import partial

from carebag_devices.sim.berry import BerryOximeter
from carebag_devices.sim.body import Body
from carebag_devices.sim.crp_analyser import CrpAnalyser
from carebag_devices.sim.cuff import Cuff
from carebag_devices.sim.glucose_meter import BEFORE_MEAL, GlucoseMeter
from carebag_devices.sim.instrument import Instrument
from carebag_devices.sim.oximeter import Oximeter
from carebag_devices.sim.peripheral import Peripheral
from carebag_devices.sim.scale import Scale
from carebag_devices.sim.stethoscope import Stethoscope
from carebag_devices.sim.thermometer import Thermometer

Action = Callable[[], Awaitable[None] | None]
LOW_BATTERY = 9
UNKNOWN_USER = 255


def actions_of(device: Peripheral, body: Body) -> dict[str, Action]:
    """Every action of this instrument, `vanish` excepted."""
    common: dict[str, Action] = {
        "wake": device.wake,
        "hold_key": device.hold_key,
        "forget_bond": device.forget_bond,
        "low_battery": partial(device.set_battery, LOW_BATTERY),
    }
    meter = _meter(device) if isinstance(device, Instrument) else {}
    return common | meter | _own(device, body)


def _meter(device: Instrument) -> dict[str, Action]:
    return {
        "clock_right": device.clock.put_right,
        "set_clock_wrong": device.set_clock_wrong,
        "fill_memory": device.fill_memory,
        "clear_memory": device.memory.clear,
        "low_battery": partial(device.use_battery, LOW_BATTERY),
        "user_1": partial(_choose, device, 1),
        "user_2": partial(_choose, device, 2),
        "user_unknown": partial(_choose, device, UNKNOWN_USER),
    }


def _choose(device: Instrument, user: int) -> None:
    device.user = user


def _own(device: Peripheral, body: Body) -> dict[str, Action]:
    match device:
        case Cuff():
            return {
                "start": device.start_measuring,
                "measure": device.start_measuring,
                "start_error": partial(device.start_measuring, "cuff_too_loose"),
                "start_moved": partial(device.start_measuring, "body_moved"),
            }
        case Oximeter():
            fingers: dict[str, Action] = {"finger_on": device.finger_on, "finger_off": device.finger_off}
            return fingers | {"spot": device.give_spot, "measure": device.give_spot}
        case BerryOximeter():
            return {"finger_on": device.finger_on, "finger_off": device.finger_off}
        case Thermometer():
            return {"measure": device.measure, "measure_error": partial(device.measure, failing=True)}
        case Scale():
            return {"measure": device.step_on, "measure_error": partial(device.step_on, failing=True)}
        case GlucoseMeter():
            return {
                "measure": device.measure,
                "measure_control": partial(device.measure, "control"),
                "measure_error": partial(device.measure, "short_sample"),
                "mark_meal": partial(setattr, device, "meal", BEFORE_MEAL),
            }
        case Stethoscope():
            return {
                "place": partial(setattr, device, "on_skin", True),
                "lift": partial(setattr, device, "on_skin", False),
                "scratch": device.scratch,
                "silence_membrane": partial(setattr, device, "membrane_silent", True),
                "mend_membrane": partial(setattr, device, "membrane_silent", False),
            }
        case CrpAnalyser():
            return {
                "insert_cassette": partial(device.insert_cassette, "12"),
                "insert_cassette_low": partial(device.insert_cassette, "<5"),
                "insert_cassette_error": partial(device.insert_cassette, "", "X"),
                "measure": partial(device.insert_cassette, body.crp),
            }
    return {}
