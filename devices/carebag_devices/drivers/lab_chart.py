"""From what an analyser says of one test to what the kit is told: the same for every protocol and every wire.

A result is kept before it is acknowledged, told once however often it comes, and `live` only if that is certain.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from carebag_devices.catalog import SIMULATOR_MAKER, UCUM, Model
from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.drivers.session import Reporter
from carebag_devices.events import Measured, Value
from carebag_devices.plausible import doubts

CLOCK_TOLERANCE_S = 120.0
"""An analyser's clock that reads within this of ours is taken for right. No cassette is done faster."""
RUN_LASTS_S = 15 * 60.0
"""No cassette takes longer; analysers begin anew with their sample numbers every day."""


@dataclass(frozen=True)
class LabResult:
    """One test of one sample. `completed` and `sent` are the analyser's own clock, ISO, with zone where it says one."""

    sample: str
    code: str
    value: LabValue
    unit: str
    """As sent."""
    raw: bytes
    completed: str | None = None
    sent: str | None = None
    """When it put the message together."""
    failed: bool = False
    """It says that there will be no value."""
    corrected: bool = False
    resent: bool = False
    """It says that it told this before, or it was fetched from its memory."""
    proved_live: bool = False
    """Known to be completed on this connection, whatever the clocks say."""
    flags: tuple[str, ...] = ()


