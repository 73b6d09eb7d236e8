"""The oximeter's stream as the pages see it: live, stale, lost or invalid, and why. Pure: time comes in.

live ──(3 s silence)──▶ stale ──(10 s silence, or the device is gone)──▶ lost
  ▲▼ the device says it has no valid value
invalid
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from carebag_devices.events import Identity, OximeterSample
from carebag_edge.errors import Refused
from carebag_edge.wording import as_code
from carebag_wire.visit import LiveVitals

STALE_AFTER = timedelta(seconds=3)
LOST_AFTER = timedelta(seconds=10)
SPOT_WINDOW = timedelta(seconds=5)
SETTLED_SAMPLES = 3
"""Fewer of them in the window and the value is called an early estimate."""
MOST_PLETH = 500
STEADY_SPO2 = Decimal(4)
"""Percentage points between the extremes of the window beyond which a spot value is called unsteady."""

State = Literal["live", "stale", "lost", "invalid"]


@dataclass(frozen=True)
class Spot:
    """A value to keep: a number the device really said, the lower median of the last seconds."""

    identity: Identity
    spo2: Decimal
    pulse: Decimal
    samples: int
    flags: tuple[str, ...]
    """The device's own, and ours: `early_estimate`, `unsteady`."""
    raw: bytes
    """The device's bytes of the window, one notification after the other."""


class VitalsStream:
    """Follows one oximeter. The moment of a change (`since`) does not depend on how often `tick` is called."""

    def __init__(self, monotonic_ns: int, now: datetime) -> None:
        """Lost until the first sample."""
        self._seq = 0
        self._state: State = "lost"
        self._since = now
        self._problem: str | None = "no_signal"
        self._heard: list[OximeterSample] = []
        self._heard_ns = monotonic_ns
        self._heard_at = now
        self._window: deque[tuple[int, OximeterSample]] = deque(maxlen=500)
        self.message = self._message()

    def sample(self, sample: OximeterSample, monotonic_ns: int, now: datetime) -> LiveVitals:
        """One notification came; gives the message for the pages."""
        self._heard = [sample]
        self._heard_ns, self._heard_at = monotonic_ns, now
        valid = sample.problem is None and sample.spo2 is not None and sample.spo2.is_finite()
        if valid:
            self._window.append((monotonic_ns, sample))
            message = self._enter("live", now, None)
        else:
            self._window.clear()
            message = self._enter("invalid", now, as_code(sample.problem or "no_valid_value"))
        # the wave goes out once and is part of no state: whoever asks for that later would draw it twice
        return message.model_copy(update={"pleth": list(sample.pleth[-MOST_PLETH:])})

    def gone(self, now: datetime) -> LiveVitals | None:
        """The device left; None if that was known."""
        if self._state == "lost":
            return None
        self._window.clear()
        return self._enter("lost", now, "device_lost")

    def another_visit(self, now: datetime) -> None:
        """What was measured last, and the seconds of it that a spot value is taken from, are another patient's."""
        self._heard = []
        self._window.clear()
        self._enter("lost", now, "no_signal")

    def tick(self, monotonic_ns: int) -> LiveVitals | None:
        """Time passed; a message if the state changed."""
        silence = timedelta(microseconds=(monotonic_ns - self._heard_ns) / 1000)
        if silence > LOST_AFTER and self._state != "lost":
            self._window.clear()
            return self._enter("lost", self._heard_at + LOST_AFTER, "device_lost")
        if silence > STALE_AFTER and self._state in ("live", "invalid"):
            return self._enter("stale", self._heard_at + STALE_AFTER, "no_new_value")
        return None

    def spot(self, monotonic_ns: int) -> Spot:
        """The value of now.

        Raises:
            Refused: `oximeter_not_live`.
        """
        self.tick(monotonic_ns)
        if self._state != "live":
            raise Refused("oximeter_not_live")
        begin = monotonic_ns - SPOT_WINDOW // timedelta(microseconds=1) * 1000
        recent = [sample for at, sample in self._window if at >= begin]
        values = [(s.spo2, s.pulse) for s in recent if s.spo2 is not None and s.pulse is not None]
        saturations = sorted(spo2 for spo2, _ in values)
        pulses = sorted(pulse for _, pulse in values)
        middle = (len(values) - 1) // 2
        return Spot(
            identity=recent[-1].identity,
            spo2=saturations[middle],
            pulse=pulses[middle],
            samples=len(values),
            flags=(*sorted({flag for s in recent for flag in s.flags}), *_doubts(saturations)),
            raw=b"".join(s.raw for s in recent),
        )

    @property
    def shown(self) -> LiveVitals | None:
        """The last message; None before any sample came, since then there is nothing to be lost."""
        return self.message if self._heard else None

    def _enter(self, state: State, since: datetime, problem: str | None) -> LiveVitals:
        if state != self._state or problem != self._problem:
            self._state, self._since, self._problem = state, since, problem
        self._seq += 1
        self.message = self._message()
        return self.message

    def _message(self) -> LiveVitals:
        last = self._heard[-1] if self._heard else None
        shown = last if last and self._state in ("live", "stale") and last.problem is None else None
        return LiveVitals(
            seq=self._seq,
            state=self._state,
            since=self._since,
            spo2_percent=number(shown.spo2) if shown else None,
            pulse_per_min=number(shown.pulse) if shown else None,
            problem=self._problem,
            measured_at=self._heard_at if last else None,
            device_id=last.identity.id[:500] if last else "",
        )


def _doubts(saturations: list[Decimal]) -> list[str]:
    doubts = ["early_estimate"] if len(saturations) < SETTLED_SAMPLES else []
    return [*doubts, "unsteady"] if saturations[-1] - saturations[0] > STEADY_SPO2 else doubts


def number(value: Decimal | None) -> str | None:
    """As the device said it, without exponent; None for what is no number."""
    return f"{value:f}" if value is not None and value.is_finite() else None
