"""Scripts at random: people who measure, instruments that misbehave. The same seed gives the same script."""

import random
from collections.abc import Mapping

from carebag_devices.events import Kind
from carebag_devices.lab.faults import FaultName, Script, Step, in_order
from carebag_devices.sim.scenarios import NAMES

MEASURES: Mapping[Kind, tuple[str, ...]] = {
    "cuff": ("measure", "measure", "measure", "start_error", "start_moved"),
    "oximeter": ("spot", "spot", "finger_on", "finger_off"),
    "thermometer": ("measure", "measure", "measure", "measure_error"),
    "scale": ("measure", "measure", "measure", "measure_error"),
    "glucose_meter": ("measure", "measure", "measure", "measure_control", "measure_error", "mark_meal"),
    "crp_analyser": ("measure", "insert_cassette", "insert_cassette_low", "insert_cassette_error"),
}
LINK: tuple[FaultName, ...] = (
    "break_unsent",
    "break_unconfirmed",
    "break_confirmed",
    "disconnect",
    "supervision_time_out",
    "truncate",
    "duplicate",
    "bond_lost",
    "low_battery",
)
CLOCKS: tuple[FaultName, ...] = (
    "clock_1970",
    "clock_unset",
    "clock_year_0",
    "clock_dst",
    "clock_12h",
    "clock_minutes",
    "clock_refuses",
)
METER: tuple[FaultName, ...] = (*CLOCKS, "fill_memory")
OWN: Mapping[Kind, tuple[FaultName, ...]] = {
    "cuff": ("nan_mean", "user_1", "user_2", "user_unknown", *METER),
    "oximeter": ("demonstration", "testing", "questionable", "invalid", *METER),
    "thermometer": METER,
    "scale": ("user_1", "user_2", "user_unknown", *METER),
    "glucose_meter": ("control_solution", "above_range", *METER),
    "crp_analyser": ("qc_result", "below_range", "above_range", "cassette_error", "corrupt_frames", "repeat_frames"),
}
MODELS: Mapping[Kind, tuple[str | None, ...]] = {
    "cuff": (
        None,
        "blood_pressure_service",
        "and_ua651",
        "beurer_bm48",
        "beurer_bm59",
        "beurer_bm85",
        "omron_x4_smart",
        "omron_connect",
        "elite900",
    ),
    "oximeter": (None, "pulse_oximeter_service", "nonin_3230", "masimo_mightysat", "berry_bm1000"),
    "thermometer": ("health_thermometer_service", "and_ut201"),
    "scale": ("weight_scale_service", "and_uc352"),
    "glucose_meter": ("glucose_service", "roche_accu_chek"),
    "crp_analyser": ("lis2_over_nordic_uart",),
}
HANDS = ("wake", "vanish", "wake")


def random_script(seed: int) -> Script:
    """One to three instruments, four to fourteen steps within two to six minutes."""
    draw = random.Random(seed)  # noqa: S311 - a script, not a secret
    kinds = draw.sample(sorted(MEASURES), draw.choice((1, 1, 2, 2, 3)))
    devices: dict[Kind, str | None] = {kind: draw.choice(MODELS[kind]) for kind in kinds}
    lasts_s = float(draw.randrange(120, 360))
    steps = [_step(draw, kind, devices[kind], lasts_s) for kind in draw.choices(kinds, k=draw.randrange(4, 15))]
    return Script(in_order(steps), seed, draw.choice(NAMES), devices, lasts_s)


def _step(draw: random.Random, kind: Kind, model: str | None, lasts_s: float) -> Step:
    at_s = round(draw.uniform(0.0, lasts_s), 3)
    if model == "berry_bm1000":
        return Step(at_s, kind, draw.choice(("finger_on", "finger_on", "finger_off", "vanish")))
    what = draw.random()
    if what < 0.45:
        return Step(at_s, kind, draw.choice(MEASURES[kind]))
    if what < 0.55:
        return Step(at_s, kind, draw.choice(HANDS))
    if what < 0.8:
        fault = draw.choice(LINK)
        return Step(at_s, kind, fault=fault, after=draw.choice((0, 0, 0, 1, 2, 5)), amount=_amount(draw, fault))
    fault = draw.choice(OWN[kind])
    return Step(at_s, kind, fault=fault, amount=_amount(draw, fault))


def _amount(draw: random.Random, fault: FaultName) -> int | None:
    match fault:
        case "truncate":
            return draw.randrange(0, 20)
        case "fill_memory":
            return draw.choice((1, 3, 12, 60))
        case "corrupt_frames" | "repeat_frames":
            return draw.randrange(1, 4)
        case "low_battery":
            return draw.randrange(1, 20)
    return None
