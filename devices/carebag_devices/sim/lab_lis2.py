"""What an LIS2-A2 analyser says, and how it can go wrong while saying it; over the radio and over a wire."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from carebag_devices.catalog import SIMULATOR_MAKER
from carebag_devices.codecs import lis01
from carebag_devices.codecs.lis01 import Outcome, Sender
from carebag_devices.codecs.lis2 import Message, Record, Separators, field, record
from carebag_devices.errors import DeviceLost
from carebag_devices.sim.lab_wire import Plug
from carebag_devices.wired.stream import Stream

READING_S = 6.0
LEAST_PATIENCE_S = 0.5
"""What a hurried analyser still waits for an answer."""
TEST = field("", "", "", "48421-2", "CRP", "LN")
"""LOINC 48421-2: C reactive protein in capillary blood."""


@dataclass
class LisFaults:
    """Counters: how many of the next frames (or enquiries) go wrong in this way."""

    corrupt_frames: int = 0
    """One byte damaged."""
    wrong_checksums: int = 0
    repeated_frames: int = 0
    """The answer was lost: the same frame again."""
    double_enquiries: int = 0
    """ENQ once more before the answer came, as when both sides want the line."""
    silent_frames: int = 0
    """The frame never leaves, and nothing after it, until the 15 s are over."""
    hang_up: tuple[int, Literal["before", "after"]] | None = None
    """The link breaks at the n-th packet of the next transfer (ENQ is 0), before or after its answer came."""

    def take(self, name: str) -> bool:
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left > 0

    def breaks_at(self, packet: int, when: str) -> bool:
        """Whether the link breaks here; once."""
        if self.hang_up != (packet, when):
            return False
        self.hang_up = None
        return True


class Line(Protocol):
    """Both raise `DeviceLost`."""

    async def send(self, data: bytes) -> None: ...

    async def receive(self, within_s: float) -> bytes:
        """The next answer; raises `TimeoutError`."""

    async def hang_up(self) -> None:
        """Break the link from this side."""


class Lis2Speaker:
    """Builds the messages and sends them, one attempt at a time."""

    def __init__(self, name: str, serial: str, now: Callable[[], float] = time.time) -> None:
        self.faults = LisFaults()
        self.patience_s = lis01.SENDER_TIMEOUT_S
        self._name, self._serial, self._now = name, serial, now

    def message(self, body: Sequence[Record], processing: str = "P") -> Message:
        sender = field(self._name, "1.0", self._serial)
        head = record("H", "\\^&", "", "", sender, "", "", "", "", "", "", processing, "LIS2-A2", self.stamp())
        return Message(Separators(), (head, record("P", "1"), *body, record("L", "1", "N")))

    def order(self, sample: str, report: str, action: str = "") -> Record:
        """`report` I: in the instrument, F: final. `action` Q: a control."""
        rest = ["", "", "", action, "", "", "", "BLDC", *[""] * 9, report]
        return record("O", "1", sample, "", TEST, "", "", self.stamp(), *rest)

    def result(self, value: str, status: str = "F", unit: str = "mg/L", completed: str = "") -> Record:
        flag = value[0] if value[:1] in ("<", ">") else ""
        ends = ("", "", "", completed or self.stamp(), self._name)
        return record("R", "1", TEST, value, unit, field("0", "10"), flag, "", status, *ends)

    def stamp(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).astimezone().strftime("%Y%m%d%H%M%S")

    async def attempt(self, sender: Sender, line: Line) -> Outcome:
        """One transfer from ENQ to its outcome. Raises `DeviceLost`."""
        return await _Attempt(sender, line, self.faults, self.patience_s).run()


class _Attempt:
    def __init__(self, sender: Sender, line: Line, faults: LisFaults, patience_s: float) -> None:
        self._sender, self._line, self._faults, self._patience_s = sender, line, faults, patience_s
        self._packet = 0

    async def run(self) -> Outcome:
        packet = self._sender.start()
        while True:
            actions = await self._exchange(packet)
            for action in actions:
                if isinstance(action, Outcome):
                    return action
                packet = action
                if action == lis01.EOT:
                    await self._line.send(action)

    async def _exchange(self, packet: bytes) -> list[bytes | Outcome]:
        """One packet and what follows from its answer."""
        if len(packet) > 1 and self._faults.take("silent_frames"):
            return self._sender.timeout()
        await self._line.send(self._spoiled(packet))
        await self._maybe_break("before")
        try:
            answer = await self._answer(packet)
        except TimeoutError:
            return self._sender.timeout()
        await self._maybe_break("after")
        self._packet += 1
        return self._sender.feed(answer)

    async def _answer(self, packet: bytes) -> bytes:
        twice = "repeated_frames" if len(packet) > 1 else "double_enquiries"
        if self._faults.take(twice):
            await self._line.receive(self._patience_s)
            await self._line.send(packet)
        return await self._line.receive(self._patience_s)

    async def _maybe_break(self, when: str) -> None:
        if self._faults.breaks_at(self._packet, when):
            await self._line.hang_up()
            raise DeviceLost("link_broken")

    def _spoiled(self, packet: bytes) -> bytes:
        if len(packet) == 1:
            return packet
        if self._faults.take("corrupt_frames"):
            return packet[:3] + b"~" + packet[4:]
        if self._faults.take("wrong_checksums"):
            return packet[:-4] + b"00" + packet[-2:]
        return packet


class Lis2Analyser:
    """A CRP analyser on a wire. `speed` 2 reads in half the time. What could not be sent waits in `memory`."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        speed: float = 1.0,
        serial: str = "LIS-0001",
        frame_text: int = 240,
        record_per_frame: bool = True,
    ) -> None:
        self.speaker = Lis2Speaker(SIMULATOR_MAKER, serial, now)
        self.speaker.patience_s = max(LEAST_PATIENCE_S, lis01.SENDER_TIMEOUT_S / speed)
        self.memory: deque[Message] = deque()
        """Oldest first; taken out only when the kit acknowledged all of it."""
        self.outcomes: list[Outcome] = []
        self._speed, self._frame_text, self._record_per_frame = speed, frame_text, record_per_frame
        self._samples = 0
        self._news = asyncio.Event()

    @property
    def faults(self) -> LisFaults:
        return self.speaker.faults

    async def insert_cassette(self, value: str = "12", status: str = "F", *, unit: str = "mg/L") -> None:
        """A hand puts a cassette in: announced, read in silence, then told."""
        sample = self._next_sample()
        self.queue(self.speaker.message([self.speaker.order(sample, "I")]))
        await asyncio.sleep(READING_S / self._speed)
        self.give(value, status, unit=unit, sample=sample)

    def give(self, value: str = "12", status: str = "F", *, unit: str = "mg/L", sample: str = "") -> None:
        """A result without announcement, as most analysers do it."""
        order = self.speaker.order(sample or self._next_sample(), "F")
        self.queue(self.speaker.message([order, self.speaker.result(value, status, unit)]))

    def give_control(self, value: str = "33", *, processing: str = "P") -> None:
        """A control, marked in its order, or by `processing` Q; T is training, D a demonstration."""
        order = self.speaker.order(self._next_sample(), "F", "Q" if processing == "P" else "")
        self.queue(self.speaker.message([order, self.speaker.result(value)], processing))

    def queue(self, message: Message) -> None:
        self.memory.append(message)
        self._news.set()

    async def run(self, plug: Plug) -> None:
        """Be on the wire until cancelled; a broken one is taken up again."""
        while True:
            line = StreamLine(await plug())
            with contextlib.suppress(DeviceLost):
                try:
                    await self._talk(line)
                finally:
                    await asyncio.shield(line.hang_up())

    async def _talk(self, line: "StreamLine") -> None:
        while True:
            while self.memory:
                message = self.memory[0]
                texts = message.lines() if self._record_per_frame else [bytes(message)]
                outcome = await self.speaker.attempt(Sender(texts, frame_text=self._frame_text), line)
                self.outcomes.append(outcome)
                if outcome is Outcome.DONE:
                    self.memory.popleft()
                else:
                    await asyncio.sleep(lis01.BUSY_WAIT_S / self._speed)
            self._news.clear()
            await line.until_lost_or(self._news)

    def _next_sample(self) -> str:
        self._samples += 1
        return f"S-{self._samples:04}"


class StreamLine:
    """`Line` over a stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._reading: asyncio.Task[bytes] | None = None

    async def send(self, data: bytes) -> None:
        await self._stream.write(data)

    async def receive(self, within_s: float) -> bytes:
        done, _ = await asyncio.wait({self._read()}, timeout=within_s)
        if not done:
            raise TimeoutError
        self._reading = None
        return done.pop().result()

    async def hang_up(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None
        await self._stream.close()

    async def until_lost_or(self, news: asyncio.Event) -> None:
        """Wait for something to send. What the kit says meanwhile is no answer. Raises `DeviceLost`."""
        waiting = asyncio.create_task(news.wait())
        try:
            while not waiting.done():
                done, _ = await asyncio.wait({waiting, self._read()}, return_when=asyncio.FIRST_COMPLETED)
                if self._reading in done:
                    self._reading = None
                    for read in done - {waiting}:
                        read.result()
        finally:
            waiting.cancel()

    def _read(self) -> asyncio.Task[bytes]:
        if self._reading is None:
            self._reading = asyncio.create_task(self._stream.read())
        return self._reading
