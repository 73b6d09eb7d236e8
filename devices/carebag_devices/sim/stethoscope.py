"""A simulated stethoscope: our Open Auscultation Stream, samples from any source, a ring of frames for repetition."""

import asyncio
import dataclasses
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carebag_devices.codecs import auscultation, auscultation_control
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
)
from carebag_devices.codecs.crc32c import crc32c
from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.errors import Malformed
from carebag_devices.sim.peripheral import Clock, Gatt, Label, Peripheral

RING_FRAMES = 600
"""4.4 s at 16 kHz, 17 s at 4 kHz."""
LOG_FRAMES = 40_000
"""Twenty minutes of 4 kHz."""
ROOM_NOISE = 12
"""Amplitude that is left when the bell hangs in the air, of 32 768."""
MAX_GAIN_DB = 24
STROKES, STROKE_S, STROKE_EVERY_S = 3, 0.08, 0.4
SCRATCH = 4000
"""Standard deviation of a stroke, in int16 steps."""
_ATT_AND_FRAME_HEADER = 3 + 8

SoundSource = Callable[[int], Iterator[NDArray[np.int16]]]
"""Called at every START with the rate in Hz; gives blocks of samples of any length. Silence follows its end."""


class Left(NamedTuple):
    """A frame's way out: which sample was its first, and the unix time when it left for the radio."""

    first_sample: int
    unix: float


@dataclass
class Faults:
    """What may befall frames, by sequence number; each happens once."""

    drop: set[int] = field(default_factory=set)
    """Never leave: the kit must ask again."""
    double: set[int] = field(default_factory=set)
    """Leave twice."""
    cut: set[int] = field(default_factory=set)
    """Lose their second half on the way, as in a stack that cuts notifications short."""
    overrun: dict[int, int] = field(default_factory=dict)
    """So many samples are lost in the device before the frame."""


@dataclass
class _Stream:
    """One START until STOP."""

    number: int
    rate_hz: int
    fmt: Format
    gain: int
    blocks: Iterator[NDArray[np.int16]]
    size: int
    rest: NDArray[np.int16]
    seq: int = 0
    first_sample: int = 0
    crc: int = 0
    crc_from: int = 0
    crc_samples: int = 0


