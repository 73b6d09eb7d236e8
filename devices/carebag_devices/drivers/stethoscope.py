"""Stethoscopes with the Open Auscultation Stream: start, ordered frames, repetition of lost ones, proof by digest."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Coroutine
from typing import Literal, NamedTuple

from carebag_devices.catalog import Model
from carebag_devices.codecs import auscultation
from carebag_devices.codecs.auscultation import AudioFrame, Digest, Format, Info
from carebag_devices.codecs.auscultation_control import (
    Command,
    End,
    Ended,
    Gain,
    Mark,
    MarkKey,
    Resend,
    Response,
    Start,
    Status,
    Stop,
    Time,
    parse_indication,
)
from carebag_devices.drivers.session import Clock, Reporter
from carebag_devices.drivers.sound_order import PATIENCE_S, Missing, Placed, SoundOrder, Tally
from carebag_devices.errors import DeviceError, DeviceRefused, DeviceSilent, Malformed
from carebag_devices.events import DeviceState, SoundFrame, SoundStarted, SoundStopped
from carebag_devices.link import Link

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0
MARKS_KEPT = 100
Reason = Literal["asked", "lost", "device"]


class _Asked(NamedTuple):
    """The one command under way."""

    command: Command
    answer: asyncio.Future[Response]

    def fits(self, response: Response) -> bool:
        """A late answer to an earlier command is none to this one; START tells by the stream's number."""
        if response.opcode != self.command.opcode:
            return False
        if not isinstance(self.command, Start) or response.status != Status.DONE:
            return True
        return response.result == self.command.stream.to_bytes(4, "little")


