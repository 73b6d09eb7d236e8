"""What all meters have in common: results come as values of characteristics, fresh or out of the device's memory.

Whether a result was measured before our eyes decides whose it is, so it is never guessed:

    the device says so, or it was asked for its memory   stored
    its age is known by the device's own clock           live if taken while we watched or were linked, else stored;
                                                         the kit then compares the age with the visit
    watched (pressure rising, intermediate values)       live
    no time stamp at all                                 live: memory without stamps is forbidden by the specifications
    anything else                                        stored: the unassigned tray, where a person decides
"""

import asyncio
from typing import ClassVar, Literal

from carebag_devices.catalog import Model
from carebag_devices.device_clock import Age
from carebag_devices.drivers.session import Reporter
from carebag_devices.events import DeviceState, Measured
from carebag_devices.link import Link, Receive
from carebag_devices.meaning import Meaning, meaning_of

QUIET_S = 2.0
"""A dump of stored readings has ended when nothing came for so long."""
SETTLED_S = 10.0
"""A device that was listened to in silence for so long and then sends one result has just measured it."""
UNWATCHED_SILENCE_S = 60.0
"""No more intermediate values and no result for so long: nobody measures any more."""
WATCH_LASTS_S = 300.0
"""A measurement that was seen to begin and whose link broke may still deliver its result within this time."""


class MeterDriver:
    """Subscribes to `results`; the first of them that the device has, where two are forms of the same."""

    results: ClassVar[tuple[tuple[str, ...], ...]]
    """Characteristics, alternatives in a tuple of their own, the preferred one first."""

    def __init__(self, link: Link, report: Reporter, model: Model) -> None:
        self._link, self._report, self._model = link, report, model
        self._loop = asyncio.get_running_loop()
        self._monotonic = report.ledger.monotonic
        self._linked_at = self._last_at = self._monotonic()
        self._watched = False
        """A measurement was seen to begin on this link."""
        self._synchronising = False
        self._giving_up: asyncio.TimerHandle | None = None
        self._came = asyncio.Event()
        self.refused = False
        """The kit could not take a result; it has to come again on the next connection."""

    @property
    def busy(self) -> bool:
        return self._giving_up is not None or self._synchronising

    async def subscribe(self) -> None:
        for alternatives in self.results:
            present = next((one for one in alternatives if self._link.has(one)), None)
            if present is not None:
                await self._link.subscribe(present, self._receiver(present))
        self._last_at = self._monotonic()

    def ready(self) -> None:
        if not self.busy:
            self._report.enter(DeviceState.READY)

    def close(self) -> None:
        self._stop_waiting()

    async def synchronise(self) -> bool:
        """Devices that push their memory are listened to until they fall silent."""
        if self._model.memory != "pushes":
            return True
        while True:
            self._came.clear()
            try:
                async with asyncio.timeout(QUIET_S):
                    await self._came.wait()
            except TimeoutError:
                return not self.refused

    def on_result(self, characteristic: str, raw: bytes) -> None:
        """One indication or notification of a result."""
        self.take(meaning_of(self._model, characteristic, raw), raw)

    def take(self, meant: Meaning, raw: bytes) -> None:
        """Tell what one result means; durable in the kit when this returns."""
        measurement = self._measured(meant, raw)
        kept = self._report.measured(measurement)
        self.refused = self.refused or not kept
        self._watched, self._report.began_at = False, None
        self._stop_waiting()
        self._last_at = self._monotonic()
        self._came.set()
        if not self._synchronising:
            self._report.enter(DeviceState.READY)

    def _receiver(self, characteristic: str) -> Receive:
        return lambda raw: self.on_result(characteristic, raw)

    def _measured(self, meant: Meaning, raw: bytes) -> Measured:
        age = self._report.clock.age(meant.time)
        doubt = ("device_clock_changed",) if self._report.clock.doubts(meant.time) else ()
        sequence = "" if meant.sequence is None else str(meant.sequence)
        parts = [part for part in (sequence, meant.time or "") if part]
        return Measured(
            identity=self._report.identity,
            kind=meant.kind,
            values=meant.values,
            problem=meant.problem,
            flags=(*meant.flags, *doubt),
            device_time=meant.time,
            raw=raw,
            provenance=self._provenance(meant, age),
            measurement_id=self._report.measurement_id(*parts, raw=meant.same or raw),
            age_s=age.seconds if age else None,
            age_uncertainty_s=age.uncertainty_s if age else None,
            user=meant.user,
        )

    def _provenance(self, meant: Meaning, age: Age | None) -> Literal["live", "stored"]:
        if meant.stored or self._synchronising:
            return "stored"
        now, began_at = self._monotonic(), self._began_at()
        if age is not None:
            seen_s = now - (self._linked_at if began_at is None else min(began_at, self._linked_at))
            slack_s = -age.uncertainty_s if began_at is None else age.uncertainty_s
            return "live" if age.seconds - slack_s <= seen_s else "stored"
        if self._watched and self._model.memory == "pushes":
            # old ones may come in the middle of a measurement; they follow closely upon each other
            return "live" if now - self._last_at >= QUIET_S else "stored"
        if self._watched or (began_at is not None and self._model.memory == "none"):
            return "live"
        return "live" if meant.time is None or now - self._last_at >= SETTLED_S else "stored"

    def _began_at(self) -> float | None:
        began_at = self._report.began_at
        return None if began_at is None or self._monotonic() - began_at > WATCH_LASTS_S else began_at

    def _watch(self, detail: str, progress: float | None = None) -> None:
        """An intermediate value: somebody is being measured at this moment."""
        self._watched = True
        if self._report.began_at is None:
            self._report.began_at = self._monotonic()
        self._stop_waiting()
        self._giving_up = self._loop.call_later(UNWATCHED_SILENCE_S, self._give_up)
        self._report.enter(DeviceState.MEASURING, detail, progress)

    def _give_up(self) -> None:
        self._giving_up, self._watched, self._report.began_at = None, False, None
        self._report.enter(DeviceState.READY, "no_result")

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
