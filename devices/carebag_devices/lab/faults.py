"""What can go wrong with an instrument, as data: typed, in order, the same bytes for the same seed.

A script is a JSON-lines file: first the stage, then one step a line.

    {"seed": 7, "scenario": "septic", "devices": {"cuff": "beurer_bm85", "scale": null}, "lasts_s": 300}
    {"at_s": 12.5, "device": "cuff", "do": "measure"}
    {"at_s": 13.0, "device": "cuff", "fault": "break_unconfirmed", "after": 2}
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, Literal, Self, get_args

from carebag_devices.events import Kind
from carebag_devices.sim.scenarios import NAMES, ScenarioName

FaultName = Literal[
    # the link, at the next value (or the one `after` it)
    "break_unsent",
    "break_unconfirmed",
    "break_confirmed",
    "disconnect",
    "supervision_time_out",
    "truncate",
    "duplicate",
    # bonds and battery
    "bond_lost",
    "low_battery",
    # clocks
    "clock_1970",
    "clock_unset",
    "clock_year_0",
    "clock_dst",
    "clock_12h",
    "clock_minutes",
    "clock_refuses",
    # what the device says
    "nan_mean",
    "big_endian",
    "user_unknown",
    "user_1",
    "user_2",
    "fill_memory",
    "demonstration",
    "testing",
    "questionable",
    "invalid",
    "control_solution",
    # the analyser
    "qc_result",
    "below_range",
    "above_range",
    "cassette_error",
    "corrupt_frames",
    "repeat_frames",
    # sound
    "sound_gap",
    "overrun",
    "clip",
]
FAULTS: tuple[FaultName, ...] = get_args(FaultName)
KINDS: tuple[Kind, ...] = get_args(Kind)


class BadScript(ValueError):
    """A script that says what no script may say; the text names the line and why."""


@dataclass(frozen=True)
class Step:
    """Either a hand's action (`do`) or a fault. `amount`: bytes to keep, readings, frames, percent, as it needs."""

    at_s: float
    device: Kind
    do: str = ""
    fault: FaultName | None = None
    after: int = 0
    """Faults of the link: so many values go well first."""
    amount: int | None = None

    def __post_init__(self) -> None:
        if bool(self.do) == (self.fault is not None):
            raise BadScript("a step is either something done or a fault")
        if self.at_s < 0 or self.after < 0:
            raise BadScript("at_s and after are not negative")

    def as_data(self) -> dict[str, Any]:
        said = {"at_s": self.at_s, "device": self.device, "do": self.do, "fault": self.fault, "amount": self.amount}
        return {name: value for name, value in said.items() if value not in ("", None)} | (
            {"after": self.after} if self.after else {}
        )

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Raises `BadScript`."""
        unknown = set(data) - {"at_s", "device", "do", "fault", "after", "amount"}
        if unknown:
            raise BadScript(f"unknown {', '.join(sorted(unknown))}")
        device, fault = data.get("device"), data.get("fault")
        if device not in KINDS:
            raise BadScript(f"no device is called {device!r}")
        if fault is not None and fault not in FAULTS:
            raise BadScript(f"no fault is called {fault!r}")
        at_s, after, amount = data.get("at_s", 0.0), data.get("after", 0), data.get("amount")
        if not _number(at_s) or not isinstance(after, int) or not isinstance(amount, int | None):
            raise BadScript("at_s, after and amount are numbers")
        return cls(float(at_s), device, str(data.get("do", "")), fault, after, amount)


@dataclass(frozen=True)
class Script:
    """`devices`: kind → model of the catalog, None for a plain one of our own."""

    steps: tuple[Step, ...] = ()
    seed: int = 1
    scenario: ScenarioName = "everyday"
    devices: Mapping[Kind, str | None] = field(default_factory=dict)
    lasts_s: float = 0.0
    """At least until the last step."""

    def hurried(self, by: float) -> Self:
        """The same in a `by`-th of the time."""
        steps = tuple(replace(step, at_s=step.at_s / by) for step in self.steps)
        return replace(self, steps=steps, lasts_s=self.lasts_s / by)

    def lines(self) -> str:
        """The file's text."""
        stage = {
            "seed": self.seed,
            "scenario": self.scenario,
            "devices": dict(self.devices),
            "lasts_s": self.lasts_s,
        }
        return "".join(json.dumps(data) + "\n" for data in (stage, *(step.as_data() for step in self.steps)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `BadScript`. Steps come out in the order of their times."""
        rows = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if not rows:
            raise BadScript("empty")
        stage = _stage(_data(*rows[0]))
        steps = []
        for number, line in rows[1:]:
            try:
                step = Step.from_data(_data(number, line))
                if stage["devices"] and step.device not in stage["devices"]:
                    raise BadScript(f"the first line names no {step.device}")
                steps.append(step)
            except BadScript as error:
                raise BadScript(f"line {number}: {error}") from None
        return cls(tuple(sorted(steps, key=lambda step: step.at_s)), **stage)


def read_script(path: Path) -> Script:
    """Raises `BadScript`, `OSError`."""
    try:
        return Script.parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise BadScript("no text in UTF-8") from None


def _data(number: int, line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError:
        raise BadScript(f"line {number}: no JSON") from None
    if not isinstance(data, dict):
        raise BadScript(f"line {number}: no JSON object")
    return data


def _stage(data: dict[str, Any]) -> dict[str, Any]:
    unknown = set(data) - {"seed", "scenario", "devices", "lasts_s"}
    devices, scenario = data.get("devices", {}), data.get("scenario", "everyday")
    if unknown or not isinstance(devices, dict) or not set(devices) <= set(KINDS):
        raise BadScript("line 1: seed, scenario, devices and lasts_s, with kinds of devices")
    if scenario not in NAMES:
        raise BadScript(f"line 1: no scenario is called {scenario!r}")
    if not isinstance(data.get("seed", 1), int) or not _number(data.get("lasts_s", 0.0)):
        raise BadScript("line 1: seed and lasts_s are numbers")
    if not all(isinstance(model, str | None) for model in devices.values()):
        raise BadScript("line 1: a model is a key of the catalog, or null")
    return {
        "seed": data.get("seed", 1),
        "scenario": scenario,
        "devices": devices,
        "lasts_s": float(data.get("lasts_s", 0.0)),
    }


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(sorted(steps, key=lambda step: step.at_s))