class StethoscopeDriver:
    """One stream at a time. Frames reach the kit in order; a gap is a jump in `first_sample`, at most 0.3 s late."""

    formats: tuple[Format, ...] = (Format.RICE, Format.PCM16)
    """In order of preference; the first that the device offers is asked for."""

    def __init__(self, link: Link, report: Reporter, _model: Model) -> None:
        self._link, self._report = link, report
        self._monotonic: Clock = report.ledger.monotonic
        self._info: Info | None = None
        self._commands = asyncio.Lock()
        self._asked: _Asked | None = None
        self._stream: int | None = None
        self._started = False
        self._rate_hz = 0
        self._order = SoundOrder()
        self._digests: deque[Digest] = deque(maxlen=16)
        self._timer: asyncio.TimerHandle | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self.marks: deque[int] = deque(maxlen=MARKS_KEPT)
        """Samples of this stream at which the key on the stethoscope was pressed."""
        self.unreadable = 0

    @property
    def busy(self) -> bool:
        return self._stream is not None

    @property
    def tally(self) -> Tally:
        """Of the stream now, or the last one."""
        return self._order.tally

    async def subscribe(self) -> None:
        """Listen to the device. Raises `DeviceError`; `DeviceRefused("profile_version")` for a version not ours."""
        await self._link.subscribe(auscultation.CONTROL, self.on_control)
        await self._link.subscribe(auscultation.AUDIO, self.on_audio)
        await self._link.subscribe(auscultation.DIGEST, self.on_digest)
        self._info = Info.parse(await self._link.read(auscultation.INFO))
        if self._info.version != auscultation.VERSION:
            raise DeviceRefused("profile_version")

    def ready(self) -> None:
        if not self.busy:
            self._report.enter(DeviceState.READY)

    async def synchronise(self) -> bool:
        """Nothing is asked for: what it has, it sends by itself."""
        return True

    def close(self) -> None:
        self._end("lost")

    async def listen(self, stream: int, rate_hz: int) -> None:
        """Start a stream, ending the one before. Raises `DeviceRefused`, `DeviceSilent`, `DeviceLost`."""
        if self._info is not None and not self._info.supports(rate_hz):
            raise DeviceRefused("rate_not_supported")
        fmt = self._format()
        if self._stream is not None:
            await self.stop()
        self._stream, self._rate_hz, self._started = stream, rate_hz, False
        self._order, self.unreadable = SoundOrder(), 0
        self._digests.clear()
        self.marks.clear()
        try:
            await self._command(Start(rate_hz, stream, fmt))
        except DeviceError:
            self._end("device")
            raise

    async def stop(self) -> None:
        """Stop; frames that still may be repeated are waited for. Does nothing without a stream."""
        stream = self._stream
        if stream is None:
            return
        end = None
        with contextlib.suppress(DeviceError):
            end = End.parse((await self._command(Stop())).result)
        await self._wind_up(stream, end, "asked")

    async def set_gain(self, gain_db: int) -> int:
        """Ask for an analogue gain, -128..127 dB; gives what the device set. Raises `DeviceError`."""
        return (await self._command(Gain(gain_db))).number(1, signed=True)

    async def mark(self) -> int:
        """The sample that is being taken now, u32. Raises `DeviceError`."""
        return (await self._command(Mark())).number(4)

    async def sample_now(self) -> int:
        """As `mark`, and tells the device this host's clock. Raises `DeviceError`."""
        return (await self._command(Time(time.time_ns() // 1_000_000))).number(4)

    def on_control(self, raw: bytes) -> None:
        """An answer to the command under way, or what the device says unasked."""
        try:
            said = parse_indication(raw)
        except Malformed:
            return
        match said:
            case Response():
                self._on_answer(said)
            case MarkKey():
                self.marks.append(said.sample)
            case Ended() if self._stream is not None:
                self._spawn(self._wind_up(self._stream, said.end, "device"))

    def on_audio(self, raw: bytes) -> None:
        """One frame. A cut or unknown one counts as lost: asked for again like any other."""
        # before the answer to START a frame may be the former stream's; one of ours is asked for again
        if self._stream is None or not self._started:
            return
        try:
            frame = AudioFrame.parse(raw)
        except Malformed:
            self.unreadable += 1
            return
        frames, missing = self._order.feed(frame, self._monotonic())
        self._tell(frames)
        if missing is not None:
            self._ask_for(missing)

    def on_digest(self, raw: bytes) -> None:
        """The device's checksum of a window; judged once the window has been told."""
        if self._stream is None or not self._started:
            return
        with contextlib.suppress(Malformed):
            self._digests.append(Digest.parse(raw))
            self._judge()

    def _format(self) -> Format:
        for fmt in self.formats:
            if self._info is None or self._info.offers(fmt):
                return fmt
        raise DeviceRefused("format_not_supported")

    async def _command(self, command: Command, within_s: float = ANSWER_WITHIN_S) -> Response:
        """Write, then wait for the device's answer to it."""
        async with self._commands:
            self._asked = asked = _Asked(command, asyncio.get_running_loop().create_future())
            try:
                await self._link.write(auscultation.CONTROL, bytes(command))
                async with asyncio.timeout(within_s):
                    response = await asked.answer
            except TimeoutError:
                raise DeviceSilent("no_answer") from None
            finally:
                self._asked = None
        if response.status not in (Status.DONE, Status.NOT_IN_RING):
            raise DeviceRefused(_word(response.status))
        return response

    def _on_answer(self, response: Response) -> None:
        asked = self._asked
        if asked is None or asked.answer.done() or not asked.fits(response):
            return
        asked.answer.set_result(response)
        # now, not when `listen` wakes: frames may follow in the same breath
        if isinstance(asked.command, Start) and response.status == Status.DONE:
            self._begin()

    def _begin(self) -> None:
        if self._stream is not None and not self._started:
            self._started = True
            self._report.tell(SoundStarted(self._report.identity, self._stream, self._rate_hz))
            self._report.enter(DeviceState.MEASURING, "listening")

    def _ask_for(self, missing: Missing) -> None:
        self._spawn(self._resend(Resend(missing.seq, missing.count)))
        self._set_timer()

    async def _resend(self, command: Resend) -> None:
        with contextlib.suppress(DeviceError):
            await self._command(command, PATIENCE_S)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def _tell(self, frames: list[Placed]) -> None:
        for placed in frames:
            self._report.tell(self._event(placed))
        self._set_timer()
        self._judge()

    def _event(self, placed: Placed) -> SoundFrame:
        frame = placed.frame
        return SoundFrame(
            identity=self._report.identity,
            stream=self._stream or 0,
            first_sample=placed.first_sample,
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

    async def _wind_up(self, stream: int, end: End | None, reason: Reason) -> None:
        """Fetch what is missing up to the end, then end the stream, unless another one has begun."""
        order = self._order
        if end is not None and (missing := order.close(end, self._monotonic())):
            self._ask_for(missing)
        while order is self._order and order.deadline is not None and not self._link.lost.is_set():
            await asyncio.sleep(max(0.0, order.deadline - self._monotonic()))
            self._overdue()
        if self._stream == stream:
            self._end(reason)

    def _end(self, reason: Reason) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._stream is None:
            return
        while frames := self._order.give_up_gap(self._monotonic()):
            for frame in frames:
                self._report.tell(self._event(frame))
        self._judge()
        stream, self._stream = self._stream, None
        if self._started:
            self._report.tell(SoundStopped(self._report.identity, stream, reason, self._order.next_sample))
        if reason != "lost":
            self._report.enter(DeviceState.READY)


def _word(status: int) -> str:
    """`wrong_state`, …: a refusal is told in words."""
    try:
        return Status(status).name.lower()
    except ValueError:
        return "unknown_status"
