"""When a stream of oximeter values becomes a value that may be kept: shown steady, with light enough and at rest.

Pure of clock and device: what the oximeter says each second goes in, accepted, wait or refuse with the reason comes
out. Grounds: accuracy of oximeters is verified down to about 0.3 % of modulation (Nonin 7500, operator's manual) and
70 % saturation (ISO 80601-2-61: accuracy stated over 70-100 %, within 4 % root mean square); they answer within 30 s,
so that a number that has just appeared is not yet the patient's. Seconds and steps are ours.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

from carebag_signal.vitals.taken import rounded

State = Literal["accepted", "wait", "refuse"]
Reason = Literal["steady", "assessing", "changing", "jumped", "no_value", "implausible", "weak", "movement", "device"]

STEADY_S = 10.0
LOWEST_PERCENT, HIGHEST_PERCENT = 50.0, 100.0
LOWEST_PULSE, HIGHEST_PULSE = 25.0, 250.0
LOWEST_PERFUSION_PERCENT = 0.3
_STEADY_SPREAD_PERCENT = 2.0
_STEADY_SPREAD_PULSE = 12.0
_JUMP_PERCENT = 4.0
"""From one value to the next: no body desaturates so fast, a slipping sensor does."""
_LONGEST_SILENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Oximetry:
    """What the oximeter says at a time; None where it says nothing.

    Raises: ValueError if the time is not finite.
    """

    at_s: float
    """On any clock that does not go back."""
    spo2_percent: float | None
    pulse_per_min: float | None
    perfusion_percent: float | None = None
    """None if the model tells none: then light is judged by the device's own word alone."""
    movement: bool = False
    device_doubts: bool = False
    """It called the value questionable, invalid or searching."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.at_s):
            raise ValueError("at_s must be finite")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What may be done with the saturation now."""

    at_s: float
    state: State
    reason: Reason
    spo2_percent: int | None
    """Median of the steady seconds; None unless accepted."""
    pulse_per_min: int | None
    below_verified: bool
    """Accepted below 70 %, where oximeters state no accuracy: true or not, it is to be acted on by looking."""


class SpO2Acceptance:
    """One finger. Everything that is refused, a jump, and a silence start the steady seconds anew."""

    def __init__(self, steady_s: float = STEADY_S) -> None:
        """Raises: ValueError unless 1 <= steady_s <= 120."""
        if not 1 <= steady_s <= 120:
            raise ValueError("steady_s must be within 1 and 120")
        self._steady_s = steady_s
        self._kept: deque[tuple[float, float, float]] = deque()

    def feed(self, said: Oximetry) -> Acceptance:
        """Judges one value.

        Raises: ValueError if its time is before that of the last.
        """
        if self._kept and said.at_s < self._kept[-1][0]:
            raise ValueError("at_s must not go back")
        refusal = _refusal(said)
        if refusal is not None or said.spo2_percent is None or said.pulse_per_min is None:
            self._kept.clear()
            return Acceptance(said.at_s, "refuse", refusal or "no_value", None, None, False)
        if self._kept and said.at_s - self._kept[-1][0] > _LONGEST_SILENCE_S:
            self._kept.clear()
        jumped = bool(self._kept) and abs(said.spo2_percent - self._kept[-1][1]) > _JUMP_PERCENT
        if jumped:
            self._kept.clear()
        self._kept.append((said.at_s, said.spo2_percent, said.pulse_per_min))
        # the oldest kept is the last one at least `steady_s` old, so that the span is covered
        while len(self._kept) > 1 and said.at_s - self._kept[1][0] >= self._steady_s:
            self._kept.popleft()
        return self._judge(said.at_s, jumped)

    def _judge(self, now: float, jumped: bool) -> Acceptance:
        _, saturations, pulses = zip(*self._kept, strict=True)
        if jumped:
            return Acceptance(now, "wait", "jumped", None, None, False)
        if max(saturations) - min(saturations) > _STEADY_SPREAD_PERCENT:
            return Acceptance(now, "wait", "changing", None, None, False)
        if max(pulses) - min(pulses) > _STEADY_SPREAD_PULSE:
            return Acceptance(now, "wait", "changing", None, None, False)
        if now - self._kept[0][0] < self._steady_s:
            return Acceptance(now, "wait", "assessing", None, None, False)
        saturation, pulse = _median(saturations), _median(pulses)
        return Acceptance(now, "accepted", "steady", saturation, pulse, saturation < 70)


def _refusal(said: Oximetry) -> Reason | None:
    if said.device_doubts:
        return "device"
    if _absent(said.spo2_percent) or _absent(said.pulse_per_min):
        return "no_value"
    if not _within(said.spo2_percent, LOWEST_PERCENT, HIGHEST_PERCENT):
        return "implausible"
    if not _within(said.pulse_per_min, LOWEST_PULSE, HIGHEST_PULSE):
        return "implausible"
    if said.movement:
        return "movement"
    # a perfusion that is no number is no light
    if said.perfusion_percent is not None and not said.perfusion_percent >= LOWEST_PERFUSION_PERCENT:
        return "weak"
    return None


def _absent(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _within(value: float | None, low: float, high: float) -> bool:
    return value is not None and low <= value <= high


def _median(values: tuple[float, ...]) -> int:
    ordered = sorted(values)
    middle = len(ordered) // 2
    low = ordered[middle] if len(ordered) % 2 else ordered[middle - 1]
    return int(rounded((low + ordered[middle]) / 2))
