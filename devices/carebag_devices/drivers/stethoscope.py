"""Stethoscopes with the Open Auscultation Stream: start, ordered frames, repetition of lost ones, proof by digest."""

import asyncio
import contextlib
import logging
from collections import deque
from typing import Literal

from carebag_devices.catalog import Model
from carebag_devices.codecs import auscultation
from carebag_devices.codecs.auscultation import AudioFrame, Command, Digest, Info, Resend, Response, Start, Status, Stop
from carebag_devices.drivers.session import Clock, Reporter
from carebag_devices.drivers.sound_order import Missing, SoundOrder, Tally
from carebag_devices.errors import DeviceError, DeviceRefused, DeviceSilent, Malformed
from carebag_devices.events import DeviceState, SoundFrame, SoundStarted, SoundStopped
from carebag_devices.link import Link

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0


class StethoscopeDriver:
    """One stream at a time. Frames reach the kit in order; a gap is a jump in `first_sample`, at most 0.3 s late."""

    def __init__(self, link: Link, report: Reporter, _model: Model) -> None:
        self._link, self._report = link, report
        self._monotonic: Clock = report.ledger.monotonic
        self._info: Info | None = None
        self._commands = asyncio.Lock()
        self._answer: asyncio.Future[Response] | None = None
        self._stream: int | None = None
        self._started = False
        self._rate_hz = 0
        self._order = SoundOrder()
        self._digests: deque[Digest] = deque(maxlen=16)
        self._timer: asyncio.TimerHandle | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self.unreadable = 0

    @property
    def busy(self) -> bool:
        return self._stream is not None

    @property
    def tally(self) -> Tally:
        """Of the stream now, or the last one."""
        return self._order.tally

    async def subscribe(self) -> None:
        await self._link.subscribe(auscultation.CONTROL, self.on_control)
        await self._link.subscribe(auscultation.AUDIO, self.on_audio)
        await self._link.subscribe(auscultation.DIGEST, self.on_digest)
        self._info = Info.parse(await self._link.read(auscultation.INFO))

    def ready(self) -> None:
        if not self.busy:
            self._report.enter(DeviceState.READY)

    def close(self) -> None:
        self._end("lost")

    async def listen(self, stream: int, rate_hz: int) -> None:
        """Start a stream, ending the one before. Raises `DeviceRefused`, `DeviceSilent`, `DeviceLost`."""
        if self._info is not None and not self._info.supports(rate_hz):
            raise DeviceRefused("rate_not_supported")
        if self._stream is not None:
            await self.stop()
        # frames may overtake the answer to START
        self._stream, self._rate_hz, self._started = stream, rate_hz, False
        self._order, self.unreadable = SoundOrder(), 0
        self._digests.clear()
        try:
            await self._command(Start(rate_hz, stream))
        except DeviceError:
            self._end("device")
            raise
        self._begin()

    async def stop(self) -> None:
        """Stop; frames that still may be repeated are waited for. Does nothing without a stream."""
        if self._stream is None:
            return
        with contextlib.suppress(DeviceError):
            await self._command(Stop())
        while self._order.deadline is not None and not self._link.lost.is_set():
            await asyncio.sleep(max(0.0, self._order.deadline - self._monotonic()))
            self._overdue()
        self._end("asked")

    def on_control(self, raw: bytes) -> None:
        """An answer to the one command under way."""
        try:
            response = Response.parse(raw)
        except Malformed:
            return
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(response)

    def on_audio(self, raw: bytes) -> None:
        """One frame. A cut or unknown one counts as lost: asked for again like any other."""
        if self._stream is None:
            return
        try:
            frame = AudioFrame.parse(raw)
        except Malformed:
            self.unreadable += 1
            return
        self._begin()
        frames, missing = self._order.feed(frame, self._monotonic())
        self._tell(frames)
        if missing is not None:
            self._ask_for(missing)

    def on_digest(self, raw: bytes) -> None:
        """The device's checksum of a window; judged once the window has been told."""
        with contextlib.suppress(Malformed):
            self._digests.append(Digest.parse(raw))
            self._judge()

    async def _command(self, command: Command) -> Response:
        """Write, then wait for the device's answer to it."""
        async with self._commands:
            self._answer = asyncio.get_running_loop().create_future()
            try:
                await self._link.write(auscultation.CONTROL, bytes(command))
                return await self._answered(command, self._answer)
            finally:
                self._answer = None

    async def _answered(self, command: Command, answer: asyncio.Future[Response]) -> Response:
        try:
            response = await asyncio.wait_for(answer, ANSWER_WITHIN_S)
        except TimeoutError:
            raise DeviceSilent("no_answer") from None
        if response.opcode != command.opcode:
            raise DeviceRefused("wrong_answer")
        if response.status not in (Status.DONE, Status.NOT_IN_RING):
            raise DeviceRefused(f"status_{response.status}")
        return response

    def _begin(self) -> None:
        if self._stream is not None and not self._started:
            self._started = True
            self._report.tell(SoundStarted(self._report.identity, self._stream, self._rate_hz))
            self._report.enter(DeviceState.MEASURING, "listening")

    def _ask_for(self, missing: Missing) -> None:
        task = asyncio.create_task(self._resend(Resend(missing.seq, missing.count)))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        self._set_timer()

    async def _resend(self, command: Resend) -> None:
        with contextlib.suppress(DeviceError):
            await self._command(command)

    def _tell(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self._report.tell(self._event(frame))
        self._set_timer()
        self._judge()

    def _event(self, frame: AudioFrame) -> SoundFrame:
        return SoundFrame(
            identity=self._report.identity,
            stream=self._stream or 0,
            first_sample=frame.first_sample,
            samples=frame.samples,
            overrun=frame.overrun,
            clipped=frame.clipped,
            no_contact=frame.no_contact,
            retransmitted=frame.retransmitted,
        )

    def _judge(self) -> None:
        while self._digests and self._order.reaches(self._digests[0]):
            if self._order.digest(self._digests.popleft()) == "mismatched":
                # never silently: the nurse's page shows it, the tally keeps it
                self._report.enter(DeviceState.MEASURING, "digest_mismatch")

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._order.deadline is not None:
            wait = max(0.0, self._order.deadline - self._monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self._overdue)

    def _overdue(self) -> None:
        self._tell(self._order.overdue(self._monotonic()))

    def _end(self, reason: Literal["asked", "lost", "device"]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._stream is None:
            return
        while frames := self._order.give_up_gap(self._monotonic()):
            for frame in frames:
                self._report.tell(self._event(frame))
        stream, self._stream = self._stream, None
        if self._started:
            self._report.tell(SoundStopped(self._report.identity, stream, reason, self._order.next_sample))
        if reason != "lost":
            self._report.enter(DeviceState.READY)
