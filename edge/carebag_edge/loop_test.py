"""The stethoscope's loop test: some seconds of taps outside a visit, judged and thrown away. Nothing is recorded."""

import asyncio
import contextlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from carebag_devices.bag import Instruments
from carebag_devices.errors import DeviceError
from carebag_devices.events import SoundFrame, SoundStarted, SoundStopped
from carebag_devices.sound_card.loop_test import judge_taps
from carebag_edge.clock import Clock
from carebag_edge.journal import Journal
from carebag_edge.wording import as_code, short
from carebag_wire.base import Code
from carebag_wire.visit import LoopTest

LOOP_TEST = "loop_test"
SECONDS = 5
PATIENCE_S = 10.0
"""Then it is judged by what came, also of a stethoscope that sends slowly."""
LEAST_S = 1.0
"""With less sound than this nothing can be said."""


class LoopTester:
    """One test at a time. `takes` says whether a stream is a test's: such a stream goes nowhere else."""

    def __init__(self, journal: Journal, clock: Clock, changed: Callable[[], None]) -> None:
        self._journal = journal
        self._clock = clock
        self._changed = changed
        self.shown = _last(journal)
        self._stream: int | None = None
        self._running = False
        self._rate_hz = 0
        self._device_id = ""
        self._samples: list[NDArray[np.int16]] = []
        self._problem: Code | None = None
        self._over = asyncio.Event()

    @property
    def running(self) -> bool:
        return self._running

    def takes(self, stream: int) -> bool:
        return stream == self._stream

    def begin(self, stream: int) -> None:
        """The stethoscope is about to be asked to send under this number."""
        self._stream, self._running = stream, True
        self._rate_hz, self._device_id, self._samples, self._problem = 0, "", [], None
        self._over.clear()
        self.shown = LoopTest(at=self._clock.utc(), state="running")
        self._changed()

    async def run(self, instruments: Instruments, rate_hz: int) -> None:
        """Listen, then judge; ends in some seconds whatever the instrument does."""
        stream = self._stream
        assert stream is not None
        try:
            await instruments.listen(stream, rate_hz)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self._over.wait()
        except DeviceError as error:
            self._problem = as_code(error.code)
        with contextlib.suppress(DeviceError):
            await instruments.stop_listening()
        if self._running and self._stream == stream:
            self._end()

    def abandon(self) -> None:
        """A visit opens: what was there before is shown again."""
        if self._running:
            self._running, self._samples = False, []
            self.shown = _last(self._journal)
            self._over.set()

    def take(self, event: SoundStarted | SoundFrame | SoundStopped) -> None:
        """An event of the test's stream."""
        if not self._running:
            return
        if isinstance(event, SoundStarted):
            self._rate_hz, self._device_id = event.rate_hz, short(event.identity.id)
        elif isinstance(event, SoundFrame):
            self._samples.append(event.samples)
            if self._rate_hz and sum(one.size for one in self._samples) >= SECONDS * self._rate_hz:
                self._over.set()
        else:
            if event.reason == "lost":
                self._problem = "device_lost"
            self._over.set()

    def _end(self) -> None:
        sound = np.concatenate(self._samples) if self._samples else np.zeros(0, np.int16)
        self._running, self._samples = False, []
        result = self._judged(sound)
        self.shown = result
        self._journal.put_state(LOOP_TEST, result.model_dump_json())
        self._changed()

    def _judged(self, sound: NDArray[np.int16]) -> LoopTest:
        at, device_id = self._clock.utc(), self._device_id
        if self._rate_hz == 0 or sound.size < LEAST_S * self._rate_hz:
            return LoopTest(at=at, state="failed", device_id=device_id, problem=self._problem or "device_silent")
        verdict = judge_taps(sound, self._rate_hz)
        peak = round(verdict.peak_dbfs, 1)
        if verdict.word == "not_heard":
            return LoopTest(at=at, state="failed", device_id=device_id, peak_dbfs=peak, problem="no_taps")
        return LoopTest(at=at, state=verdict.word, device_id=device_id, peak_dbfs=peak)


def _last(journal: Journal) -> LoopTest | None:
    try:
        text = journal.state(LOOP_TEST)
        return LoopTest.model_validate_json(text) if text else None
    except ValidationError:
        return None