class LabChart:
    """One connection's results. `unix` is the kit's wall clock; it decides only between `live` and `stored`."""

    def __init__(self, report: Reporter, model: Model, unix: Callable[[], float] = time.time) -> None:
        self._report, self._model, self._unix = report, model, unix
        self._connected = report.ledger.monotonic()
        self._analyser = ""

    def meet(self, *, name: str = "", serial: str = "", firmware: str = "", maker: str = "") -> None:
        """What the analyser says of itself; what is known already stays."""
        known = self._report.identity
        said = {"model": name, "serial": serial, "firmware": firmware, "maker": maker}
        fresh = {key: text for key, text in said.items() if text and not getattr(known, key)}
        if SIMULATOR_MAKER in (name, maker):
            fresh["maker"] = SIMULATOR_MAKER
        if fresh:
            self._report.describe(**fresh)
        # the same analyser on another port, or on Bluetooth, is the same analyser
        self._analyser = f"{name}:{serial}" if serial else ""

    def keep_all(self, results: Sequence[LabResult]) -> bool:
        """Tell the tests this model is known for; of a panel the others are left out, alone they are a problem."""
        known = [result for result in results if result.code in self._model.tests]
        told = [self.keep(result) for result in known or results[:1]]
        return all(told)

    def keep(self, result: LabResult) -> bool:
        """Whether the kit has it now, by this call or by one before."""
        values, problem, flags = self._meaning(result)
        age_s = self.age_s(result.completed or "") if self._times_are_right(result) else None
        return self._report.measured(
            Measured(
                identity=self._report.identity,
                kind="crp",
                values=values,
                problem=problem,
                flags=(*flags, *result.flags, *doubts(values)),
                device_time=_without_zone(result.completed),
                raw=result.raw,
                provenance=self._provenance(result),
                measurement_id=self._measurement_id(result),
                age_s=age_s,
                age_uncertainty_s=None if age_s is None else CLOCK_TOLERANCE_S,
            )
        )

    def keep_unreadable(self, raw: bytes, reason: str, *, live: bool) -> bool:
        """Something that was meant as a result and cannot be read. `live`: one was awaited."""
        return self._report.measured(
            Measured(
                identity=self._report.identity,
                kind="crp",
                values=(),
                problem="not_readable",
                flags=(reason,),
                device_time=None,
                raw=raw,
                provenance="live" if live else "stored",
                measurement_id=self._id("", _digest(raw)),
            )
        )

    def begun(self, sample: str) -> None:
        """The analyser told that it has this sample in work: its result will be live, also after a lost link."""
        if sample:
            self._report.ledger.note(self._run(sample))

    def saw_begin(self, sample: str) -> bool:
        """Whether a run of this sample was seen to begin not too long ago."""
        return any(self._report.ledger.is_repeat(self._run(sample, back)) for back in (0, 1))

    def on_this_connection(self, completed: str) -> bool:
        """Whether this time, if the analyser's clock is right, lies between the making of the connection and now."""
        at, now = _unix(completed), self._unix()
        return at is not None and self._since(now) <= at <= now + CLOCK_TOLERANCE_S

    def age_s(self, completed: str) -> float:
        """By the kit's clock; 0 for a time that is none, or to come."""
        at = _unix(completed)
        return 0.0 if at is None else max(0.0, self._unix() - at)

    def _since(self, now: float) -> float:
        return now - (self._report.ledger.monotonic() - self._connected)

    def _meaning(self, result: LabResult) -> tuple[tuple[Value, ...], str | None, tuple[str, ...]]:
        """Values, problem, flags. A value is only made from a known test, a clear number and a known unit."""
        corrected = ("corrected",) if result.corrected else ()
        name, unit, value = self._model.tests.get(result.code), UCUM.get(result.unit), result.value
        if name is None:
            return (), "unknown_test", corrected
        if result.failed or value.refused == "no_number":
            return (), "cassette_error", corrected
        if value.number is None:
            return (), "not_readable", (*corrected, value.refused)
        if unit is None:
            return (), "unknown_unit", corrected
        return (Value(name, value.number, unit, value.comparator),), None, corrected

    def _provenance(self, result: LabResult) -> Literal["live", "stored"]:
        """Live: completed on this connection, or begun where the kit saw it. Everything else may be old: stored."""
        if result.resent:
            return "stored"
        if result.proved_live or self.saw_begin(result.sample):
            return "live"
        completed, now = _unix(result.completed), self._unix()
        if completed is None or not self._times_are_right(result):
            return "stored"
        return "live" if self._since(now) + CLOCK_TOLERANCE_S <= completed <= now + CLOCK_TOLERANCE_S else "stored"

    def _times_are_right(self, result: LabResult) -> bool:
        """Its message was put together now by both clocks: then its other time can be believed."""
        sent = _unix(result.sent)
        if sent is None or _unix(result.completed) is None:
            return False
        return abs(self._unix() - sent) <= CLOCK_TOLERANCE_S

    def _measurement_id(self, result: LabResult) -> str:
        """Analyser, time, test and content. The sample may be a person's number and is only in the digest."""
        value = result.value
        said = (
            result.sample,
            value.text,
            str(value.comparator),
            result.unit,
            str(result.corrected),
            str(result.failed),
        )
        content = "\x1f".join(said).encode() + (b"" if result.completed else result.raw)
        return self._id(result.completed or "", result.code, _digest(content))

    def _id(self, *parts: str) -> str:
        return "/".join((self._analyser or self._report.identity.id, *parts))

    def _run(self, sample: str, back: int = 0) -> Measured:
        """A mark for the ledger: this run was seen to begin in this span of time, or `back` spans before."""
        span = int(self._report.ledger.monotonic() // RUN_LASTS_S) - back
        return Measured(
            identity=self._report.identity,
            kind="crp",
            values=(),
            problem=None,
            flags=(),
            device_time=None,
            raw=b"",
            provenance="stored",
            measurement_id=self._id("run", str(span), _digest(sample.encode())),
        )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _without_zone(stamp: str | None) -> str | None:
    """ISO as the analyser's display shows it; what is no time stays as it was sent."""
    try:
        return datetime.fromisoformat(stamp or "").replace(tzinfo=None).isoformat(timespec="seconds")
    except ValueError:
        return stamp


def _unix(stamp: str | None) -> float | None:
    """Without a zone it is local time; an incomplete time is none."""
    if not stamp or len(stamp) < len("2026-11-22T10:15"):
        return None
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
