"""A stethoscope on a sound input: analogue behind a line or microphone input, or with a USB plug of its own.

unseen ─found─▶ ready ⇄ measuring
                  ▲        │ no sound for 2 s, or the sound system gives up
                  └─found─ lost
"""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Literal

import numpy as np

from carebag_devices.catalog import Model
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import DeviceError
from carebag_devices.events import DeviceState, SoundFrame, SoundLevel, SoundStarted, SoundStopped
from carebag_devices.sound_card.card import Capture, Card, choose_rate, find_input
from carebag_devices.sound_card.handover import Block, Handover
from carebag_devices.sound_card.level import Clipping, Meter
from carebag_devices.sound_card.numbering import Numbering

log = logging.getLogger(__name__)

WATCH_EVERY_S = 0.25
SILENT_S = 2.0
"""An open input that gives nothing for so long is gone: the first block may take as long as that after opening."""
FIRST_WITHIN_S = 5.0
MISSING_AGAIN_S = 3.0
PRESENT_AGAIN_S = 10.0


class _Listening:
    """One stream from START to its end."""

    def __init__(self, stream: int, rate_hz: int, now: float) -> None:
        self.stream, self.rate_hz = stream, rate_hz
        self.numbering = Numbering(rate_hz)
        self.clipping, self.meter = Clipping(), Meter(rate_hz)
        self.begun = False
        self.due = now + FIRST_WITHIN_S
        """When it counts as silent."""
        self.capture: Capture | None = None
        self.handover: Handover


class SoundCard:
    """For the bag like a Bluetooth stethoscope: `listen`, `stop`, `busy`; `run` watches plug and stream for ever.

    Args:
        name: the input's name or a part of it that only one has (`USB Audio`).
        card: the sound system; PortAudio by default.
    """

    def __init__(self, name: str, model: Model, report: Reporter, card: Card | None = None) -> None:
        if card is None:
            from carebag_devices.sound_card.port_audio import PORT_AUDIO

            card = PORT_AUDIO
        self._name, self._model, self._report, self._card = name, model, report, card
        self._monotonic = report.ledger.monotonic
        self._changing = asyncio.Lock()
        self._news = asyncio.Event()
        self._listening: _Listening | None = None

    @property
    def busy(self) -> bool:
        return self._listening is not None

    @property
    def numbering(self) -> Numbering | None:
        """Of the stream now: how much of its gaps is estimated."""
        return self._listening.numbering if self._listening else None

    async def run(self) -> None:
        """Watch until cancelled; never raises anything else."""
        try:
            while True:
                wait_s = await self._attend()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._news.wait()
                self._news.clear()
        finally:
            await self._finish("lost")

    async def listen(self, stream: int, rate_hz: int) -> None:
        """Start a stream, ending the one before; at another rate where the input does not give this one.

        `SoundStarted` tells the rate. Raises `DeviceSilent`, `DeviceRefused`.
        """
        async with self._changing:
            try:
                await self._finish("asked")
                await self._start(stream, rate_hz)
            finally:
                self._news.set()

    async def stop(self) -> None:
        """Stop; a `SoundStopped` follows if a stream was running."""
        async with self._changing:
            await self._finish("asked")
            if self._report.state is DeviceState.MEASURING:
                self._report.enter(DeviceState.READY)

    async def _start(self, stream: int, rate_hz: int) -> None:
        chosen = find_input(await self._card.inputs(), self._name)
        rate_hz = await choose_rate(self._card, chosen, rate_hz)
        listening = _Listening(stream, rate_hz, self._monotonic())
        listening.handover = Handover(partial(self._take, listening))
        self._listening = listening
        try:
            listening.capture = await self._card.open(chosen, rate_hz, listening.handover.put)
        except BaseException:
            self._listening = None
            raise
        self._begin(listening)

    async def _attend(self) -> float:
        """One look at plug or stream; gives the seconds until the next."""
        try:
            async with self._changing:
                if self._listening is not None:
                    return await self._watch(self._listening)
                find_input(await self._card.inputs(), self._name)
        except DeviceError as error:
            seen = self._report.state is not DeviceState.UNSEEN
            self._report.enter(DeviceState.LOST if seen else DeviceState.UNSEEN, error.reason)
            return MISSING_AGAIN_S
        except Exception as error:
            # a sound system's surprise must not end the visit; by type only, see `errors`
            log.error("%s: %s", self._model.key, type(error).__name__)
            self._report.enter(DeviceState.LOST, DeviceError.code)
            return MISSING_AGAIN_S
        self._report.enter(DeviceState.READY)
        return PRESENT_AGAIN_S

    async def _watch(self, listening: _Listening) -> float:
        gone = listening.capture is not None and not listening.capture.alive
        if gone or self._monotonic() >= listening.due:
            await self._finish("lost")
            self._report.enter(DeviceState.LOST, "sound_input_missing" if gone else "sound_input_silent")
        return WATCH_EVERY_S

    def _begin(self, listening: _Listening) -> None:
        if not listening.begun:
            listening.begun = True
            self._report.tell(SoundStarted(self._report.identity, listening.stream, listening.rate_hz))
            self._report.enter(DeviceState.MEASURING, "listening")

    def _take(self, listening: _Listening, block: Block) -> None:
        """One block, in the loop. What comes after the end is nobody's."""
        if listening is not self._listening:
            return
        self._begin(listening)
        listening.due = self._monotonic() + SILENT_S
        samples = np.frombuffer(block.data, np.int16)
        first = listening.numbering.place(
            len(samples), block.captured_s, overflowed=block.overflowed, dropped=block.dropped
        )
        clipped = listening.clipping.feed(samples)
        self._report.tell(
            SoundFrame(
                self._report.identity,
                listening.stream,
                first,
                samples,
                overrun=block.overflowed or block.dropped > 0,
                clipped=clipped,
            )
        )
        level = listening.meter.feed(samples, clipped=clipped)
        if level is not None:
            heard = SoundLevel(self._report.identity, listening.stream, level.peak_dbfs, level.rms_dbfs, level.word)
            self._report.tell(heard)

    async def _finish(self, reason: Literal["asked", "lost"]) -> None:
        listening = self._listening
        if listening is None:
            return
        try:
            if listening.capture is not None:
                await listening.capture.close()
            listening.handover.drain()
        finally:
            self._listening = None
            if listening.begun:
                samples = listening.numbering.next_sample
                self._report.tell(SoundStopped(self._report.identity, listening.stream, reason, samples))


async def run_sound_card(name: str, model: Model, report: Reporter) -> None:
    """A sound input that only shows whether it is there; to listen as well, keep the `SoundCard`."""
    await SoundCard(name, model, report).run()
