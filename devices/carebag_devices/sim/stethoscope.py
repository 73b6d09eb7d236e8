"""A simulated stethoscope: our Open Auscultation Stream, samples from any source, a ring of frames for repetition."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carebag_devices.codecs import auscultation
from carebag_devices.codecs.auscultation import AudioFrame, Digest, Info, Resend, Response, Start, Status, Stop
from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.errors import Malformed
from carebag_devices.sim.peripheral import Clock, Gatt, Label, Peripheral

RING_FRAMES = 600
"""4.4 s at 16 kHz, 17 s at 4 kHz."""
LOG_FRAMES = 40_000
"""Twenty minutes of 4 kHz."""
ROOM_NOISE = 12
"""Amplitude that is left when the bell hangs in the air, of 32 768."""
MIN_MTU = 100
_ATT_AND_FRAME_HEADER = 3 + 8

SoundSource = Callable[[int], Iterator[NDArray[np.int16]]]
"""Called at every START with the rate in Hz; gives blocks of samples of any length. Silence follows its end."""


class Left(NamedTuple):
    """A frame's way out: which sample was its first, and the unix time when it left for the radio."""

    first_sample: int
    unix: float


@dataclass
class _Stream:
    """One START until STOP."""

    number: int
    rate_hz: int
    blocks: Iterator[NDArray[np.int16]]
    size: int
    rest: NDArray[np.int16]
    seq: int = 0
    first_sample: int = 0
    crc: int = 0
    crc_from: int = 0


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
        self.drop_frames: set[int] = set()
        self.log: deque[Left] = deque(maxlen=LOG_FRAMES)
        self._ring: OrderedDict[int, AudioFrame] = OrderedDict()
        self._stream: _Stream | None = None
        self._playing: asyncio.Task[Any] | None = None
        self._audio = Gatt(auscultation.AUDIO, push="notify")
        self._control = Gatt(auscultation.CONTROL, write=self._command, push="indicate")
        self._digest = Gatt(auscultation.DIGEST, push="notify")
        info = Info(1, 0b111, 0b001, 16, RING_FRAMES, Special.NAN)
        self.serve(
            auscultation.SERVICE,
            [self._audio, self._control, self._digest, Gatt(auscultation.INFO, read=info.__bytes__)],
        )

    @property
    def playing(self) -> bool:
        return self._stream is not None

    def link_lost(self) -> None:
        self._end()

    def _end(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
        self._playing, self._stream = None, None

    async def _command(self, raw: bytes) -> None:
        """Control was written: the answer follows as an indication, after the write's own response."""
        try:
            status, opcode, result = self._obey(auscultation.parse_command(raw))
        except Malformed:
            status, opcode, result = Status.BAD_OPERAND, raw[0] if raw else 0, b""
        self._spawn(self.indicate(self._control, bytes(Response(opcode, status, result))))

    def _obey(self, command: auscultation.Command) -> tuple[Status, int, bytes]:
        match command:
            case Start():
                return self._start(command), command.opcode, b""
            case Stop():
                self._end()
                return Status.DONE, command.opcode, b""
            case Resend():
                return self._resend(command), command.opcode, b""
            case auscultation.Time() if self._stream is not None:
                return Status.DONE, command.opcode, self._stream.first_sample.to_bytes(4, "little")
            case auscultation.Time():
                return Status.WRONG_STATE, command.opcode, b""
            case _:
                return Status.NOT_SUPPORTED, command.opcode, b""

    def _start(self, command: Start) -> Status:
        if command.fmt != 0 or command.rate_hz not in auscultation.RATES_HZ:
            return Status.BAD_OPERAND
        if self.mtu < MIN_MTU:
            return Status.WRONG_STATE
        self._end()
        self._ring.clear()
        size = min(auscultation.FRAME_SAMPLES, (self.mtu - _ATT_AND_FRAME_HEADER) // 2)
        blocks = self._source(command.rate_hz)
        self._stream = _Stream(command.stream, command.rate_hz, blocks, size, rest=np.zeros(0, np.int16))
        self._playing = self._spawn(self._play(self._stream))
        return Status.DONE

    def _resend(self, command: Resend) -> Status:
        wanted = [(command.seq + offset) % 2**16 for offset in range(min(command.count, RING_FRAMES))]
        frames = [self._ring[seq] for seq in wanted if seq in self._ring]
        self._spawn(self._send_again(frames))
        return Status.DONE if len(frames) == command.count else Status.NOT_IN_RING

    async def _send_again(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
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
        samples = self._samples(stream, stream.size)
        clipped = bool((np.abs(samples.astype(np.int32)) >= 32767).any())
        data = samples.astype("<i2").tobytes()
        return AudioFrame(stream.seq, stream.first_sample, data, clipped=clipped, no_contact=not self.on_skin)

    def _samples(self, stream: _Stream, count: int) -> NDArray[np.int16]:
        while len(stream.rest) < count:
            block = next(stream.blocks, np.zeros(count, np.int16))
            stream.rest = np.concatenate([stream.rest, np.atleast_1d(np.asarray(block, np.int16))])
        samples, stream.rest = stream.rest[:count], stream.rest[count:]
        return samples if self.on_skin else _hum(stream.first_sample, count)

    async def _send(self, stream: _Stream, frame: AudioFrame) -> None:
        self._ring[frame.seq] = AudioFrame(
            frame.seq,
            frame.first_sample,
            frame.data,
            clipped=frame.clipped,
            no_contact=frame.no_contact,
            retransmitted=True,
        )
        while len(self._ring) > RING_FRAMES:
            self._ring.popitem(last=False)
        stream.crc = auscultation.crc32c(frame.data, stream.crc)
        stream.first_sample += stream.size
        stream.seq = (stream.seq + 1) % 2**16
        if frame.seq in self.drop_frames:
            self.drop_frames.discard(frame.seq)
        else:
            self.log.append(Left(frame.first_sample, self._now()))
            await self.notify(self._audio, bytes(frame))
        if stream.seq % auscultation.DIGEST_FRAMES == 0:
            await self._send_digest(stream)

    async def _send_digest(self, stream: _Stream) -> None:
        digest = Digest(stream.crc_from, stream.first_sample - stream.crc_from, stream.crc)
        stream.crc, stream.crc_from = 0, stream.first_sample
        await self.notify(self._digest, bytes(digest))


def _hum(first_sample: int, count: int) -> NDArray[np.int16]:
    """What a bell in the air picks up: nearly nothing, and the same for the same samples."""
    noise = np.random.default_rng(first_sample).integers(-ROOM_NOISE, ROOM_NOISE + 1, count)
    return noise.astype(np.int16)
