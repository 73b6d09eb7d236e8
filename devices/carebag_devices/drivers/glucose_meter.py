"""Glucose meters with the standard service: 0x2A18 from memory or as it is measured, its context by 0x2A34."""

import asyncio
import contextlib
from dataclasses import replace
from typing import ClassVar, NamedTuple

from carebag_devices.drivers.recorded_meter import RecordedMeterDriver
from carebag_devices.errors import Malformed
from carebag_devices.meaning import Meaning, meaning_of
from carebag_devices.meaning.glucose import context, expects_context

MEASUREMENT, CONTEXT = "2A18", "2A34"
CONTEXT_WITHIN_S = 1.0
"""A context that was announced and has not come by then is not waited for."""


class _Held(NamedTuple):
    meant: Meaning
    raw: bytes
    timer: asyncio.TimerHandle


class GlucoseDriver(RecordedMeterDriver):
    """A measurement that announces its context waits for it, at most a second; the meter keeps the record meanwhile."""

    results: ClassVar = ((MEASUREMENT,),)
    _held: _Held | None = None

    async def subscribe(self) -> None:
        if self._link.has(CONTEXT):
            await self._link.subscribe(CONTEXT, self.on_context)
        await super().subscribe()

    def close(self) -> None:
        self._release()
        super().close()

    def settled(self) -> None:
        self._release()
        super().settled()

    def on_result(self, characteristic: str, raw: bytes) -> None:
        """0x2A18."""
        self._release()
        meant = meaning_of(self._model, characteristic, raw)
        with contextlib.suppress(Malformed):
            if expects_context(raw) and self._link.has(CONTEXT):
                self._held = _Held(meant, raw, self._loop.call_later(CONTEXT_WITHIN_S, self._release))
                self._came.set()
                return
        self.take(meant, raw)

    def on_context(self, raw: bytes) -> None:
        """0x2A34. One that cannot be read, or belongs to no measurement that waits, is left out."""
        with contextlib.suppress(Malformed):
            sequence, flags = context(raw)
            if self._held is not None and self._held.meant.sequence == sequence:
                self._release(flags)

    def _release(self, flags: tuple[str, ...] = ()) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.timer.cancel()
            self.take(replace(held.meant, flags=(*held.meant.flags, *flags)), held.raw)