class Stethoscope(Peripheral):
    """Paced by the event loop's clock. `drop_frames` are sequence numbers that never leave: the kit must ask again."""

    def __init__(
        self,
        hci_source: Any,
        hci_sink: Any,
        *,
        sound_source: SoundSource,
        now: Clock,
        address: str = "C6:00:00:00:00:03",
    ) -> None:
        services = (auscultation.SERVICE,)
        label = Label("CB Steth", "Simulated stethoscope", "ST-0001", address, services, encrypted=True)
        super().__init__(hci_source, hci_sink, label, now=now, battery=63)
        self._source = sound_source
        self.on_skin = True
        self.membrane_silent = False
        """Torn or stuck: whatever the hand or the heart does, nearly nothing comes."""
        self._scratched_at: int | None = None
        self.faults = Faults()
        self.too_loud_db = 0
        """Amplified by so much beyond what the sound is: then it clips."""
        self.log: deque[Left] = deque(maxlen=LOG_FRAMES)
        self._ring: OrderedDict[int, AudioFrame] = OrderedDict()
        self._stream: _Stream | None = None
        self._playing: asyncio.Task[Any] | None = None
        self._audio = Gatt(auscultation.AUDIO, push="notify")
        self._control = Gatt(auscultation.CONTROL, write=self._command, push="indicate")
        self._digest = Gatt(auscultation.DIGEST, push="notify")
        info = Info(auscultation.VERSION, 0b111, 0b011, 16, RING_FRAMES, Special.NAN)
        self.serve(
            auscultation.SERVICE,
            [self._audio, self._control, self._digest, Gatt(auscultation.INFO, read=info.__bytes__)],
        )

    @property
    def playing(self) -> bool:
        return self._stream is not None

    @property
    def next_frame(self) -> int:
        """Sequence number of the frame that leaves next."""
        return self._stream.seq if self._stream is not None else 0

    @property
    def drop_frames(self) -> set[int]:
        """`faults.drop`."""
        return self.faults.drop

    @drop_frames.setter
    def drop_frames(self, numbers: set[int]) -> None:
        self.faults.drop = numbers

    def press_mark(self) -> None:
        """The key on the stethoscope."""
        if self._stream is not None:
            self._spawn(self.indicate(self._control, bytes(MarkKey(self._stream.first_sample % 2**32))))

    def scratch(self) -> None:
        """A fingernail over the membrane, three strokes; heard only while somebody listens."""
        if self._stream is not None:
            self._scratched_at = self._stream.first_sample

    def end_stream(self) -> None:
        """As a stethoscope does whose battery is low."""
        if self._stream is not None:
            self._spawn(self._end_by_itself(self._stream))

    def link_lost(self) -> None:
        self._end()
        self._ring.clear()

    def _end(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
        self._playing, self._stream = None, None

    async def _end_by_itself(self, stream: _Stream) -> None:
        self._end()
        await self._send_digest(stream)
        await self.indicate(self._control, bytes(Ended(_end_of(stream))))

    async def _command(self, raw: bytes) -> None:
        """Control was written: the answer follows as an indication, after the write's own response."""
        before, result = self._stream, b""
        try:
            status, result = self._obey(auscultation_control.parse_command(raw))
        except Malformed as error:
            status = Status.NOT_SUPPORTED if error.reason == "unknown_opcode" else Status.BAD_OPERAND
        answer = bytes(Response(raw[0] if raw else 0, status, result))
        self._spawn(self._answer(answer, before if self._stream is None else None))

    async def _answer(self, answer: bytes, ended: _Stream | None) -> None:
        """Digest of the ended stream first; a begun stream's frames follow the answer."""
        if ended is not None:
            await self._send_digest(ended)
        begun = self._stream
        await self.indicate(self._control, answer)
        if begun is not None and begun is self._stream and self._playing is None:
            self._playing = self._spawn(self._play(begun))

    def _obey(self, command: Command) -> tuple[Status, bytes]:
        match command:
            case Start():
                status = self._start(command)
                return status, command.stream.to_bytes(4, "little") if status is Status.DONE else b""
            case Resend():
                return self._resend(command), b""
            case Gain() if abs(command.gain) > MAX_GAIN_DB:
                return Status.BAD_OPERAND, b""
        if self._stream is None:
            return Status.WRONG_STATE, b""
        return Status.DONE, self._obey_streaming(command, self._stream)

    def _obey_streaming(self, command: Command, stream: _Stream) -> bytes:
        match command:
            case Stop():
                self._end()
                return bytes(_end_of(stream))
            case Gain():
                stream.gain = command.gain
                return command.gain.to_bytes(1, "little", signed=True)
            case Time() | Mark():
                return (stream.first_sample % 2**32).to_bytes(4, "little")
        return b""

    def _start(self, command: Start) -> Status:
        if self.mtu < auscultation.MIN_MTU:
            return Status.MTU_TOO_SMALL
        known = command.fmt in (Format.PCM16, Format.RICE) and command.rate_hz in auscultation.RATES_HZ
        if not known or command.filter or abs(command.gain) > MAX_GAIN_DB:
            return Status.BAD_OPERAND
        self._end()
        self._ring.clear()
        size = min(auscultation.FRAME_SAMPLES, (self.mtu - _ATT_AND_FRAME_HEADER) // 2)
        self._stream = _Stream(
            number=command.stream,
            rate_hz=command.rate_hz,
            fmt=Format(command.fmt),
            gain=command.gain,
            blocks=self._source(command.rate_hz),
            size=size,
            rest=np.zeros(0, np.int16),
        )
        return Status.DONE

    def _resend(self, command: Resend) -> Status:
        wanted = [(command.seq + offset) % 2**16 for offset in range(min(command.count, RING_FRAMES))]
        frames = [self._ring[seq] for seq in wanted if seq in self._ring]
        self._spawn(self._send_again(frames))
        return Status.DONE if len(frames) == command.count else Status.NOT_IN_RING

    async def _send_again(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            if self._ring.get(frame.seq) is frame:  # not after a new START
                await self.notify(self._audio, bytes(frame))

    async def _play(self, stream: _Stream) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            taken = stream.first_sample + stream.size
            # a sample cannot leave before it was taken
            await asyncio.sleep(max(0.0, begun + taken / stream.rate_hz - loop.time()))
            await self._send(stream, self._next_frame(stream))

    def _next_frame(self, stream: _Stream) -> AudioFrame:
        lost = self.faults.overrun.pop(stream.seq, 0)
        if lost:
            self._samples(stream, lost)
            stream.first_sample += lost
        samples = _amplified(self._samples(stream, stream.size), stream.gain + self.too_loud_db)
        clipped = bool((np.abs(samples.astype(np.int32)) >= 32767).any())
        return AudioFrame(
            stream.seq,
            stream.first_sample % 2**32,
            samples.astype("<i2").tobytes(),
            overrun=lost > 0,
            clipped=clipped,
            no_contact=not self.on_skin,
            fmt=stream.fmt,
        )

    def _samples(self, stream: _Stream, count: int) -> NDArray[np.int16]:
        while len(stream.rest) < count:
            block = next(stream.blocks, np.zeros(count, np.int16))
            stream.rest = np.concatenate([stream.rest, np.atleast_1d(np.asarray(block, np.int16))])
        samples, stream.rest = stream.rest[:count], stream.rest[count:]
        if self.membrane_silent or not self.on_skin:
            samples = _hum(stream.first_sample, count)
        if self.membrane_silent or self._scratched_at is None:
            return samples
        return scratched(samples, stream.first_sample - self._scratched_at, stream.rate_hz)

    async def _send(self, stream: _Stream, frame: AudioFrame) -> None:
        if frame.overrun:
            await self._send_digest(stream)  # a digest is of samples without a hole
        self._ring[frame.seq] = dataclasses.replace(frame, retransmitted=True)
        while len(self._ring) > RING_FRAMES:
            self._ring.popitem(last=False)
        stream.crc = crc32c(frame.data, stream.crc)
        stream.crc_samples += frame.count
        stream.first_sample += frame.count
        stream.seq = (stream.seq + 1) % 2**16
        await self._let_go(frame)
        if stream.seq % auscultation.DIGEST_FRAMES == 0:
            await self._send_digest(stream)

    async def _let_go(self, frame: AudioFrame) -> None:
        """Notify, or what the faults make of it."""
        raw = bytes(frame)
        if frame.seq in self.faults.cut:
            raw = raw[: len(raw) // 2]
        if frame.seq not in self.faults.drop:
            self.log.append(Left(frame.first_sample, self._now()))
            for _ in range(1 + (frame.seq in self.faults.double)):
                await self.notify(self._audio, raw)
        for numbers in (self.faults.drop, self.faults.double, self.faults.cut):
            numbers.discard(frame.seq)

    async def _send_digest(self, stream: _Stream) -> None:
        digest = Digest(stream.crc_from % 2**32, stream.crc_samples, stream.crc)
        stream.crc, stream.crc_samples, stream.crc_from = 0, 0, stream.first_sample
        if digest.samples:
            await self.notify(self._digest, bytes(digest))


def _end_of(stream: _Stream) -> End:
    return End(stream.first_sample % 2**32, stream.seq)


def _amplified(samples: NDArray[np.int16], gain_db: int) -> NDArray[np.int16]:
    if gain_db == 0:
        return samples
    louder = np.round(samples * 10 ** (gain_db / 20))
    return np.clip(louder, -32768, 32767).astype(np.int16)


def _hum(first_sample: int, count: int) -> NDArray[np.int16]:
    """What a bell in the air picks up: nearly nothing, and the same for the same samples."""
    noise = np.random.default_rng(first_sample).integers(-ROOM_NOISE, ROOM_NOISE + 1, count)
    return noise.astype(np.int16)


def scratched(samples: NDArray[np.int16], since: int, rate_hz: int) -> NDArray[np.int16]:
    """With a fingernail over the membrane: strokes of broad noise, the first `since` samples before these."""
    at_s = (since + np.arange(len(samples))) / rate_hz
    stroke = (at_s >= 0) & (at_s < STROKES * STROKE_EVERY_S) & (at_s % STROKE_EVERY_S < STROKE_S)
    noise = np.random.default_rng(abs(since)).normal(0, SCRATCH, len(samples))
    return np.clip(samples + np.round(noise * stroke), -32768, 32767).astype(np.int16)
